"""Which slots start, which never can, and which can after all: judged in one statement, then applied in sets.

A pass judges either all slots that may be concerned, or those that its agenda names with what follows from them. Every
change is a compare-and-set on the state that was judged: another engine's change in between wins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import CreatedBy, RunStatus, SlotState, StartPolicy
from conductor_server.policy.start import SKIP_REASONS
from conductor_server.store import agenda, barriers, dialect, given, readiness, schema
from conductor_server.store.turns import NOW, adding_runs


class Verdict(IntEnum):
    """What is to become of a slot that was looked at."""

    START = 1
    SKIP = 2
    OPEN_AGAIN = 3
    WAIT_FOR_MANY = 4  # none of which is missing
    CATCH_UP = 5  # it wants reruns from now on: what it was started from counts as consumed


_JUDGED = ["slot_id", "verdict", "consumes"]
_INSTANT = schema.run.c.waiting_at.type

_work = sa.MetaData()

looked_at = sa.Table(
    "command_looked_at",
    _work,
    sa.Column("slot_id", schema.Key, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)
"""The slots that the present transaction looks at, where it does not look at all."""

judged = sa.Table(
    "command_judged",
    _work,
    sa.Column("slot_id", schema.Key, primary_key=True, autoincrement=False),
    sa.Column("verdict", sa.SmallInteger, nullable=False),
    sa.Column("consumes", schema.Key, nullable=False),
    prefixes=["TEMPORARY"],
)
"""Those of them with which something is to happen: written once, used by several statements."""


_MAKING = {table.name: sa.schema.CreateTable(table, if_not_exists=True) for table in (looked_at, judged)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How many slots were decided; ``follows``: others may follow from that, and are on the agenda."""

    changed: int = 0
    follows: bool = False

    def __add__(self, other: Decided) -> Decided:
        return Decided(changed=self.changed + other.changed, follows=self.follows or other.follows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When it is, which delays definitions have, and from how many parents on a slot is a barrier."""

    now: dt.datetime
    delays: tuple[dt.timedelta, ...]
    many_parents: int

    def parameters(self) -> dict[str, object]:
        """What statements built by ``_closed_by`` are given."""
        cut_offs = readiness.cut_offs(self.now, self.delays)
        return {
            "now": self.now,
            "many_parents": self.many_parents,
            **{f"closed_by_{number}": each for number, each in enumerate(cut_offs.values())},
        }


def decide_all(db: sa.Connection, moment: Moment) -> Decided:
    """Judge every slot that might start, never start or start anew."""
    dialect.keep_join_order(db)
    barriers.forget(db)
    windows = readiness.windows_with_open_slots(db, now=moment.now)
    wanting = db.execute(
        sa.select(schema.definition.c.id).where(
            schema.definition.c.start_policy == StartPolicy.AFTER_SUCCESS_AND_RERUNS
        )
    )
    definitions = wanting.scalars().all()
    done = Decided()
    if _any_skipped(db):
        done += _decide(db, moment, _skipped_by_policy(moment.delays), {})
    if windows:
        done += _decide(db, moment, _open_in(db.dialect.name, moment.delays), given.numbers(windows))
    if definitions:
        done += _decide(db, moment, _done_of(db.dialect.name, moment.delays), given.numbers(definitions))
    return done


def decide_due(db: sa.Connection, windows: Collection[int], moment: Moment) -> Decided:
    """Judge the open slots of those windows, as far as they are due."""
    dialect.keep_join_order(db)
    return _decide(db, moment, _open_in(db.dialect.name, moment.delays), given.numbers(windows))


def decide_changed(db: sa.Connection, slots: Collection[int], moment: Moment) -> Decided:
    """Judge those slots and what follows from them: their children, and later slots of serial definitions.

    For the rest of the transaction PostgreSQL plans for few of them, or for many.
    """
    dialect.look_up_few(db)
    look_at(db, slots)
    following = sum(db.execute(statement).rowcount for statement in _following(db.dialect.name))
    if len(slots) + following > dialect.FEW:
        dialect.join_many(db)
        dialect.analyze(db, looked_at)
    return _decide_barriers(db, moment) + _decide(db, moment, _looked_at(moment.delays), {})


def look_at(db: sa.Connection, slots: Collection[int]) -> None:
    """Fill ``looked_at`` with those slots."""
    empty(db, looked_at)
    db.execute(_looking(db.dialect.name), given.numbers(slots))


def start_again(db: sa.Connection, slots: sa.Select[Any], *, now: dt.datetime) -> int:
    """Create the next run of those of ``slots`` (id) that are active and have no live one. Answers how many."""
    slot = schema.slot
    again = slots.add_columns(sa.literal(int(Verdict.START)), slot.c.consumed)
    empty(db, judged)
    chosen = db.execute(dialect.insert(db, judged).from_select(_JUDGED, again)).rowcount
    return _start(db, expected=(SlotState.ACTIVE,), now=now) if chosen else 0


def create_run(db: sa.Connection, slot_id: int, created_by: CreatedBy, *, now: dt.datetime) -> None:
    """Add a waiting run for a slot whose attempts include it already, unless it has a live one."""
    db.execute(_creating_one(db.dialect.name), {"one": slot_id, "created_by": int(created_by), "now": now})


# ------------------------------------------------------------------------------------------------ what is looked at


def _closed_by(delays: tuple[dt.timedelta, ...]) -> Mapping[dt.timedelta, Any]:
    ordered = sorted({dt.timedelta(0), *delays})
    return {
        delay: sa.bindparam(f"closed_by_{number}", type_=_INSTANT) for number, delay in enumerate(ordered)
    }


def _candidates(delays: tuple[dt.timedelta, ...], among: sa.FromClause) -> sa.Select[Any]:
    return readiness.candidates(among, closed_by=_closed_by(delays), now=NOW)


_window_first = schema.window.join(schema.slot, schema.slot.c.window_id == schema.window.c.id)
_slot_first = schema.slot.join(schema.window, schema.window.c.id == schema.slot.c.window_id)


@cache
def _open_in(dialect_name: str, delays: tuple[dt.timedelta, ...]) -> sa.Select[Any]:
    windows = given.table(dialect_name, given.NUMBERS)
    return _candidates(delays, _window_first).where(
        schema.window.c.id.in_(sa.select(windows.c.id)), schema.slot.c.state == SlotState.OPEN
    )


def _by_policy() -> sa.ColumnElement[bool]:
    """Skipped on account of its parents: what was missed, or skipped by a person, stays skipped."""
    return (schema.slot.c.state == SlotState.SKIPPED) & schema.slot.c.reason.in_(set(SKIP_REASONS.values()))


def _any_skipped(db: sa.Connection) -> bool:
    return db.execute(sa.select(schema.slot.c.id).where(_by_policy()).limit(1)).first() is not None


@cache
def _skipped_by_policy(delays: tuple[dt.timedelta, ...]) -> sa.Select[Any]:
    return _candidates(delays, _slot_first).where(_by_policy())


_DONE = (SlotState.SUCCEEDED, SlotState.FAILED)
"""States from which a slot that wants reruns starts anew. One that has failed: it may have been its parents' data."""


@cache
def _done_of(dialect_name: str, delays: tuple[dt.timedelta, ...]) -> sa.Select[Any]:
    definitions = given.table(dialect_name, given.NUMBERS)
    return _candidates(delays, _slot_first).where(
        schema.slot.c.definition_id.in_(sa.select(definitions.c.id)), schema.slot.c.state.in_(_DONE)
    )


@cache
def _looked_at(delays: tuple[dt.timedelta, ...]) -> sa.Select[Any]:
    slot, definition = schema.slot, schema.definition
    among = dialect.InOrder(looked_at, slot, slot.c.id == looked_at.c.slot_id).join(
        schema.window, schema.window.c.id == slot.c.window_id
    )
    wants_reruns = definition.c.start_policy == StartPolicy.AFTER_SUCCESS_AND_RERUNS
    return _candidates(delays, among).where(
        (slot.c.state == SlotState.OPEN) | _by_policy() | (slot.c.state.in_(_DONE) & wants_reruns)
    )


@cache
def _looking(dialect_name: str) -> sa.Insert:
    named = given.table(dialect_name, given.NUMBERS)
    return sa.insert(looked_at).from_select(["slot_id"], sa.select(named.c.id))


@cache
def _following(dialect_name: str) -> tuple[sa.Insert, ...]:
    """The statements that add what follows from the slots in ``looked_at``.

    Serial definitions first: the children of what is added here would be looked at for nothing, but they are few.
    """
    slot, definition = schema.slot, schema.definition
    later, own, its = schema.slot.alias("later"), schema.window.alias("own"), schema.window.alias("its")
    changed = dialect.InOrder(looked_at, slot, slot.c.id == looked_at.c.slot_id)
    in_order = (
        sa.select(later.c.id)
        .select_from(
            changed.join(definition, definition.c.id == slot.c.definition_id)
            .join(own, own.c.id == slot.c.window_id)
            .join(later, (later.c.member_id == slot.c.member_id) & (later.c.definition_id == definition.c.id))
            .join(its, its.c.id == later.c.window_id)
        )
        .where(definition.c.serial, later.c.state == SlotState.OPEN, its.c.starts_at > own.c.starts_at)
    )
    parent = (
        sa.select(slot.c.id, slot.c.definition_id, slot.c.member_id, slot.c.window_id)
        .select_from(changed)
        .subquery("parent_slot")
    )
    # SQLite takes ON CONFLICT for the condition of a join, unless the query has a WHERE.
    below = readiness.children(parent).subquery("below")
    engine_insert = dialect.insert_on(dialect_name, looked_at)
    return (
        engine_insert.from_select(
            ["slot_id"], sa.select(below.c.child_id).where(sa.true())
        ).on_conflict_do_nothing(),
        engine_insert.from_select(["slot_id"], in_order).on_conflict_do_nothing(),
    )


# ------------------------------------------------------------------------------------------------ judged and applied


def _decide_barriers(db: sa.Connection, moment: Moment) -> Decided:
    """Start barriers that have nothing in their way, and look no more at those that wait: neither is counted."""
    if db.execute(_ANY_BARRIER).first() is None:
        return Decided()
    db.execute(_STOP_LOOKING_AT_THOSE_THAT_WAIT)
    empty(db, judged)
    db.execute(_starting_barriers(db.dialect.name, moment.delays), moment.parameters())
    return _apply(db, moment)


_ANY_BARRIER = sa.select(1).select_from(barriers.among(looked_at)).limit(1)
_STOP_LOOKING_AT_THOSE_THAT_WAIT = sa.delete(looked_at).where(
    looked_at.c.slot_id.in_(barriers.that_wait(looked_at.alias("named")))
)


@cache
def _starting_barriers(dialect_name: str, delays: tuple[dt.timedelta, ...]) -> sa.Insert:
    among = barriers.among(looked_at).join(schema.window, schema.window.c.id == schema.slot.c.window_id)
    definition, slot = schema.definition, schema.slot
    child = (
        _candidates(delays, among)
        .where(slot.c.state == SlotState.OPEN, definition.c.start_policy == StartPolicy.AFTER_SUCCESS)
        .cte("child", nesting=True)
    )
    rows = sa.select(child.c.id, sa.literal(int(Verdict.START)), sa.literal(barriers.NOT_COUNTED)).where(
        ~readiness.any_unsuccessful(child), readiness.in_turn(child)
    )
    return dialect.insert_on(dialect_name, judged).from_select(_JUDGED, rows)


def _decide(
    db: sa.Connection, moment: Moment, candidates: sa.Select[Any], parameters: Mapping[str, object]
) -> Decided:
    empty(db, judged)
    if not db.execute(_judging(db.dialect.name, candidates), moment.parameters() | dict(parameters)).rowcount:
        return Decided()
    return _apply(db, moment)


def _apply(db: sa.Connection, moment: Moment) -> Decided:
    """Do with the slots in ``judged`` what is to happen with them, as far as they are still what they were."""
    numbers = _numbers(db)
    if sum(numbers.values()) >= dialect.MANY:
        dialect.analyze(db, judged)
    started = skipped = opened = 0
    if Verdict.START in numbers:
        started = _start(db, expected=(SlotState.OPEN, *_DONE), now=moment.now)
    if Verdict.SKIP in numbers:
        skipped = _skip(db, now=moment.now)
    if Verdict.OPEN_AGAIN in numbers:
        opened = _open_again(db, now=moment.now)
    if Verdict.WAIT_FOR_MANY in numbers:
        barriers.remember(db, _of(Verdict.WAIT_FOR_MANY))
    if Verdict.CATCH_UP in numbers:
        db.execute(_CATCHING_UP)
    return Decided(changed=started + skipped + opened, follows=skipped + opened > 0)


@cache
def _judging(dialect_name: str, candidates: sa.Select[Any]) -> sa.Insert:
    """The statement that writes into ``judged`` with which of the candidates something is to happen, and what."""
    child = candidates.cte("child", nesting=True)
    counts = readiness.counted(child).subquery("counts")
    starts, never = readiness.may_start(counts), readiness.never_start(counts)
    state, consumes = counts.c.state, counts.c.consumes
    verdict = sa.case(
        ((state == SlotState.OPEN) & starts & readiness.in_turn(counts), int(Verdict.START)),
        ((state == SlotState.OPEN) & never, int(Verdict.SKIP)),
        # Retention may have taken the parents that decided it: then it stays as it is.
        (
            (state == SlotState.SKIPPED) & ~never & (counts.c.existing == counts.c.required),
            int(Verdict.OPEN_AGAIN),
        ),
        (state.in_(_DONE) & (counts.c.consumed == barriers.NOT_COUNTED), int(Verdict.CATCH_UP)),
        (state.in_(_DONE) & starts & (consumes > counts.c.consumed), int(Verdict.START)),
        (
            (state == SlotState.OPEN)
            & counts.c.start_policy.in_(barriers.POLICIES)
            & (counts.c.required >= sa.bindparam("many_parents"))
            & (counts.c.existing == counts.c.required),
            int(Verdict.WAIT_FOR_MANY),
        ),
    )
    rows = sa.select(counts.c.id, verdict.label("verdict"), consumes).subquery("rows")
    wanted = sa.select(rows).where(rows.c.verdict.is_not(None))
    return dialect.insert_on(dialect_name, judged).from_select(_JUDGED, wanted)


def _of(verdict: Verdict) -> sa.Select[tuple[int]]:
    return sa.select(judged.c.slot_id).where(judged.c.verdict == verdict)


_CATCHING_UP = (
    sa.update(schema.slot)
    .where(schema.slot.c.id.in_(_of(Verdict.CATCH_UP)))
    .values(
        consumed=sa.select(judged.c.consumes).where(judged.c.slot_id == schema.slot.c.id).scalar_subquery()
    )
)


def _numbers(db: sa.Connection) -> dict[int, int]:
    """How many slots there are of each verdict."""
    query = sa.select(judged.c.verdict, sa.func.count()).group_by(judged.c.verdict)
    return dict(db.execute(query).all())


def _start(db: sa.Connection, *, expected: tuple[SlotState, ...], now: dt.datetime) -> int:
    """Create a run for each slot that is to start and is still in one of the ``expected`` states."""
    creating = _creating(db.dialect.name, expected)
    created = db.execute(creating, {"created_by": int(CreatedBy.ENGINE), "now": now}).rowcount
    if created >= dialect.FEW:
        dialect.analyze(db, schema.run)
    db.execute(_beginning(expected))
    return created


@cache
def _creating(dialect_name: str, expected: tuple[SlotState, ...]) -> sa.Insert:
    chosen = dialect.InOrder(judged, schema.slot, schema.slot.c.id == judged.c.slot_id)
    still = (judged.c.verdict == Verdict.START) & schema.slot.c.state.in_(expected)
    return adding_runs(dialect_name, chosen, still, attempt=schema.slot.c.attempts + 1)


@cache
def _creating_one(dialect_name: str) -> sa.Insert:
    this = schema.slot.c.id == sa.bindparam("one")
    return adding_runs(dialect_name, schema.slot, this, attempt=schema.slot.c.attempts)


@cache
def _beginning(expected: tuple[SlotState, ...]) -> sa.Update:
    """The slots that have got their run are under way."""
    slot, run = schema.slot, schema.run
    chosen = sa.select(judged.c.slot_id).where(judged.c.verdict == Verdict.START)
    has_new_run = (
        sa.select(1)
        .where(
            run.c.slot_id == slot.c.id,
            run.c.attempt == slot.c.attempts + 1,
            run.c.status == RunStatus.WAITING,
        )
        .exists()
    )
    consumes = sa.select(judged.c.consumes).where(judged.c.slot_id == slot.c.id).scalar_subquery()
    return (
        sa.update(slot)
        .where(slot.c.id.in_(chosen), slot.c.state.in_(expected), has_new_run)
        .values(
            state=SlotState.ACTIVE,
            attempts=slot.c.attempts + 1,
            consumed=consumes,
            decided_at=None,
            # Reruns after a success begin a new series; a retry goes on with the one it is in.
            **({} if SlotState.ACTIVE in expected else {"failures": 0, "losses": 0}),
        )
    )


def _skip(db: sa.Connection, *, now: dt.datetime) -> int:
    slot = schema.slot
    hopeless = sa.select(judged.c.slot_id).where(judged.c.verdict == Verdict.SKIP)
    agenda.note_selected(db, hopeless, at=now)
    return db.execute(
        sa.update(slot)
        .where(slot.c.id.in_(hopeless), slot.c.state == SlotState.OPEN)
        .values(state=SlotState.SKIPPED, reason=_skip_reason(), decided_at=now)
    ).rowcount


def _open_again(db: sa.Connection, *, now: dt.datetime) -> int:
    slot = schema.slot
    hopeful = sa.select(judged.c.slot_id).where(judged.c.verdict == Verdict.OPEN_AGAIN)
    agenda.note_selected(db, hopeful, at=now)
    return db.execute(
        sa.update(slot)
        .where(slot.c.id.in_(hopeful), slot.c.state == SlotState.SKIPPED)
        .values(state=SlotState.OPEN, reason="", decided_at=None)
    ).rowcount


def _skip_reason() -> sa.ColumnElement[str]:
    """In the words of the slot's policy."""
    definition = schema.definition
    policy = (
        sa.select(definition.c.start_policy)
        .where(definition.c.id == schema.slot.c.definition_id)
        .scalar_subquery()
    )
    return sa.case({int(policy): reason for policy, reason in SKIP_REASONS.items()}, value=policy)


def empty(db: sa.Connection, table: sa.Table) -> None:
    """Make a work table, or empty the one that an earlier transaction of this connection has left.

    Nobody vacuums a temporary table of PostgreSQL. It is truncated where much has been deleted from it, and not always:
    that makes every plan that reads it obsolete, and planning takes longer than what a small pass has to do.
    """
    db.execute(_MAKING[table.name])
    deleted = db.info.get(table, 0)
    if deleted >= dialect.MANY:
        dialect.truncate(db, table)
        deleted = 0
    db.info[table] = deleted + db.execute(sa.delete(table)).rowcount
