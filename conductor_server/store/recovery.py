"""What a restored store has forgotten, and learns again from its agents' reports.

Three things may have happened to a run between the backup and the restore. One that ran in the backup has ended: its
report is taken as ever. One that waited in the backup was claimed: its agent gets the lease that it had. One that the
backup does not know at all was created: its report is taken for its slot, as the end of the run that stands there now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import replace

import sqlalchemy as sa

from conductor_server.model.errors import NotFoundError
from conductor_server.model.states import Outcome, RunStatus
from conductor_server.store import completions, runs, schema, slot_pages
from conductor_server.store.completions import Recorded, Report
from conductor_server.store.incarnations import Incarnation
from conductor_server.store.leases import Lease

_DECISIVE = (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.TIMED_OUT)
"""What a forgotten run may tell about its slot. That it was cancelled or given back says nothing about the work."""

_run = schema.run


def grant_again(db: sa.Connection, agent: str, held: Collection[Lease], *, now: dt.datetime) -> int:
    """Give an agent the leases back that it was granted after the backup. Answers how many."""
    granted = 0
    for lease in held:
        granted += _grant(db, lease, agent, expected_epoch=lease.epoch, now=now)
    return granted


def complete(
    db: sa.Connection, reports: Sequence[Report], incarnation: Incarnation, *, now: dt.datetime
) -> Sequence[Recorded]:
    """``completions.complete`` for a store that was restored. Answers in the reports' order."""
    numbers = [report.lease.run_id for report in reports]
    rows = db.execute(sa.select(_run.c.id, _run.c.status).where(_run.c.id.in_(numbers)))
    statuses = {row.id: RunStatus(row.status) for row in rows}
    for report in reports:
        if statuses.get(report.lease.run_id) is RunStatus.WAITING:
            grant_again(db, report.agent, [report.lease], now=now)
    if not any(number not in statuses and incarnation.has_forgotten(number) for number in numbers):
        return completions.complete(db, reports, now=now)
    # One by one: what one says about a slot decides what the next one can.
    answers: list[Recorded] = []
    for report in reports:
        is_known = report.lease.run_id in statuses or not incarnation.has_forgotten(report.lease.run_id)
        answers += completions.complete(
            db, [report if is_known else _of_its_slot(db, report, now=now)], now=now
        )
    return answers


def _of_its_slot(db: sa.Connection, report: Report, *, now: dt.datetime) -> Report:
    """The report of a forgotten run as that of its slot's run; as it is, if it cannot say anything about the slot."""
    try:
        slot_id = slot_pages.find(db, report.slot, sight=None) if report.outcome in _DECISIVE else None
    except NotFoundError:
        slot_id = None
    if slot_id is None:
        return report
    db.execute(sa.select(schema.slot.c.id).where(schema.slot.c.id == slot_id).with_for_update())
    taken = sa.select(_run.c.id, _run.c.epoch).where(
        _run.c.slot_id == slot_id, _run.c.completion_id == report.completion_id
    )
    if (before := db.execute(taken).one_or_none()) is not None:
        return replace(report, lease=Lease(run_id=before.id, epoch=before.epoch))
    runs.start_undecided(db, slot_id, now=now)
    newest = (
        sa.select(_run.c.id, _run.c.epoch)
        .where(_run.c.slot_id == slot_id)
        .order_by(_run.c.id.desc())
        .limit(1)
    )
    standing = db.execute(newest).one_or_none()
    if standing is None:
        return report
    waiting = Lease(run_id=standing.id, epoch=standing.epoch + 1)
    if _grant(db, waiting, report.agent, expected_epoch=standing.epoch, now=now):
        return replace(report, lease=waiting)
    # Somebody has it, or it is decided: no epoch of it is this report's, which is kept, and changes nothing.
    return replace(report, lease=Lease(run_id=standing.id, epoch=0))


def _grant(db: sa.Connection, lease: Lease, agent: str, *, expected_epoch: int, now: dt.datetime) -> int:
    values = {
        "status": RunStatus.RUNNING,
        "epoch": lease.epoch,
        "agent": agent,
        "running_at": now,
        "heartbeat_at": now,
    }
    expected = (
        (_run.c.id == lease.run_id) & (_run.c.status == RunStatus.WAITING) & (_run.c.epoch == expected_epoch)
    )
    # epoch 0 was never granted to anybody
    return db.execute(sa.update(_run).where(expected).values(**values)).rowcount if lease.epoch > 0 else 0
