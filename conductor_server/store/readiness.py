"""Which slots may start: the parent slots that each one needs, counted, and put to its start policy.

A slot's required parents follow from three tables that hold no slot: which definition feeds which (``dependency``),
which windows belong together (``window_relation``), and which members meet in a common matrix (``member_ancestor``).
A parent slot is required from the parent definition's own start, and from its member's; one that is required and does
not exist counts in ``required`` alone, and so blocks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import Frequency, SlotState, StartPolicy
from conductor_server.policy import start
from conductor_server.store import schema
from conductor_server.store.dialect import InOrder


def cut_offs(now: dt.datetime, delays: Collection[dt.timedelta]) -> dict[dt.timedelta, dt.datetime]:
    """For every delay that definitions have, the instant by which a window has to have closed."""
    return {delay: now - delay for delay in sorted({dt.timedelta(0), *delays})}


def due(closed_by: Mapping[dt.timedelta, Any]) -> sa.ColumnElement[bool]:
    """Whether a slot's window has closed, plus its definition's delay.

    ``closed_by`` are ``cut_offs``, or parameters that stand for them: SQL needs no arithmetic on dates.
    """
    definition, window = schema.definition, schema.window
    return sa.or_(
        *(
            (definition.c.delay_s == delay.total_seconds()) & (window.c.ends_at <= cut_off)
            for delay, cut_off in closed_by.items()
        )
    )


def startable(*, now: Any) -> sa.ColumnElement[bool]:
    """Whether the definition is active and not held, and the account not in maintenance.

    Needs ``account`` (see there) joined.
    """
    definition, above = schema.definition, account
    return sa.and_(
        definition.c.active,
        ~definition.c.paused,
        definition.c.held == "",
        (above.c.maintenance_until.is_(None) | (above.c.maintenance_until <= now)),
    )


account = schema.member.alias("account")
"""The account that a slot's member belongs to: outer joined, since members of ``default`` have none."""


def candidates(among: sa.FromClause, *, closed_by: Mapping[dt.timedelta, Any], now: Any) -> sa.Select[Any]:
    """Due slots whose definition and account let them start, with what the policies are about.

    ``among`` joins at least window and slot, and decides where a planner begins.
    """
    slot, definition, member = schema.slot, schema.definition, schema.member
    return (
        sa.select(
            slot.c.id,
            slot.c.definition_id,
            slot.c.member_id,
            slot.c.window_id,
            slot.c.state,
            slot.c.consumed,
            definition.c.start_policy,
            definition.c.serial,
        )
        .select_from(
            among.join(definition, definition.c.id == slot.c.definition_id)
            .join(member, member.c.id == slot.c.member_id)
            .outerjoin(account, account.c.id == member.c.account_id)
        )
        .where(due(closed_by), startable(now=now))
    )


def windows_with_open_slots(db: sa.Connection, *, now: dt.datetime) -> Sequence[int]:
    """Windows that have closed and whose slots have not all begun: few, while most open slots are of days to come."""
    return db.execute(_CLOSED_WITH_OPEN_SLOTS, {"now": now}).scalars().all()


_CLOSED_WITH_OPEN_SLOTS = sa.select(schema.window.c.id).where(
    schema.window.c.ends_at <= sa.bindparam("now"),
    sa.select(1)
    .where(schema.slot.c.window_id == schema.window.c.id, schema.slot.c.state == SlotState.OPEN)
    .exists(),
)


def windows_newly_due(
    db: sa.Connection, delays: Collection[dt.timedelta], *, since: dt.datetime, now: dt.datetime
) -> Sequence[int]:
    """Windows whose slots have fallen due after ``since`` and until ``now``, under any of these delays."""
    spans = enumerate(sorted({dt.timedelta(0), *delays}))
    between = {
        name: instant - delay
        for number, delay in spans
        for name, instant in ((f"since_{number}", since), (f"until_{number}", now))
    }
    return db.execute(_ending_within(len(between) // 2), between).scalars().all()


@cache
def _ending_within(spans: int) -> sa.Select[int]:
    ends_at = schema.window.c.ends_at
    within = (
        (ends_at > sa.bindparam(f"since_{number}")) & (ends_at <= sa.bindparam(f"until_{number}"))
        for number in range(spans)
    )
    return sa.select(schema.window.c.id).where(sa.or_(*within))


def required_parents(child: sa.FromClause) -> sa.Select[Any]:
    """One row for every parent slot that a row of ``child`` (id, definition_id, member_id, window_id) needs.

    Columns: the child's id; the parent's ``definition_id``, ``member_id`` and ``window_id``; and its slot, outer joined
    as ``parent``: all NULL where it does not exist.
    """
    edge, relation = schema.dependency, schema.window_relation
    plan, calendar, window = schema.definition_calendar, schema.calendar, schema.window
    definition, member = schema.definition, schema.member
    of_child, of_parent = schema.member_ancestor.alias("of_child"), schema.member_ancestor.alias("of_parent")
    # What a member had in a zone where it lived before exists, though it would not be created now.
    should_exist = (member.c.timezone == calendar.c.timezone) & (
        (member.c.starts_at <= window.c.starts_at) | (calendar.c.frequency == Frequency.ONE_OFF)
    )
    return (
        sa.select(
            child.c.id.label("child_id"),
            edge.c.parent_id.label("definition_id"),
            member.c.id.label("member_id"),
            window.c.id.label("window_id"),
            parent.c.id.label("parent_id"),
            parent.c.state.label("state"),
            parent.c.success_run_id.label("success_run_id"),
            parent.c.ever_failed.label("ever_failed"),
        )
        .select_from(
            InOrder(child, edge, edge.c.child_id == child.c.definition_id)
            .join(
                relation,
                (relation.c.child_window_id == child.c.window_id)
                & (relation.c.window_rule == edge.c.window_rule),
            )
            .join(window, window.c.id == relation.c.parent_window_id)
            .join(plan, _planned(plan, edge.c.parent_id, window))
            .join(calendar, calendar.c.id == window.c.calendar_id)
            .join(definition, definition.c.id == edge.c.parent_id)
            .join(
                of_child,
                (of_child.c.member_id == child.c.member_id)
                & (of_child.c.ancestor_matrix_id == edge.c.common_matrix_id),
            )
            .join(
                of_parent,
                (of_parent.c.ancestor_id == of_child.c.ancestor_id)
                & (of_parent.c.member_matrix_id == definition.c.matrix_id),
            )
            .join(
                member,
                member.c.id == of_parent.c.member_id,
            )
            .outerjoin(
                parent,
                (parent.c.definition_id == edge.c.parent_id)
                & (parent.c.member_id == member.c.id)
                & (parent.c.window_id == window.c.id),
            )
        )
        .where(should_exist | parent.c.id.is_not(None))
    )


parent = schema.slot.alias("parent")


def any_unsuccessful(child: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a parent slot that exists has not succeeded, of a child of ``default``: it needs those of all members.

    Each of the three is an index of its own, which ends the search with its first row.
    """
    state = parent.c.state
    return sa.or_(
        _any_parent(child, state == SlotState.OPEN),
        _any_parent(child, state == SlotState.ACTIVE),
        _any_parent(child, _exceptional()),
    )


def any_skipped(child: sa.FromClause) -> sa.ColumnElement[bool]:
    """Likewise, whether one was skipped."""
    return _any_parent(child, _exceptional() & (parent.c.state == SlotState.SKIPPED))


def _exceptional() -> sa.ColumnElement[bool]:
    """In the words of the index."""
    return parent.c.state.not_in((SlotState.OPEN, SlotState.ACTIVE, SlotState.SUCCEEDED))


def _any_parent(child: sa.FromClause, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    edge, relation = schema.dependency, schema.window_relation
    window, plan = schema.window.alias("its_parents"), schema.definition_calendar
    return (
        sa.select(1)
        .select_from(
            InOrder(
                edge,
                relation,
                (relation.c.child_window_id == child.c.window_id)
                & (relation.c.window_rule == edge.c.window_rule),
            )
            .join(window, window.c.id == relation.c.parent_window_id)
            .join(plan, _planned(plan, edge.c.parent_id, window))
            .join(parent, (parent.c.definition_id == edge.c.parent_id) & (parent.c.window_id == window.c.id))
        )
        .where(edge.c.child_id == child.c.definition_id, condition)
        .correlate(child)
        .exists()
    )


def _planned(
    plan: sa.FromClause, definition_id: sa.ColumnElement[int], window: sa.FromClause
) -> sa.ColumnElement[bool]:
    """Whether a definition has slots in a window, as far as the window is concerned."""
    return (
        (plan.c.definition_id == definition_id)
        & (plan.c.calendar_id == window.c.calendar_id)
        & (plan.c.starts_at <= window.c.starts_at)
        & (plan.c.ends_at.is_(None) | (plan.c.ends_at > window.c.starts_at))
    )


def children(parent: sa.FromClause) -> sa.Select[Any]:
    """One row (``parent_id``, ``child_id``) for every slot that needs one of ``parent``.

    ``parent`` has the columns id, definition_id, member_id and window_id. This is ``required_parents`` seen from the
    other end, for parents that exist.
    """
    edge, relation, definition = schema.dependency, schema.window_relation, schema.definition
    of_child, of_parent = schema.member_ancestor.alias("of_child"), schema.member_ancestor.alias("of_parent")
    child = schema.slot.alias("child_slot")
    # Materialized: else PostgreSQL looks all members of an ancestor up, a million for `default`, and then for a matrix.
    meeting = (
        sa.select(
            parent.c.id.label("parent_id"),
            definition.c.id.label("definition_id"),
            definition.c.matrix_id,
            relation.c.child_window_id.label("window_id"),
            of_parent.c.ancestor_id,
        )
        .select_from(
            InOrder(parent, edge, edge.c.parent_id == parent.c.definition_id)
            .join(
                relation,
                (relation.c.parent_window_id == parent.c.window_id)
                & (relation.c.window_rule == edge.c.window_rule),
            )
            .join(definition, definition.c.id == edge.c.child_id)
            .join(
                of_parent,
                (of_parent.c.member_id == parent.c.member_id)
                & (of_parent.c.ancestor_matrix_id == edge.c.common_matrix_id),
            )
        )
        .cte("meeting", nesting=True)
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return sa.select(meeting.c.parent_id, child.c.id.label("child_id")).select_from(
        InOrder(
            meeting,
            of_child,
            (of_child.c.ancestor_id == meeting.c.ancestor_id)
            & (of_child.c.member_matrix_id == meeting.c.matrix_id),
        ).join(
            child,
            (child.c.definition_id == meeting.c.definition_id)
            & (child.c.member_id == of_child.c.member_id)
            & (child.c.window_id == meeting.c.window_id),
        )
    )


def counted(
    child: sa.CTE, also: Callable[[sa.Subquery], Collection[sa.ColumnElement[Any]]] = lambda _: ()
) -> sa.Select[Any]:
    """For every row of ``child``: its columns, the counts over its required parents, how many of these exist, and what
    it would consume.

    ``also`` makes further aggregates over the columns of ``required_parents``, and those of ``child`` as ``its_…``.

    ``consumes`` is the sum of the parents' newest successful runs: run ids of a slot only grow, so the sum grows
    exactly when a parent has succeeded anew.
    """
    needed = _with_every_child(required_parents(child), child)

    def number_of(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    return (
        sa.select(
            *(needed.c[f"its_{column.name}"].label(column.name) for column in child.c),
            sa.func.count(needed.c.definition_id).label("required"),
            sa.func.count(needed.c.parent_id).label("existing"),
            number_of(needed.c.state == SlotState.SUCCEEDED).label("succeeded"),
            number_of(needed.c.state == SlotState.FAILED).label("failed"),
            number_of(needed.c.state == SlotState.SKIPPED).label("skipped"),
            number_of(needed.c.success_run_id.is_not(None)).label("ever_succeeded"),
            number_of(needed.c.ever_failed).label("ever_failed"),
            sa.cast(
                sa.func.coalesce(
                    sa.func.sum(
                        sa.case((needed.c.state == SlotState.SUCCEEDED, needed.c.success_run_id), else_=0)
                    ),
                    0,
                ),
                sa.BigInteger,
            ).label("consumes"),
            *also(needed),
        )
        .select_from(needed)
        .group_by(*(needed.c[f"its_{column.name}"] for column in child.c))
    )


def _with_every_child(needed: sa.Select[Any], child: sa.CTE) -> sa.Subquery:
    """The parents that are needed, and a row of NULLs for each child, so that those without parents are counted too.

    An outer join would do, but nobody knows how many rows a CTE has: PostgreSQL takes it for one, and searches the
    parents of all children anew for each (measured: 73 seconds for a thousand).
    """
    own = [column.label(f"its_{column.name}") for column in child.c]
    blank = [
        child.c.id.label("child_id") if column.name == "child_id" else sa.null().label(column.name)
        for column in needed.selected_columns
    ]
    return sa.union_all(needed.add_columns(*own), sa.select(*blank, *own)).subquery("needed")


def counts_of(row: Any) -> start.Counts:
    """The counts in a row, or in the columns, of ``counted``."""
    return start.Counts(
        required=row.required,
        succeeded=row.succeeded,
        failed=row.failed,
        skipped=row.skipped,
        ever_succeeded=row.ever_succeeded,
        ever_failed=row.ever_failed,
    )


def may_start(counts: sa.Subquery) -> sa.ColumnElement[bool]:
    """The start policies, all of them in one condition over ``counted``."""
    return sa.or_(
        *(
            (counts.c.start_policy == policy) & start.starts(policy, counts_of(counts.c))
            for policy in StartPolicy
        )
    )


def never_start(counts: sa.Subquery) -> sa.ColumnElement[bool]:
    """Likewise, that a slot can never start as things stand."""
    return sa.or_(
        *(
            (counts.c.start_policy == policy) & start.never_starts(policy, counts_of(counts.c))
            for policy in StartPolicy
        )
    )


def in_turn(child: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether no earlier slot of a serial definition and the same member is still to be finished."""
    earlier = schema.slot.alias("earlier")
    own_window, its_window = schema.window.alias("own_window"), schema.window.alias("its_window")
    unfinished = (
        sa.select(1)
        .select_from(
            earlier.join(its_window, its_window.c.id == earlier.c.window_id).join(
                own_window, own_window.c.id == child.c.window_id
            )
        )
        .where(
            earlier.c.definition_id == child.c.definition_id,
            earlier.c.member_id == child.c.member_id,
            earlier.c.state.in_((SlotState.OPEN, SlotState.ACTIVE)),
            its_window.c.starts_at < own_window.c.starts_at,
        )
        .exists()
    )
    return sa.not_(child.c.serial & unfinished)
