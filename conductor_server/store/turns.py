"""Runs that are added to the queue, each with its turn."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import RunStatus
from conductor_server.store import dialect, schema

NOW: Any = sa.bindparam("now", type_=schema.run.c.waiting_at.type)


def adding_runs(
    dialect_name: str,
    slots: sa.FromClause,
    wanted: sa.ColumnElement[bool],
    *,
    attempt: sa.ColumnElement[int],
) -> sa.Insert:
    """Two engines may both try: the unique index on live runs lets one of them have each slot."""
    slot, definition, window, member = schema.slot, schema.definition, schema.window, schema.member
    account_id = sa.func.coalesce(member.c.account_id, 0)
    rows = (
        sa.select(
            slot.c.id,
            attempt,
            sa.literal(int(RunStatus.WAITING)),
            definition.c.source_id,
            definition.c.priority,
            definition.c.id,
            account_id,
            _turn(account_id),
            sa.bindparam("created_by", type_=sa.Integer),
            NOW,
        )
        .select_from(
            slots.join(definition, definition.c.id == slot.c.definition_id)
            .join(window, window.c.id == slot.c.window_id)
            .join(member, member.c.id == slot.c.member_id)
        )
        .where(wanted)
        .order_by(window.c.ends_at, slot.c.id)
    )
    columns = [
        *("slot_id", "attempt", "status", "source_id", "priority", "definition_id", "account_id", "turn"),
        *("created_by", "waiting_at"),
    ]
    return dialect.insert_on(dialect_name, schema.run).from_select(columns, rows).on_conflict_do_nothing()


def _turn(account_id: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """When a new run is served, among those of its source and priority: accounts take turns, each in its own order.

    An account's next run follows its last that waits; its first joins where the queue stands. So a hundred thousand
    runs of one account stand behind the single runs of others, whenever these come; claims have nothing to work out.
    """
    run, definition = schema.run, schema.definition
    waits = (
        (run.c.status == RunStatus.WAITING)
        & (run.c.source_id == definition.c.source_id)
        & (run.c.priority == definition.c.priority)
    )
    first = sa.select(run.c.turn).where(waits).order_by(run.c.turn).limit(1)
    last_own = (
        sa.select(run.c.turn)
        .where(waits, run.c.account_id == account_id)
        .order_by(run.c.turn.desc())
        .limit(1)
    )
    in_own_order = sa.func.row_number().over(
        partition_by=(definition.c.source_id, definition.c.priority, account_id),
        order_by=(schema.window.c.ends_at, schema.slot.c.id),
    )
    return in_own_order + sa.func.coalesce(last_own.scalar_subquery(), first.scalar_subquery() - 1, 0)
