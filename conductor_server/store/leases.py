"""What agents write: claims, heartbeats and final reports. Every write names the epoch that it expects to find.

These are called with the requests of many agents at once: one transaction, one commit, for all of them.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.types import TypeEngine

from conductor_server.model.definition import Json
from conductor_server.model.states import Disposition, Outcome, RunStatus, SlotState, Verdict
from conductor_server.policy import completion
from conductor_server.policy.retry import LOSSES_MAX, quarantine_reason
from conductor_server.store import agenda, dialect, given, limits, readiness, schema

# Statements are built once and kept by what varies in them: building one takes longer than running it.
_NOW: Any = sa.bindparam("now")  # stands for the instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A run, and the epoch under which it is held."""

    run_id: int
    epoch: int


# ------------------------------------------------------------------------------------------------ claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A wish for up to ``runs`` runs of a source, of some accounts; ``None`` for all, and for work of no account."""

    agent: str
    session: int
    source_id: int
    runs: int
    accounts: frozenset[str] | None = None


def claim(db: sa.Connection, wish: Claim, *, now: dt.datetime) -> Sequence[Lease]:
    """Give an agent runs that wait for its source: by priority, then age, as far as the limits allow."""
    (granted,) = claim_all(db, [wish], now=now)
    return granted


def claim_all(db: sa.Connection, wishes: Sequence[Claim], *, now: dt.datetime) -> Sequence[Sequence[Lease]]:
    """The same for many agents at once: the runs of a kind are chosen together, then dealt in the wishes' order."""
    usage = limits.load(db)
    chosen: dict[_Kind, Iterator[int]] = {}
    taken: dict[int, list[int]] = {}
    for kind, wanted in _wanted(wishes):
        before = taken.setdefault(kind.source_id, [])
        numbers = _choose(db, kind, usage, wanted=wanted, taken=before, now=now)
        before += numbers
        chosen[kind] = iter(numbers)
    dealt = [list(islice(chosen[_Kind.of(wish)], wish.runs)) for wish in wishes]
    epochs = _grant(
        db,
        {number: wish.agent for wish, numbers in zip(wishes, dealt, strict=True) for number in numbers},
        now=now,
    )
    return [
        [Lease(run_id=number, epoch=epochs[number]) for number in numbers if number in epochs]
        for numbers in dealt
    ]


def take(db: sa.Connection, run_id: int, holder: str, *, now: dt.datetime) -> Lease | None:
    """Give one waiting run to somebody who has named it; ``None`` when it does not wait any more."""
    epochs = _grant(db, {run_id: holder}, now=now)
    return Lease(run_id=run_id, epoch=epochs[run_id]) if run_id in epochs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What two wishes have to have in common to be served from one choice."""

    source_id: int
    accounts: frozenset[str] | None

    @classmethod
    def of(cls, wish: Claim) -> _Kind:
        return cls(source_id=wish.source_id, accounts=wish.accounts)


def _wanted(wishes: Sequence[Claim]) -> Sequence[tuple[_Kind, int]]:
    """How many of each kind; those who may have less choose first."""
    wanted: Counter[_Kind] = Counter()
    for wish in wishes:
        wanted[_Kind.of(wish)] += wish.runs
    return sorted(wanted.items(), key=lambda each: (each[0].accounts is None, len(each[0].accounts or ())))


def _choose(
    db: sa.Connection,
    kind: _Kind,
    usage: limits.Usage,
    *,
    wanted: int,
    taken: Sequence[int],
    now: dt.datetime,
) -> Sequence[int]:
    """Waiting runs of a kind, locked, in the order in which they are to be started; not those that are taken."""
    run, slot, member = schema.run, schema.slot, schema.member
    chosen: list[int] = []
    while len(chosen) < wanted:
        query = _waiting(within_accounts=kind.accounts is not None)
        parameters = {"source": kind.source_id, "now": now, "wanted": wanted - len(chosen)}
        if kind.accounts is not None:
            parameters["accounts"] = sorted(kind.accounts)
        if usage.limits:
            query = query.where(usage.has_room(slot.c.definition_id, member.c.account_id))
        if usage.limits or taken:
            query = query.where(run.c.id.not_in([*taken, *chosen]))
        rows = db.execute(query, parameters).all()
        taken = [row.id for row in rows if usage.take(row.definition_id, row.account_id)]
        chosen += taken
        if len(taken) == len(rows):
            # Either there are no more, or as many as were asked for; else what was over a limit is now excluded.
            break
    return chosen


@cache
def _waiting(*, within_accounts: bool) -> sa.Select[tuple[int, int, int | None]]:
    """What an agent may not have is not looked at: the bound of its credential is part of the question."""
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
            run.c.source_id == sa.bindparam("source"),
            readiness.startable(now=_NOW),
        )
        .order_by(run.c.priority.desc(), run.c.id)
        .limit(sa.bindparam("wanted"))
        .with_for_update(of=run, skip_locked=True)
    )
    return (
        query.where(above.c.token.in_(sa.bindparam("accounts", expanding=True))) if within_accounts else query
    )


def _grant(db: sa.Connection, agents: Mapping[int, str], *, now: dt.datetime) -> Mapping[int, int]:
    """Give each of those runs to its agent. Answers the epochs under which they are held."""
    if not agents:
        return {}
    granted = given.rows({"id": number, "agent": agent} for number, agent in agents.items())
    return dict(db.execute(_granting(db.dialect.name), granted | {"now": now}).all())


@cache
def _granting(dialect_name: str) -> ReturningUpdate[int, int]:
    run = schema.run
    granted = given.table(dialect_name, {"id": schema.Key, "agent": sa.Text()})
    return (
        sa.update(run)
        .where(run.c.id == granted.c.id, _still(RunStatus.WAITING))
        .values(
            status=RunStatus.RUNNING,
            epoch=run.c.epoch + 1,
            agent=granted.c.agent,
            running_at=_NOW,
            heartbeat_at=_NOW,
        )
        .returning(run.c.id, run.c.epoch)
    )


def _still(status: RunStatus) -> sa.ColumnElement[bool]:
    """Whether a run that is named by its id has that status.

    The sum keeps PostgreSQL from the partial index of that status: its statistics are always stale, and the planner
    would rather read all that wait than look up a hundred.
    """
    return schema.run.c.status + 0 == status


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Everything about a claimed run that its agent needs, but the spec, which goes by definition."""

    lease: Lease
    slot: str
    attempt: int
    definition_id: int
    definition: str
    fingerprint: str
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
    if not leases:
        return []
    rows = db.execute(_assigning(db.dialect.name), given.numbers(lease.run_id for lease in leases))
    by_run = {row.id: row for row in rows}
    return [
        Assignment(
            lease=lease,
            slot=slot_name(row.definition, row.path, row.label),
            attempt=row.attempt,
            definition_id=row.definition_id,
            definition=row.definition,
            fingerprint=row.fingerprint,
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


@cache
def _assigning(dialect_name: str) -> sa.Select[Any]:
    run, slot, definition, member = schema.run, schema.slot, schema.definition, schema.member
    window, source, matrix, above = schema.window, schema.source, schema.matrix, readiness.account
    claimed, earlier = given.table(dialect_name, given.NUMBERS), schema.run.alias("earlier")
    checkpoint = (
        sa.select(earlier.c.checkpoint)
        .where(earlier.c.slot_id == run.c.slot_id, earlier.c.checkpoint.is_not(None))
        .order_by(earlier.c.attempt.desc())
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(
        run.c.id,
        run.c.attempt,
        definition.c.id.label("definition_id"),
        definition.c.name.label("definition"),
        definition.c.fingerprint,
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
        sa.case((run.c.attempt > 1, checkpoint)).label("checkpoint"),
    ).select_from(
        claimed.join(run, run.c.id == claimed.c.id)
        .join(slot, slot.c.id == run.c.slot_id)
        .join(definition, definition.c.id == slot.c.definition_id)
        .join(source, source.c.id == run.c.source_id)
        .join(member, member.c.id == slot.c.member_id)
        .join(matrix, matrix.c.id == member.c.matrix_id)
        .join(window, window.c.id == slot.c.window_id)
        .outerjoin(above, above.c.id == member.c.account_id)
    )


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
    held = {held_beat.lease.run_id: held_beat for held_beat in beats}
    rows = db.execute(_facts_of_held(db.dialect.name), given.numbers(held)) if held else ()
    facts = {row.id: row for row in rows}
    verdicts = {beat.lease: _verdict(facts.get(beat.lease.run_id), beat.lease, agent) for beat in beats}
    alive = [
        lease for lease, (verdict, _) in verdicts.items() if verdict in (Verdict.CONTINUE, Verdict.CANCEL)
    ]
    if alive:
        leases = given.rows({"id": lease.run_id, "epoch": lease.epoch} for lease in alive)
        db.execute(_prolonging(db.dialect.name), leases | {"now": now})
    for lease in alive:
        news = held[lease.run_id]
        values: dict[str, object] = {}
        if news.progress is not None:
            values["progress"] = dict(news.progress)
        if news.checkpoint is not None:
            values["checkpoint"] = news.checkpoint
        if values:
            db.execute(
                _telling(frozenset(values)), {"run": lease.run_id, "held_epoch": lease.epoch, **values}
            )
    return verdicts


@cache
def _facts_of_held(dialect_name: str) -> sa.Select[Any]:
    run, held = schema.run, given.table(dialect_name, given.NUMBERS)
    return sa.select(run.c.id, run.c.epoch, run.c.status, run.c.agent, run.c.cancel_requested_at).join(
        held, held.c.id == run.c.id
    )


@cache
def _prolonging(dialect_name: str) -> sa.Update:
    run, held = schema.run, given.table(dialect_name, {"id": schema.Key, "epoch": schema.Key})
    return (
        sa.update(run)
        .where(run.c.id == held.c.id, run.c.epoch == held.c.epoch, _still(RunStatus.RUNNING))
        .values(heartbeat_at=_NOW)
    )


@cache
def _telling(what: frozenset[str]) -> sa.Update:
    run = schema.run
    return (
        sa.update(run)
        .where(
            run.c.id == sa.bindparam("run"),
            run.c.epoch == sa.bindparam("held_epoch"),
            run.c.status == RunStatus.RUNNING,
        )
        .values({name: sa.bindparam(name) for name in what})
    )


def _verdict(
    row: sa.Row[int, int, int, str, dt.datetime | None] | None, lease: Lease, agent: str
) -> tuple[Verdict, str]:
    if row is None:
        return Verdict.FORGET, f"run {lease.run_id} was removed with its definition or account"
    if row.agent != agent:
        # Whoever holds it, and what became of it, is nobody else's business.
        return Verdict.LEASE_LOST, f"run {lease.run_id} is not held by agent {agent}"
    if row.epoch != lease.epoch:
        return Verdict.LEASE_LOST, f"run {lease.run_id} is at epoch {row.epoch}, not {lease.epoch}"
    if row.status != RunStatus.RUNNING:
        return Verdict.LEASE_LOST, f"run {lease.run_id} is {RunStatus(row.status).word}"
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
    db: sa.Connection,
    agent: str,
    held: Collection[int],
    *,
    claimed_before: dt.datetime,
    restarted: bool = False,
    now: dt.datetime,
) -> int:
    """Take back runs that this agent claimed before that instant and does not hold: they were lost on the way.

    Or with the agent's process, if it has been ``restarted`` since. That charges no attempt either, but counts towards
    quarantine: a command that kills its agent, journal and all, would be tried for ever.
    """
    run = schema.run
    lost = db.execute(_CLAIMED_BEFORE, {"agent_name": agent, "before": claimed_before}).scalars()
    missing = [number for number in lost if number not in held]
    if not missing:
        return 0
    released: int = db.execute(
        sa.update(run)
        .where(run.c.id.in_(missing), run.c.status == RunStatus.RUNNING, run.c.agent == agent)
        .values(
            status=RunStatus.RELEASED,
            released_at=now,
            error=f"agent {agent} never received it, or does not know it",
        )
    ).rowcount
    _cancel_as_asked(db, missing, now=now)
    if restarted:
        _count_losses(db, missing, now=now)
    agenda.note_ended(db, missing, RunStatus.RELEASED, at=now)
    return released


_CLAIMED_BEFORE = sa.select(schema.run.c.id).where(
    schema.run.c.status == RunStatus.RUNNING,
    schema.run.c.agent == sa.bindparam("agent_name"),
    schema.run.c.running_at < sa.bindparam("before"),
)


def _count_losses(db: sa.Connection, run_ids: Collection[int], *, now: dt.datetime) -> None:
    """One more agent was lost with each of these runs, which are released."""
    run, slot = schema.run, schema.slot
    of_runs = sa.select(run.c.slot_id).where(run.c.id.in_(run_ids), run.c.status == RunStatus.RELEASED)
    lost = sa.update(slot).where(slot.c.id.in_(of_runs), slot.c.state == SlotState.ACTIVE)
    db.execute(lost.values(losses=slot.c.losses + 1))
    db.execute(
        lost.where(slot.c.losses >= LOSSES_MAX).values(
            state=SlotState.QUARANTINED, decided_at=now, reason=quarantine_reason(LOSSES_MAX)
        )
    )


# ------------------------------------------------------------------------------------------------ final reports


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
    rows = db.execute(_reported(db.dialect.name), given.numbers(run_ids))
    return {
        row.id: completion.RunFacts(
            status=RunStatus(row.status), epoch=row.epoch, agent=row.agent, completion_id=row.completion_id
        )
        for row in rows
    }


@cache
def _reported(dialect_name: str) -> sa.Select[Any]:
    run, reported = schema.run, given.table(dialect_name, given.NUMBERS)
    # The lock makes the decision hold until the commit: a time-out or a cancellation in between waits.
    return (
        sa.select(run.c.id, run.c.status, run.c.epoch, run.c.agent, run.c.completion_id)
        .join(reported, reported.c.id == run.c.id)
        .order_by(run.c.id)
        .with_for_update(of=run)
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
            _cancel_as_asked(db, [report.lease.run_id for report in group], now=now)
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
        .where(run.c.id == report.c.id, run.c.epoch == report.c.epoch, _still(RunStatus.RUNNING))
        .values(
            status=status,
            completion_id=report.c.completion_id,
            exit_code=report.c.exit_code,
            error=report.c.error,
            result=report.c.result,
            **{_ENDED_AT[status]: _NOW},
        )
    )


@cache
def _deciding(dialect_name: str, status: RunStatus) -> sa.Update:
    """The slots of runs that ended so."""
    run, slot, ended = schema.run, schema.slot, given.table(dialect_name, given.NUMBERS)
    return (
        sa.update(slot).where(slot.c.id == run.c.slot_id, run.c.id == ended.c.id).values(**_EFFECTS[status])
    )


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
        "decided_at": _NOW,
        "reason": "",
    },
    RunStatus.FAILED: {
        "failures": schema.slot.c.failures + 1,
        "losses": 0,
        "failed_at": _NOW,
        "ever_failed": True,
    },
    RunStatus.CANCELLED: {
        "state": SlotState.CANCELLED,
        "decided_at": _NOW,
        "reason": "cancelled by an operator",
    },
}
"""What a run that ended so does to its slot. After a failure the retry policy has the word."""

_SAVING = (
    sa.update(schema.run)
    .where(schema.run.c.id == sa.bindparam("run"), schema.run.c.epoch == sa.bindparam("held_epoch"))
    .values(checkpoint=sa.bindparam("saved"))
)


def _cancel_as_asked(db: sa.Connection, run_ids: Collection[int], *, now: dt.datetime) -> None:
    """Where one of these runs was to be cancelled, its failure or return must not be answered with another run."""
    run, slot = schema.run, schema.slot
    asked = sa.select(run.c.slot_id).where(
        run.c.id.in_(run_ids),
        run.c.cancel_requested_at.is_not(None),
        run.c.status.in_((RunStatus.FAILED, RunStatus.RELEASED)),
    )
    db.execute(
        sa.update(slot)
        .where(slot.c.id.in_(asked), slot.c.state == SlotState.ACTIVE)
        .values(state=SlotState.CANCELLED, decided_at=now, reason="cancelled by an operator")
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
