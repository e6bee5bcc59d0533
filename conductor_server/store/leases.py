"""What agents write: claims, heartbeats and final reports. Every write names the epoch that it expects to find.

These are called with the requests of many agents at once: one transaction, one commit, for all of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.model.definition import Json
from conductor_server.model.states import Disposition, Outcome, RunStatus, SlotState, Verdict
from conductor_server.policy import completion
from conductor_server.store import dialect, limits, readiness, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A run, and the epoch under which it is held."""

    run_id: int
    epoch: int


# ------------------------------------------------------------------------------------------------ claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A wish for up to ``runs`` runs of a source."""

    agent: str
    session: int
    source_id: int
    runs: int


def claim(db: sa.Connection, wish: Claim, *, now: dt.datetime) -> Sequence[Lease]:
    """Give an agent runs that wait for its source: by priority, then age, as far as the limits allow."""
    run = schema.run
    chosen: list[int] = []
    usage = limits.load(db)
    while len(chosen) < wish.runs:
        rows = db.execute(_waiting(wish, usage, now=now, limit=wish.runs - len(chosen), without=chosen)).all()
        taken = [row.id for row in rows if usage.take(row.definition_id, row.account_id)]
        chosen += taken
        if len(taken) == len(rows):
            # Either there are no more, or as many as were asked for; else what was over a limit is now excluded.
            break
    if not chosen:
        return []
    granted = db.execute(
        sa.update(run)
        .where(run.c.id.in_(chosen), run.c.status == RunStatus.WAITING)
        .values(
            status=RunStatus.RUNNING,
            epoch=run.c.epoch + 1,
            agent=wish.agent,
            running_at=now,
            heartbeat_at=now,
        )
        .returning(run.c.id, run.c.epoch)
    )
    epochs: dict[int, int] = dict(granted.all())
    return [Lease(run_id=number, epoch=epochs[number]) for number in chosen if number in epochs]


def _waiting(
    wish: Claim, usage: limits.Usage, *, now: dt.datetime, limit: int, without: Collection[int]
) -> sa.Select[tuple[int, int, int | None]]:
    run, slot, definition, member = schema.run, schema.slot, schema.definition, schema.member
    above = readiness.account
    query = (
        sa.select(run.c.id, slot.c.definition_id, member.c.account_id)
        .select_from(
            run.join(slot, slot.c.id == run.c.slot_id)
            .join(definition, definition.c.id == slot.c.definition_id)
            .join(member, member.c.id == slot.c.member_id)
            .outerjoin(above, above.c.id == member.c.account_id)
        )
        .where(
            run.c.status == RunStatus.WAITING,
            run.c.source_id == wish.source_id,
            readiness.startable(now=now),
            usage.has_room(slot.c.definition_id, member.c.account_id),
        )
        .order_by(run.c.priority.desc(), run.c.id)
        .limit(limit)
        .with_for_update(of=run, skip_locked=True)
    )
    return query.where(run.c.id.not_in(without)) if without else query


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Everything about a claimed run that its agent needs, but the spec, which goes by definition."""

    lease: Lease
    slot: str
    attempt: int
    definition_id: int
    definition: str
    source: str
    timeout: dt.timedelta | None
    matrix: str
    member: str
    account: str
    timezone: str
    window_start: dt.datetime
    window_end: dt.datetime
    window_label: str
    checkpoint: bytes | None


def assignments(db: sa.Connection, leases: Collection[Lease]) -> Sequence[Assignment]:
    """What the agents of freshly claimed runs are told, in the order of the claims."""
    run, slot, definition, member = schema.run, schema.slot, schema.definition, schema.member
    window, source, matrix, above = schema.window, schema.source, schema.matrix, readiness.account
    earlier = schema.run.alias("earlier")
    checkpoint = (
        sa.select(earlier.c.checkpoint)
        .where(earlier.c.slot_id == run.c.slot_id, earlier.c.checkpoint.is_not(None))
        .order_by(earlier.c.attempt.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = db.execute(
        sa.select(
            run.c.id,
            run.c.attempt,
            definition.c.id.label("definition_id"),
            definition.c.name.label("definition"),
            source.c.name.label("source"),
            definition.c.timeout_s,
            matrix.c.name.label("matrix"),
            member.c.token.label("member"),
            member.c.path,
            sa.func.coalesce(above.c.token, "").label("account"),
            member.c.timezone,
            window.c.starts_at,
            window.c.ends_at,
            window.c.label,
            checkpoint.label("checkpoint"),
        )
        .select_from(
            run.join(slot, slot.c.id == run.c.slot_id)
            .join(definition, definition.c.id == slot.c.definition_id)
            .join(source, source.c.id == run.c.source_id)
            .join(member, member.c.id == slot.c.member_id)
            .join(matrix, matrix.c.id == member.c.matrix_id)
            .join(window, window.c.id == slot.c.window_id)
            .outerjoin(above, above.c.id == member.c.account_id)
        )
        .where(run.c.id.in_([lease.run_id for lease in leases]))
    )
    by_run = {row.id: row for row in rows}
    return [
        Assignment(
            lease=lease,
            slot=slot_name(row.definition, row.path, row.label),
            attempt=row.attempt,
            definition_id=row.definition_id,
            definition=row.definition,
            source=row.source,
            timeout=None if row.timeout_s is None else dt.timedelta(seconds=row.timeout_s),
            matrix=row.matrix,
            member=row.member,
            account=row.account,
            timezone=row.timezone,
            window_start=row.starts_at,
            window_end=row.ends_at,
            window_label=row.label,
            checkpoint=row.checkpoint,
        )
        for lease in leases
        if (row := by_run.get(lease.run_id)) is not None
    ]


def slot_name(definition: str, path: str, label: str) -> str:
    """``update_sales@acme/2026-11-20``; without the ``@`` part under the default matrix."""
    return f"{definition}@{path}/{label}" if path else f"{definition}/{label}"


# ------------------------------------------------------------------------------------------------ heartbeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A sign of life of one run; progress and checkpoint where they have changed."""

    lease: Lease
    progress: Mapping[str, Json] | None = None
    checkpoint: bytes | None = None


def beat(
    db: sa.Connection, agent: str, beats: Sequence[Beat], *, now: dt.datetime
) -> Mapping[Lease, tuple[Verdict, str]]:
    """Prolong the leases that still hold. Answers a verdict for every run named."""
    run = schema.run
    held = {held_beat.lease.run_id: held_beat for held_beat in beats}
    rows = db.execute(
        sa.select(run.c.id, run.c.epoch, run.c.status, run.c.agent, run.c.cancel_requested_at).where(
            run.c.id.in_(held)
        )
    )
    facts = {row.id: row for row in rows}
    verdicts = {beat.lease: _verdict(facts.get(beat.lease.run_id), beat.lease, agent) for beat in beats}
    alive = [
        lease for lease, (verdict, _) in verdicts.items() if verdict in (Verdict.CONTINUE, Verdict.CANCEL)
    ]
    owned = (
        (run.c.id == sa.bindparam("run"))
        & (run.c.epoch == sa.bindparam("held_epoch"))
        & (run.c.status == RunStatus.RUNNING)
    )
    if alive:
        keys = [{"run": lease.run_id, "held_epoch": lease.epoch} for lease in alive]
        db.execute(sa.update(run).where(owned).values(heartbeat_at=now), keys)
    for lease in alive:
        news = held[lease.run_id]
        values: dict[str, object] = {}
        if news.progress is not None:
            values["progress"] = dict(news.progress)
        if news.checkpoint is not None:
            values["checkpoint"] = news.checkpoint
        if values:
            db.execute(
                sa.update(run).where(owned).values(**values), {"run": lease.run_id, "held_epoch": lease.epoch}
            )
    return verdicts


def _verdict(
    row: sa.Row[int, int, int, str, dt.datetime | None] | None, lease: Lease, agent: str
) -> tuple[Verdict, str]:
    if row is None:
        return Verdict.FORGET, f"run {lease.run_id} was removed with its definition or account"
    if row.epoch != lease.epoch:
        return Verdict.LEASE_LOST, f"run {lease.run_id} is at epoch {row.epoch}, not {lease.epoch}"
    if row.status != RunStatus.RUNNING:
        return Verdict.LEASE_LOST, f"run {lease.run_id} is {RunStatus(row.status).word}"
    if row.agent != agent:
        return Verdict.LEASE_LOST, f"run {lease.run_id} is held by agent {row.agent}"
    if row.cancel_requested_at is not None:
        return Verdict.CANCEL, "an operator asked for it"
    return Verdict.CONTINUE, ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A running run that somebody asked to stop."""

    lease: Lease
    agent: str


def cancellations(db: sa.Connection) -> Sequence[Cancellation]:
    """Every running run that is to be stopped."""
    run = schema.run
    rows = db.execute(
        sa.select(run.c.id, run.c.epoch, run.c.agent).where(
            run.c.status == RunStatus.RUNNING, run.c.cancel_requested_at.is_not(None)
        )
    )
    return [Cancellation(lease=Lease(run_id=row.id, epoch=row.epoch), agent=row.agent) for row in rows]


def release_missing(
    db: sa.Connection, agent: str, held: Collection[int], *, claimed_before: dt.datetime, now: dt.datetime
) -> int:
    """Take back runs that this agent claimed before that instant and does not hold: they were lost on the way."""
    run = schema.run
    lost = db.execute(
        sa.select(run.c.id).where(
            run.c.status == RunStatus.RUNNING, run.c.agent == agent, run.c.running_at < claimed_before
        )
    ).scalars()
    missing = [number for number in lost if number not in held]
    if not missing:
        return 0
    return db.execute(
        sa.update(run)
        .where(run.c.id.in_(missing), run.c.status == RunStatus.RUNNING, run.c.agent == agent)
        .values(
            status=RunStatus.RELEASED,
            released_at=now,
            error=f"agent {agent} never received it, or does not know it",
        )
    ).rowcount


# ------------------------------------------------------------------------------------------------ final reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one run ended, as its agent says."""

    agent: str
    lease: Lease
    completion_id: str
    outcome: Outcome
    exit_code: int | None
    error: str
    result: Mapping[str, Json] | None
    checkpoint: bytes | None


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
            known, epoch=report.lease.epoch, completion_id=report.completion_id
        )
        match disposition:
            case Disposition.APPLIED:
                status = completion.status_after(report.outcome)
                applied.append(report)
                facts[report.lease.run_id] = completion.RunFacts(
                    status=status, epoch=report.lease.epoch, completion_id=report.completion_id
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
    run = schema.run
    query = sa.select(run.c.id, run.c.status, run.c.epoch, run.c.completion_id).where(run.c.id.in_(run_ids))
    # The lock makes the decision hold until the commit: a time-out or a cancellation in between waits.
    return {
        row.id: completion.RunFacts(
            status=RunStatus(row.status), epoch=row.epoch, completion_id=row.completion_id
        )
        for row in db.execute(query.order_by(run.c.id).with_for_update())
    }


def _apply(db: sa.Connection, reports: Sequence[Report], *, now: dt.datetime) -> None:
    run, slot = schema.run, schema.slot
    by_status: dict[RunStatus, list[Report]] = {}
    for report in reports:
        by_status.setdefault(completion.status_after(report.outcome), []).append(report)
    for status, group in by_status.items():
        db.execute(
            sa.update(run)
            .where(
                run.c.id == sa.bindparam("run"),
                run.c.epoch == sa.bindparam("held_epoch"),
                run.c.status == RunStatus.RUNNING,
            )
            .values(
                status=status,
                completion_id=sa.bindparam("report"),
                exit_code=sa.bindparam("code"),
                error=sa.bindparam("message"),
                result=sa.bindparam("outcome", type_=schema.Json),
                checkpoint=sa.func.coalesce(sa.bindparam("saved", type_=sa.LargeBinary), run.c.checkpoint),
                **{_ENDED_AT[status]: now},
            ),
            [
                {
                    "run": report.lease.run_id,
                    "held_epoch": report.lease.epoch,
                    "report": report.completion_id,
                    "code": report.exit_code,
                    "message": report.error or None,
                    "outcome": None if report.result is None else dict(report.result),
                    "saved": report.checkpoint,
                }
                for report in group
            ],
        )
        of_group = sa.select(run.c.slot_id).where(run.c.id.in_([report.lease.run_id for report in group]))
        effect = _effect_on_slot(status, now=now)
        if effect:
            db.execute(sa.update(slot).where(slot.c.id.in_(of_group)).values(**effect))


_ENDED_AT = {
    RunStatus.SUCCESS: "success_at",
    RunStatus.FAILED: "failed_at",
    RunStatus.CANCELLED: "cancelled_at",
    RunStatus.RELEASED: "released_at",
    RunStatus.TIMEOUT: "timeout_at",
}


def _effect_on_slot(status: RunStatus, *, now: dt.datetime) -> dict[str, object]:
    """What a run that ended so does to its slot. After a failure the retry policy has the word."""
    run, slot = schema.run, schema.slot
    match status:
        case RunStatus.SUCCESS:
            newest = (
                sa.select(sa.func.max(run.c.id))
                .where(run.c.slot_id == slot.c.id, run.c.status == RunStatus.SUCCESS)
                .scalar_subquery()
            )
            return {
                "state": SlotState.SUCCEEDED,
                "success_run_id": newest,
                "failures": 0,
                "losses": 0,
                "decided_at": now,
                "reason": "",
            }
        case RunStatus.FAILED:
            return {"failures": slot.c.failures + 1, "losses": 0, "failed_at": now, "ever_failed": True}
        case RunStatus.CANCELLED:
            return {"state": SlotState.CANCELLED, "decided_at": now, "reason": "cancelled by an operator"}
        case _:
            return {}


def _keep_late(
    db: sa.Connection,
    report: Report,
    known: completion.RunFacts,
    disposition: Disposition,
    *,
    now: dt.datetime,
) -> Recorded:
    reason = (
        f"run {report.lease.run_id} is at epoch {known.epoch}, not {report.lease.epoch}"
        if disposition is Disposition.FENCED
        else f"run {report.lease.run_id} was already {known.status.word}"
    )
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
