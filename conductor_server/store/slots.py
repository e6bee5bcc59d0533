"""Slots: definition × member × window. Created and decided in sets, never one at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from functools import cache

import sqlalchemy as sa

from conductor_server.model.states import LIVE_RUNS, SlotState
from conductor_server.store import dialect, given, schema


def slot_name(definition: str, path: str, label: str) -> str:
    """``update_sales@acme/2026-11-20``; without the ``@`` part under the default matrix."""
    return f"{definition}@{path}/{label}" if path else f"{definition}/{label}"


def create(
    db: sa.Connection,
    *,
    definition_id: int,
    timezone: str,
    window_ids: Collection[int],
    members_above: int,
    members_upto: int,
    once: bool,
) -> int:
    """Create the slots of those windows for the members of that zone whose arrival is in ``(above, upto]``.

    A member's slots begin with its first whole window; but a one-off concerns every member ``once``, however late it
    came and wherever it lived before. Slots that exist stay as they are. Answers how many were created.
    """
    if not window_ids:
        return 0
    parameters = {"of": definition_id, "zone": timezone, "above": members_above, "upto": members_upto}
    statement = _creating(db.dialect.name, once)
    return db.execute(statement, parameters | given.numbers(window_ids)).rowcount


@cache
def _creating(dialect_name: str, once: bool) -> sa.Insert:
    definition, member, window = schema.definition, schema.member, schema.window
    windows = given.table(dialect_name, given.NUMBERS)
    candidates = (
        sa.select(definition.c.id, member.c.id, window.c.id, sa.literal(int(SlotState.OPEN)))
        .select_from(
            definition.join(member, member.c.matrix_id == definition.c.matrix_id).join(window, sa.true())
        )
        .where(
            definition.c.id == sa.bindparam("of"),
            member.c.timezone == sa.bindparam("zone"),
            member.c.arrival > sa.bindparam("above"),
            member.c.arrival <= sa.bindparam("upto"),
            window.c.id.in_(sa.select(windows.c.id)),
        )
        .order_by(window.c.starts_at, member.c.id)
    )
    if once:
        earlier = schema.slot.alias("earlier")
        candidates = candidates.where(
            ~sa.select(1)
            .where(earlier.c.definition_id == definition.c.id, earlier.c.member_id == member.c.id)
            .exists()
        )
    else:
        candidates = candidates.where(window.c.starts_at >= member.c.starts_at)
    columns = ["definition_id", "member_id", "window_id", "state"]
    statement = dialect.insert_on(dialect_name, schema.slot).from_select(columns, candidates)
    return statement.on_conflict_do_nothing()


def tell_planner(db: sa.Connection, *, added: int) -> None:
    """After many were added: without it PostgreSQL joins a million rows as if there were ten."""
    if added >= dialect.MANY:
        dialect.analyze(db, schema.slot, schema.window, schema.window_relation, schema.definition_calendar)


def skip(
    db: sa.Connection,
    *,
    definition_id: int,
    window_ids: Collection[int],
    members_above: int,
    reason: str,
    now: dt.datetime,
) -> int:
    """Skip the slots of those windows that have not begun, of members whose arrival is above that."""
    slot, member = schema.slot, schema.member
    return db.execute(
        sa.update(slot)
        .where(
            slot.c.definition_id == definition_id,
            slot.c.window_id.in_(window_ids),
            slot.c.state == SlotState.OPEN,
            slot.c.member_id == member.c.id,
            member.c.arrival > members_above,
        )
        .values(state=SlotState.SKIPPED, reason=reason, decided_at=now)
    ).rowcount


def skip_older(
    db: sa.Connection, *, definition_id: int, ended_before: dt.datetime, reason: str, now: dt.datetime
) -> int:
    """Skip the slots that have not begun and whose window ended before that."""
    slot, window = schema.slot, schema.window
    return db.execute(
        sa.update(slot)
        .where(
            slot.c.definition_id == definition_id,
            slot.c.state == SlotState.OPEN,
            slot.c.window_id == window.c.id,
            window.c.ends_at < ended_before,
        )
        .values(state=SlotState.SKIPPED, reason=reason, decided_at=now)
    ).rowcount


def delete_decided(db: sa.Connection, *, before: dt.datetime, limit: int) -> int:
    """Delete slots decided before that, with their runs, oldest first; those that an undecided child needs stay."""
    slot, relation, edge = schema.slot, schema.window_relation, schema.dependency
    child = schema.slot.alias()
    needed = (
        sa.select(1)
        .select_from(
            relation.join(edge, edge.c.window_rule == relation.c.window_rule).join(
                child,
                (child.c.definition_id == edge.c.child_id)
                & (child.c.window_id == relation.c.child_window_id),
            )
        )
        .where(
            relation.c.parent_window_id == slot.c.window_id,
            edge.c.parent_id == slot.c.definition_id,
            child.c.state.in_((SlotState.OPEN, SlotState.ACTIVE)),
        )
        .exists()
    )
    old = (
        sa.select(slot.c.id)
        .where(slot.c.decided_at < before, ~needed)
        .order_by(slot.c.decided_at)
        .limit(limit)
    )
    return db.execute(sa.delete(slot).where(slot.c.id.in_(old.scalar_subquery()))).rowcount


def state_of(db: sa.Connection, slot_id: int) -> SlotState:
    """The state of a slot that exists, which nobody changes before this transaction ends."""
    slot = schema.slot
    query = sa.select(slot.c.state).where(slot.c.id == slot_id).with_for_update()
    return SlotState(db.execute(query).scalar_one())


def discard(db: sa.Connection, slot_id: int, *, reason: str, now: dt.datetime) -> int:
    """Cancel a slot that is not done and has no live run. Answers how many: 0 or 1."""
    slot = schema.slot
    states = (SlotState.OPEN, SlotState.ACTIVE, SlotState.FAILED, SlotState.QUARANTINED)
    return db.execute(
        sa.update(slot)
        .where(slot.c.id == slot_id, slot.c.state.in_(states), ~has_live_run())
        .values(state=SlotState.CANCELLED, reason=reason, decided_at=now)
    ).rowcount


def fail(db: sa.Connection, slot_id: int, *, reason: str, now: dt.datetime) -> int:
    """An active slot without a live run has failed for good, whatever its retry policy. Answers how many: 0 or 1."""
    slot = schema.slot
    return db.execute(
        sa.update(slot)
        .where(slot.c.id == slot_id, slot.c.state == SlotState.ACTIVE, ~has_live_run())
        .values(state=SlotState.FAILED, reason=reason, decided_at=now)
    ).rowcount


def number_of_account(db: sa.Connection, account_id: int) -> int:
    """How many slots an account has, those of its keywords included."""
    member = schema.member
    ids = sa.select(member.c.id).where(member.c.account_id == account_id)
    query = sa.select(sa.func.count()).select_from(schema.slot).where(schema.slot.c.member_id.in_(ids))
    return int(db.execute(query).scalar_one())


def has_live_run() -> sa.ColumnElement[bool]:
    run = schema.run
    return sa.select(1).where(run.c.slot_id == schema.slot.c.id, run.c.status.in_(LIVE_RUNS)).exists()
