"""Runs, as the engine sees them: created in sets for slots that may start, given up when their agents are silent.

Every write is a compare-and-set on the status (and, for what agents write, the epoch: ``store/leases.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import LIVE_RUNS, CreatedBy, RunStatus, SlotState, StartPolicy
from conductor_server.policy.retry import LOSSES_MAX, quarantine_reason
from conductor_server.policy.start import SKIP_REASONS
from conductor_server.store import dialect, readiness, schema
from conductor_server.store.slots import Unsettled, unsettled_in

chosen = sa.Table(
    "command_chosen",
    sa.MetaData(),
    sa.Column("slot_id", schema.Key, primary_key=True, autoincrement=False),
    sa.Column("consumes", schema.Key, nullable=False),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",  # nothing else would ever take back what was deleted from it
)
"""The slots that the present transaction has chosen to start: written once, used by several statements."""


def start_ready(db: sa.Connection, *, now: dt.datetime, delays: Collection[dt.timedelta]) -> int:
    """Create the first run of every open slot that may start. Answers how many."""
    windows = readiness.windows_with_open_slots(db, now=now)
    if not windows:
        return 0
    child = readiness.open_candidates(windows, now=now, delays=delays).cte("child", nesting=True)
    counts = readiness.counted(child).subquery("counts")
    ready = sa.select(counts.c.id, counts.c.consumes).where(
        readiness.may_start(counts), readiness.in_turn(counts)
    )
    return _start(db, ready, expected=SlotState.OPEN, now=now)


def start_anew(db: sa.Connection, *, now: dt.datetime, delays: Collection[dt.timedelta]) -> int:
    """Create one more run of every slot that is done, wants reruns, and whose parents have succeeded anew since.

    One that has failed is among them: it may have been its parents' data.
    """
    definition, slot = schema.definition, schema.slot
    wanting = db.execute(
        sa.select(definition.c.id).where(definition.c.start_policy == StartPolicy.AFTER_SUCCESS_AND_RERUNS)
    )
    ids = wanting.scalars().all()
    started = 0
    for done in (SlotState.SUCCEEDED, SlotState.FAILED) if ids else ():
        child = (
            readiness.candidates(now=now, delays=delays, state=done)
            .where(slot.c.definition_id.in_(ids))
            .cte("child", nesting=True)
        )
        counts = readiness.counted(child).subquery("counts")
        ready = sa.select(counts.c.id, counts.c.consumes).where(
            readiness.may_start(counts), counts.c.consumes > counts.c.consumed
        )
        started += _start(db, ready, expected=done, now=now)
    return started


def skip_hopeless(db: sa.Connection, *, now: dt.datetime, delays: Collection[dt.timedelta]) -> int:
    """Skip every open slot that its policy can never start as things stand. Answers how many."""
    windows = readiness.windows_with_open_slots(db, now=now)
    if not windows:
        return 0
    slot = schema.slot
    child = readiness.open_candidates(windows, now=now, delays=delays).cte("child", nesting=True)
    counts = readiness.counted(child).subquery("counts")
    hopeless = sa.select(counts.c.id).where(readiness.never_start(counts))
    return db.execute(
        sa.update(slot)
        .where(slot.c.id.in_(hopeless), slot.c.state == SlotState.OPEN)
        .values(state=SlotState.SKIPPED, reason=_skip_reason(), decided_at=now)
    ).rowcount


def reopen(db: sa.Connection, *, now: dt.datetime, delays: Collection[dt.timedelta]) -> int:
    """Open every slot again that was skipped on account of its parents, and might start after all. Answers how many.

    That is what a rerun above does; what was missed, or skipped by a person, stays skipped.
    """
    slot = schema.slot
    by_policy = slot.c.reason.in_(SKIP_REASONS.values())
    if (
        db.execute(sa.select(slot.c.id).where(slot.c.state == SlotState.SKIPPED, by_policy).limit(1)).first()
        is None
    ):
        return 0
    skipped = readiness.candidates(now=now, delays=delays, state=SlotState.SKIPPED)
    child = skipped.where(by_policy).cte("child", nesting=True)
    counts = readiness.counted(child).subquery("counts")
    hopeful = sa.select(counts.c.id).where(
        ~readiness.never_start(counts),
        counts.c.existing == counts.c.required,  # retention may have taken those that decided it
    )
    return db.execute(
        sa.update(slot)
        .where(slot.c.id.in_(hopeful), slot.c.state == SlotState.SKIPPED)
        .values(state=SlotState.OPEN, reason="", decided_at=None)
    ).rowcount


def retry(db: sa.Connection, group: Unsettled, *, failed_until: dt.datetime | None, now: dt.datetime) -> int:
    """Create the next run of the slots of a group whose last failure was by then. Answers how many."""
    slot = schema.slot
    again = sa.select(slot.c.id, slot.c.consumed).where(unsettled_in(group, failed_until=failed_until))
    return _start(db, again, expected=SlotState.ACTIVE, now=now)


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
    db.execute(
        _insert(db, sa.select(slot.c.id).where(slot.c.id == slot_id), CreatedBy.OPERATOR, now, counted=True)
    )
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
        this = sa.select(slot.c.id).where(slot.c.id == slot_id)
        db.execute(_insert(db, this, CreatedBy.ENGINE, now, counted=True))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentRun:
    """A run that its agent has not mentioned for too long."""

    id: int
    slot_id: int
    agent: str
    losses: int
    cancel_requested: bool


def silent_since(db: sa.Connection, before: dt.datetime, *, limit: int) -> Sequence[SilentRun]:
    """Running runs whose last heartbeat is older than that, the most silent first."""
    run, slot = schema.run, schema.slot
    rows = db.execute(
        sa.select(
            run.c.id,
            run.c.slot_id,
            run.c.agent,
            slot.c.losses,
            run.c.cancel_requested_at.is_not(None).label("cancel_requested"),
        )
        .join(slot, slot.c.id == run.c.slot_id)
        .where(run.c.status == RunStatus.RUNNING, run.c.heartbeat_at < before)
        .order_by(run.c.heartbeat_at)
        .limit(limit)
    )
    return [SilentRun(**row._asdict()) for row in rows]


def forget_future_heartbeats(db: sa.Connection, *, now: dt.datetime) -> None:
    """After the clock was set back: a run is not to count as alive until the wrong time has come."""
    run = schema.run
    db.execute(
        sa.update(run)
        .where(run.c.status == RunStatus.RUNNING, run.c.heartbeat_at > now)
        .values(heartbeat_at=now)
    )


def give_up(
    db: sa.Connection, silent: Collection[SilentRun], *, before: dt.datetime, now: dt.datetime
) -> Sequence[SilentRun]:
    """Time out those that are still silent: a heartbeat that came in between wins. Answers whom it hit.

    Where a cancellation had been asked for, the slot is cancelled; after ``LOSSES_MAX`` agents lost in a row it is
    quarantined; else it waits for its retry.
    """
    run, slot = schema.run, schema.slot
    hit: list[SilentRun] = []
    for lost in silent:
        changed = db.execute(
            sa.update(run)
            .where(run.c.id == lost.id, run.c.status == RunStatus.RUNNING, run.c.heartbeat_at < before)
            .values(
                status=RunStatus.TIMEOUT,
                timeout_at=now,
                error=f"agent {lost.agent} was not heard of for too long: it, its machine or the network is gone",
            )
        ).rowcount
        if changed:
            hit.append(lost)
            values: dict[str, Any] = {
                "failures": slot.c.failures + 1,
                "losses": slot.c.losses + 1,
                "failed_at": now,
                "ever_failed": True,
            }
            if lost.cancel_requested:
                values |= {
                    "state": SlotState.CANCELLED,
                    "decided_at": now,
                    "reason": "cancelled by an operator",
                }
            elif lost.losses + 1 >= LOSSES_MAX:
                reason = quarantine_reason(lost.losses + 1)
                values |= {"state": SlotState.QUARANTINED, "decided_at": now, "reason": reason}
            db.execute(
                sa.update(slot)
                .where(slot.c.id == lost.slot_id, slot.c.state == SlotState.ACTIVE)
                .values(**values)
            )
    return hit


def waiting_sources(db: sa.Connection) -> set[int]:
    """Sources with a waiting run."""
    run = schema.run
    rows = db.execute(sa.select(run.c.source_id).where(run.c.status == RunStatus.WAITING).distinct())
    return set(rows.scalars())


def _skip_reason() -> sa.ColumnElement[str]:
    """In the words of the slot's policy."""
    definition = schema.definition
    policy = (
        sa.select(definition.c.start_policy)
        .where(definition.c.id == schema.slot.c.definition_id)
        .scalar_subquery()
    )
    return sa.case({int(policy): reason for policy, reason in SKIP_REASONS.items()}, value=policy)


def _start(db: sa.Connection, ready: sa.Select[Any], *, expected: SlotState, now: dt.datetime) -> int:
    """Create a run for each of ``ready`` (slot id, what it consumes), whose slots are in the ``expected`` state."""
    slot = schema.slot
    chosen.create(db, checkfirst=True)
    db.execute(sa.delete(chosen))
    number = db.execute(dialect.insert(db, chosen).from_select(["slot_id", "consumes"], ready)).rowcount
    if not number:
        return 0
    if number >= dialect.MANY:
        dialect.analyze(db, chosen)
    candidates = (
        sa.select(slot.c.id).join(chosen, chosen.c.slot_id == slot.c.id).where(slot.c.state == expected)
    )
    created = db.execute(_insert(db, candidates, CreatedBy.ENGINE, now, counted=False)).rowcount
    if created >= dialect.MANY:
        dialect.analyze(db, schema.run)
    run = schema.run
    has_new_run = (
        sa.select(1)
        .where(
            run.c.slot_id == slot.c.id,
            run.c.attempt == slot.c.attempts + 1,
            run.c.status == RunStatus.WAITING,
        )
        .exists()
    )
    consumes = sa.select(chosen.c.consumes).where(chosen.c.slot_id == slot.c.id).scalar_subquery()
    db.execute(
        sa.update(slot)
        .where(slot.c.id.in_(sa.select(chosen.c.slot_id)), slot.c.state == expected, has_new_run)
        .values(
            state=SlotState.ACTIVE,
            attempts=slot.c.attempts + 1,
            consumed=consumes,
            decided_at=None,
            # Reruns after a success begin a new series; a retry goes on with the one it is in.
            **({} if expected is SlotState.ACTIVE else {"failures": 0, "losses": 0}),
        )
    )
    return created


def _insert(
    db: sa.Connection, slots: sa.Select[Any], created_by: CreatedBy, now: dt.datetime, *, counted: bool
) -> sa.Insert:
    """The statement that adds a waiting run for each of ``slots``. ``counted``: their attempts include it already.

    Two engines may both try: the unique index on live runs lets one of them have each slot.
    """
    slot, definition = schema.slot, schema.definition
    wanted = slots.subquery("wanted")
    rows = (
        sa.select(
            slot.c.id,
            slot.c.attempts + (0 if counted else 1),
            sa.literal(int(RunStatus.WAITING)),
            definition.c.source_id,
            definition.c.priority,
            sa.literal(int(created_by)),
            sa.literal(now, _INSTANT),
        )
        .select_from(
            wanted.join(slot, slot.c.id == wanted.c.id)
            .join(definition, definition.c.id == slot.c.definition_id)
            .join(schema.window, schema.window.c.id == slot.c.window_id)
        )
        .where(sa.true())
        .order_by(schema.window.c.ends_at, slot.c.id)
    )
    columns = ["slot_id", "attempt", "status", "source_id", "priority", "created_by", "waiting_at"]
    return dialect.insert(db, schema.run).from_select(columns, rows).on_conflict_do_nothing()


_INSTANT = schema.run.c.waiting_at.type
