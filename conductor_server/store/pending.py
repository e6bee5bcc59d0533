"""Due slots that have not begun, with what holds each: a work table of one transaction, filled in sets.

A slot is blocked when something that it needs will not come by itself (``policy/condition.is_blocked``), and then it
stands in the way of those below it. That is worked out level by level, each round from what the round before has
blocked, so that its cost follows what is blocked. Every member's slots have rows of their own: one account's failure
blocks no other's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import SlotState, StartPolicy
from conductor_server.policy import start
from conductor_server.policy.condition import STUCK, is_blocked
from conductor_server.store import dialect, readiness, schema

table = sa.Table(
    "command_pending",
    sa.MetaData(),
    sa.Column("slot_id", schema.Key, primary_key=True, autoincrement=False),
    sa.Column("definition_id", schema.Key, nullable=False),
    sa.Column("member_id", schema.Key, nullable=False),
    sa.Column("window_id", schema.Key, nullable=False),
    sa.Column("start_policy", sa.SmallInteger, nullable=False),
    sa.Column("serial", sa.Boolean, nullable=False),
    # Which round of the way up brought it in; 0 for those that were asked for.
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("required", sa.Integer, nullable=False, server_default="0"),
    sa.Column("succeeded", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("skipped", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ever_succeeded", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ever_failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stuck", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ready", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("in_turn", sa.Boolean, nullable=False, server_default=sa.true()),
    # In which round it was found to be blocked, from 1; 0 for not.
    sa.Column("blocked", sa.Integer, nullable=False, server_default="0"),
    # The slot at the top: the failed one, or a pending one that needs a slot that does not exist.
    sa.Column("root_id", schema.Key),
    sa.Index("command_pending_definition_id_idx", "definition_id", "member_id"),
    sa.Index("command_pending_blocked_idx", "blocked"),
    prefixes=["TEMPORARY"],
)

# Who waits for whom among them. Looked up once: in the rounds below, no planner could know how few rows are concerned.
edge = sa.Table(
    "command_pending_edge",
    table.metadata,
    sa.Column("parent_id", schema.Key, primary_key=True, autoincrement=False),
    sa.Column("child_id", schema.Key, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)


def collect(
    db: sa.Connection,
    wanted: sa.ColumnElement[bool],
    *,
    now: dt.datetime,
    delays: Collection[dt.timedelta],
    everything: bool = False,
) -> None:
    """Fill the table with the due open slots that are ``wanted`` (a condition on slot, definition, member and window).

    What they wait for comes with them, so that their blocks are exact; ``everything`` says that it is there already.
    The table goes with the transaction.
    """
    for work_table in (table, edge):
        work_table.create(db, checkfirst=True)
        db.execute(sa.delete(work_table))
    due = readiness.due(readiness.cut_offs(now, delays))
    slot = schema.slot
    level, added = 0, _add(db, due & wanted & (slot.c.state == SlotState.OPEN), level=0)
    while added and not everything:
        level += 1
        below = _rows(table.c.level == level - 1).cte("child", nesting=True)
        above = readiness.required_parents(below).subquery("above")
        is_parent = slot.c.id.in_(sa.select(above.c.parent_id).where(_is_open(above.c.state)))
        added = _add(db, due & is_parent, level=level)
        if _any_serial(db, level=level - 1):
            added += _add(db, due & _earlier_than(level - 1) & (slot.c.state == SlotState.OPEN), level=level)
    dialect.analyze(db, table)
    _count(db)
    _connect(db)
    dialect.analyze(db, edge)
    _propagate(db)


def counts() -> start.Counts:
    """The counts over required parents, as columns of the table."""
    return readiness.counts_of(table.c)


def _add(db: sa.Connection, wanted: sa.ColumnElement[bool], *, level: int) -> int:
    slot, definition, window, member = schema.slot, schema.definition, schema.window, schema.member
    rows = (
        sa.select(
            slot.c.id,
            slot.c.definition_id,
            slot.c.member_id,
            slot.c.window_id,
            definition.c.start_policy,
            definition.c.serial,
            sa.literal(level),
        )
        .select_from(
            slot.join(definition, definition.c.id == slot.c.definition_id)
            .join(window, window.c.id == slot.c.window_id)
            .join(member, member.c.id == slot.c.member_id)
        )
        .where(wanted)
    )
    keys = ["slot_id", "definition_id", "member_id", "window_id", "start_policy", "serial", "level"]
    return db.execute(dialect.insert(db, table).from_select(keys, rows).on_conflict_do_nothing()).rowcount


def _rows(wanted: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Rows of the table in the shape that ``readiness`` and ``lineage`` ask for."""
    return sa.select(
        table.c.slot_id.label("id"),
        table.c.definition_id,
        table.c.member_id,
        table.c.window_id,
        table.c.start_policy,
        table.c.serial,
    ).where(wanted)


def _earlier_than(level: int) -> sa.ColumnElement[bool]:
    """Slots of serial definitions before which a slot of that level cannot start."""
    slot, later, own = schema.slot, table.alias("later"), schema.window.alias("own")
    return (
        sa.select(1)
        .select_from(later.join(own, own.c.id == later.c.window_id))
        .where(
            schema.definition.c.serial,
            later.c.level == level,
            later.c.definition_id == slot.c.definition_id,
            later.c.member_id == slot.c.member_id,
            own.c.starts_at > schema.window.c.starts_at,
        )
        .exists()
    )


def _count(db: sa.Connection) -> None:
    """Count over the required parents of every row, and put the counts to the start policies."""
    child = _rows(sa.true()).cte("child", nesting=True)

    def also(needed: sa.Subquery) -> Collection[sa.ColumnElement[Any]]:
        stuck = needed.c.definition_id.is_not(None) & (
            needed.c.parent_id.is_(None) | needed.c.state.in_(_STUCK)
        )
        after_failure = needed.c.its_start_policy.in_(
            (StartPolicy.AFTER_FAILURE, StartPolicy.AFTER_FIRST_FAILURE)
        )
        hinders = needed.c.state.in_(_STUCK) | (~after_failure & (needed.c.state == SlotState.FAILED))
        return (
            sa.func.sum(sa.case((stuck, 1), else_=0)).label("stuck"),
            sa.func.min(sa.case((hinders, needed.c.parent_id))).label("root_id"),
        )

    counted = readiness.counted(child, also).subquery("counted")
    names = (*start.Counts.__dataclass_fields__, "stuck", "root_id")
    db.execute(
        sa.update(table)
        .where(table.c.slot_id == counted.c.id)
        .values(
            **{name: counted.c[name] for name in names},
            ready=readiness.may_start(counted),
            in_turn=readiness.in_turn(counted),
        )
    )


def _connect(db: sa.Connection) -> None:
    child = _rows(sa.true()).cte("child", nesting=True)
    needed = readiness.required_parents(child).subquery("needed")
    # Parents that are open and not due come along: they are never blocked.
    pairs = sa.select(needed.c.parent_id, needed.c.child_id).where(_is_open(needed.c.state))
    db.execute(sa.insert(edge).from_select(["parent_id", "child_id"], pairs))


def _is_open(state: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Of a parent. A plain comparison would have SQLite begin with all open slots, and try each child for each."""
    return sa.func.coalesce(state, -1) == SlotState.OPEN


def _propagate(db: sa.Connection) -> None:
    """Mark what is blocked, and what that blocks in turn, until a round finds nothing more."""
    blocks = sa.or_(
        *(
            (table.c.start_policy == policy) & is_blocked(policy, counts(), table.c.stuck)
            for policy in StartPolicy
        )
    )
    found = sa.update(table).where(table.c.blocked == 0, ~table.c.ready, blocks)
    serial = _any_serial(db)
    level = 1
    hit = db.execute(
        found.values(blocked=level, root_id=sa.func.coalesce(table.c.root_id, table.c.slot_id))
    ).rowcount
    while hit:
        told = _pass_on(db, level)
        hit = db.execute(found.where(table.c.slot_id.in_(told)).values(blocked=level + 1)).rowcount
        hit += _block_later(db, level) if serial else 0
        level += 1


def _any_serial(db: sa.Connection, *, level: int | None = None) -> bool:
    """Whether there are slots of serial definitions in the table, or in a level of it."""
    of_level = sa.true() if level is None else table.c.level == level
    return db.execute(sa.select(1).where(table.c.serial, of_level).limit(1)).first() is not None


def _pass_on(db: sa.Connection, level: int) -> sa.Select[tuple[int]]:
    """Tell the slots below those of a round that more of their parents are stuck, and why. Answers who was told."""
    parent = table.alias("parent_row")
    below = edge.join(parent, parent.c.slot_id == edge.c.parent_id)
    told = (
        sa.select(
            edge.c.child_id,
            sa.func.count().label("stuck"),
            sa.func.min(parent.c.root_id).label("root_id"),
        )
        .select_from(below)
        .where(parent.c.blocked == level)
        .group_by(edge.c.child_id)
        .subquery("told")
    )
    db.execute(
        sa.update(table)
        .where(table.c.slot_id == told.c.child_id, table.c.blocked == 0)
        .values(
            stuck=table.c.stuck + told.c.stuck,
            root_id=sa.func.coalesce(table.c.root_id, told.c.root_id),
        )
    )
    return sa.select(edge.c.child_id).select_from(below).where(parent.c.blocked == level)


def _block_later(db: sa.Connection, level: int) -> int:
    """Block the slots of serial definitions that come after one of their member that was blocked just now."""
    own, its, earlier = schema.window.alias("own"), schema.window.alias("its"), table.alias("earlier")
    first = (
        sa.select(
            earlier.c.definition_id,
            earlier.c.member_id,
            sa.func.min(its.c.starts_at).label("starts_at"),
            sa.func.min(earlier.c.root_id).label("root_id"),
        )
        .select_from(
            earlier.join(its, its.c.id == earlier.c.window_id).join(
                schema.definition, schema.definition.c.id == earlier.c.definition_id
            )
        )
        .where(earlier.c.blocked.in_((level, level + 1)), schema.definition.c.serial)
        .group_by(earlier.c.definition_id, earlier.c.member_id)
        .subquery("first")
    )
    return db.execute(
        sa.update(table)
        .where(
            table.c.blocked == 0,
            table.c.definition_id == first.c.definition_id,
            table.c.member_id == first.c.member_id,
            own.c.id == table.c.window_id,
            own.c.starts_at > first.c.starts_at,
        )
        .values(blocked=level + 1, root_id=first.c.root_id)
    ).rowcount


_STUCK = tuple(state for state in STUCK if state is not None)
