"""Final reports: how runs ended, each recorded once, and what that does to their slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from conductor_server.model.definition import Json
from conductor_server.model.states import Disposition, Outcome, RunStatus, SlotState
from conductor_server.policy import completion
from conductor_server.store import agenda, dialect, given, leases, schema
from conductor_server.store.leases import NOW, Lease, still


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one run ended, as its agent says. ``slot`` is the name of the run's slot, where the agent tells it."""

    agent: str
    lease: Lease
    completion_id: str
    outcome: Outcome
    exit_code: int | None
    error: str
    result: Mapping[str, Json] | None
    checkpoint: bytes | None
    slot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a report did, and where its run stands now."""

    disposition: Disposition
    status: RunStatus | None
    reason: str = ""


def complete(db: sa.Connection, reports: Sequence[Report], *, now: dt.datetime) -> Sequence[Recorded]:
    """Record final reports, each exactly once. Answers in their order."""
    facts = _facts(db, {report.lease.run_id for report in reports})
    answers: list[Recorded] = []
    applied: list[Report] = []
    for report in reports:
        known = facts.get(report.lease.run_id)
        disposition = completion.disposition(
            known, agent=report.agent, epoch=report.lease.epoch, completion_id=report.completion_id
        )
        match disposition:
            case Disposition.APPLIED:
                status = completion.status_after(report.outcome)
                applied.append(report)
                facts[report.lease.run_id] = completion.RunFacts(
                    status=status,
                    epoch=report.lease.epoch,
                    agent=report.agent,
                    completion_id=report.completion_id,
                )
                answers.append(Recorded(disposition=disposition, status=status))
            case Disposition.LATE | Disposition.FENCED:
                assert known is not None
                answers.append(_keep_late(db, report, known, disposition, now=now))
            case Disposition.DUPLICATE | Disposition.REMOVED:
                answers.append(Recorded(disposition=disposition, status=known.status if known else None))
    _apply(db, applied, now=now)
    return answers


def _facts(db: sa.Connection, run_ids: Collection[int]) -> dict[int, completion.RunFacts]:
    rows = db.execute(_reported(db.dialect.name), given.numbers(run_ids)).all()
    return {
        row.id: completion.RunFacts(
            status=RunStatus(row.status), epoch=row.epoch, agent=row.agent, completion_id=row.completion_id
        )
        for row in rows
    }


@cache
def _reported(dialect_name: str) -> sa.Select[Any]:
    run = schema.run
    # The lock makes the decision hold until the commit: a time-out or a cancellation in between waits.
    return (
        sa.select(run.c.id, run.c.status, run.c.epoch, run.c.agent, run.c.completion_id)
        .where(given.within(dialect_name, run.c.id))
        .order_by(run.c.id)
        .with_for_update()
    )


def _apply(db: sa.Connection, reports: Sequence[Report], *, now: dt.datetime) -> None:
    by_status: dict[RunStatus, list[Report]] = {}
    for report in reports:
        by_status.setdefault(completion.status_after(report.outcome), []).append(report)
    for status, group in by_status.items():
        ended = given.rows(
            {
                "id": report.lease.run_id,
                "epoch": report.lease.epoch,
                "completion_id": report.completion_id,
                "exit_code": report.exit_code,
                "error": report.error or None,
                "result": report.result,
            }
            for report in group
        )
        db.execute(_ending(db.dialect.name, status), ended | {"now": now})
        if status in _EFFECTS:
            numbers = given.numbers(report.lease.run_id for report in group)
            db.execute(_deciding(db.dialect.name, status), numbers | {"now": now})
        if status in (RunStatus.FAILED, RunStatus.RELEASED):
            leases.cancel_as_asked(db, [report.lease.run_id for report in group], now=now)
        agenda.note_ended(db, [report.lease.run_id for report in group], status, at=now)
    saved = [
        {"run": report.lease.run_id, "held_epoch": report.lease.epoch, "saved": report.checkpoint}
        for report in reports
        if report.checkpoint is not None
    ]
    if saved:
        db.execute(_SAVING, saved)


@cache
def _ending(dialect_name: str, status: RunStatus) -> sa.Update:
    """Runs that ended so, by their reports."""
    run = schema.run
    columns: Mapping[str, TypeEngine[Any]] = {
        "id": schema.Key,
        "epoch": schema.Key,
        "completion_id": sa.Text(),
        "exit_code": sa.Integer(),
        "error": sa.Text(),
        "result": schema.Json,
    }
    report = given.table(dialect_name, columns)
    return (
        sa.update(run)
        .where(
            given.joined(dialect_name, run.c.id, report),
            run.c.epoch == report.c.epoch,
            still(RunStatus.RUNNING),
        )
        .values(
            status=status,
            completion_id=report.c.completion_id,
            exit_code=report.c.exit_code,
            error=report.c.error,
            result=report.c.result,
            **{_ENDED_AT[status]: NOW},
        )
    )


@cache
def _deciding(dialect_name: str, status: RunStatus) -> sa.Update:
    """The slots of runs that ended so."""
    run, slot = schema.run, schema.slot
    ended = given.within(dialect_name, run.c.id)
    return sa.update(slot).where(slot.c.id == run.c.slot_id, ended).values(**_EFFECTS[status])


_ENDED_AT = {
    RunStatus.SUCCESS: "success_at",
    RunStatus.FAILED: "failed_at",
    RunStatus.CANCELLED: "cancelled_at",
    RunStatus.RELEASED: "released_at",
    RunStatus.TIMEOUT: "timeout_at",
}


_EFFECTS: Mapping[RunStatus, Mapping[str, object]] = {
    RunStatus.SUCCESS: {
        "state": SlotState.SUCCEEDED,
        "success_run_id": schema.run.c.id,  # the newest: a slot has one live run, and its next gets a greater number
        "failures": 0,
        "losses": 0,
        "decided_at": NOW,
        "reason": "",
    },
    RunStatus.FAILED: {
        "failures": schema.slot.c.failures + 1,
        "losses": 0,
        "failed_at": NOW,
        "ever_failed": True,
    },
    RunStatus.CANCELLED: {
        "state": SlotState.CANCELLED,
        "decided_at": NOW,
        "reason": "cancelled by an operator",
    },
}
"""What a run that ended so does to its slot. After a failure the retry policy has the word."""

_SAVING = (
    sa.update(schema.run)
    .where(schema.run.c.id == sa.bindparam("run"), schema.run.c.epoch == sa.bindparam("held_epoch"))
    .values(checkpoint=sa.bindparam("saved"))
)


def _keep_late(
    db: sa.Connection,
    report: Report,
    known: completion.RunFacts,
    disposition: Disposition,
    *,
    now: dt.datetime,
) -> Recorded:
    if known.agent != report.agent:
        # A stranger's word about it is not kept, and how the run stands is not told.
        reason = f"run {report.lease.run_id} is not held by agent {report.agent}"
        return Recorded(disposition=disposition, status=None, reason=reason)
    if disposition is Disposition.LATE:
        reason = f"run {report.lease.run_id} was already {known.status.word}"
    else:
        reason = f"run {report.lease.run_id} is at epoch {known.epoch}, not {report.lease.epoch}"
    db.execute(
        dialect.insert(db, schema.late_report)
        .values(
            run_id=report.lease.run_id,
            at=now,
            agent=report.agent,
            epoch=report.lease.epoch,
            completion_id=report.completion_id,
            disposition=str(disposition),
            outcome=int(report.outcome),
            error=report.error or None,
            result=None if report.result is None else dict(report.result),
        )
        .on_conflict_do_nothing()
    )
    return Recorded(disposition=disposition, status=known.status, reason=reason)
