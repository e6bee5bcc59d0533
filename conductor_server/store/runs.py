"""Single runs: created and cancelled for operators.

Every write is a compare-and-set on the status (and, for what agents write, the epoch: ``store/leases.py``).
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from conductor_server.model.states import LIVE_RUNS, CreatedBy, RunStatus, SlotState
from conductor_server.store import agenda, schema, starts


def rerun(db: sa.Connection, slot_id: int, *, now: dt.datetime) -> int | None:
    """Create a run of a slot because an operator asks, with a new series of attempts; ``None`` if one is live."""
    slot, run = schema.slot, schema.run
    # Of two who ask at once the second waits here, and then sees the first one's run.
    db.execute(sa.select(slot.c.id).where(slot.c.id == slot_id).with_for_update())
    live = sa.select(1).where(run.c.slot_id == slot.c.id, run.c.status.in_(LIVE_RUNS)).exists()
    changed = db.execute(
        sa.update(slot)
        .where(slot.c.id == slot_id, ~live)
        .values(
            state=SlotState.ACTIVE,
            attempts=slot.c.attempts + 1,
            failures=0,
            losses=0,
            reason="",
            decided_at=None,
        )
    ).rowcount
    if not changed:
        return None
    starts.create_run(db, slot_id, CreatedBy.OPERATOR, now=now)
    agenda.note(db, [slot_id], at=now)  # it counts otherwise for its children now
    number: int = db.execute(
        sa.select(run.c.id).where(run.c.slot_id == slot_id, run.c.status == RunStatus.WAITING)
    ).scalar_one()
    return number


def start_undecided(db: sa.Connection, slot_id: int, *, now: dt.datetime) -> int:
    """Create a run of a slot that is not decided and has none that lives. Answers how many: 0 or 1."""
    slot, run = schema.slot, schema.run
    live = sa.select(1).where(run.c.slot_id == slot.c.id, run.c.status.in_(LIVE_RUNS)).exists()
    started = db.execute(
        sa.update(slot)
        .where(slot.c.id == slot_id, slot.c.state.in_((SlotState.OPEN, SlotState.ACTIVE)), ~live)
        .values(state=SlotState.ACTIVE, attempts=slot.c.attempts + 1)
    ).rowcount
    if started:
        starts.create_run(db, slot_id, CreatedBy.ENGINE, now=now)
    return started


def live_run(db: sa.Connection, slot_id: int) -> int | None:
    """The run of a slot that has not ended, if there is one."""
    run = schema.run
    query = sa.select(run.c.id).where(run.c.slot_id == slot_id, run.c.status.in_(LIVE_RUNS))
    found: int | None = db.execute(query).scalar()
    return found


def cancel_waiting(db: sa.Connection, run_id: int, *, reason: str, now: dt.datetime) -> int:
    """Cancel a run that nobody has claimed, and its slot with it. Answers how many: 0 or 1."""
    run, slot = schema.run, schema.slot
    cancelled = db.execute(
        sa.update(run)
        .where(run.c.id == run_id, run.c.status == RunStatus.WAITING)
        .values(status=RunStatus.CANCELLED, cancel_requested_at=now, cancelled_at=now)
    ).rowcount
    if cancelled:
        of_run = sa.select(run.c.slot_id).where(run.c.id == run_id).scalar_subquery()
        db.execute(
            sa.update(slot)
            .where(slot.c.id == of_run, slot.c.state == SlotState.ACTIVE)
            .values(state=SlotState.CANCELLED, reason=reason, decided_at=now)
        )
        agenda.note_ended(db, [run_id], RunStatus.CANCELLED, at=now)
    return cancelled


def request_cancel(db: sa.Connection, run_id: int, *, now: dt.datetime) -> int:
    """Ask the agent of a running run to stop it. Answers how many: 0 when that was done before, or it has ended."""
    run = schema.run
    return db.execute(
        sa.update(run)
        .where(run.c.id == run_id, run.c.status == RunStatus.RUNNING, run.c.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now)
    ).rowcount


def number_of_account(db: sa.Connection, account_id: int, *, status: RunStatus) -> int:
    """How many runs of an account have that status."""
    run, slot, member = schema.run, schema.slot, schema.member
    query = (
        sa.select(sa.func.count())
        .select_from(run.join(slot, slot.c.id == run.c.slot_id).join(member, member.c.id == slot.c.member_id))
        .where(run.c.status == status, member.c.account_id == account_id)
    )
    return int(db.execute(query).scalar_one())


def waiting_sources(db: sa.Connection) -> set[int]:
    """Sources with a waiting run."""
    run = schema.run
    rows = db.execute(sa.select(run.c.source_id).where(run.c.status == RunStatus.WAITING).distinct())
    return set(rows.scalars())
