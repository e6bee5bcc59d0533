"""Definitions as people see them, the edges between them, and the tables that come from elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from conductor_server.model.definition import Retry
from conductor_server.model.errors import NotFoundError
from conductor_server.model.states import Frequency, StartPolicy, WindowRule
from conductor_server.policy.planning import declared_instant
from conductor_server.store import schema
from conductor_server.store.definitions import retry_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDefinition:
    """A definition. ``active`` is false when it is declared so, or paused; ``paused`` tells the two apart.

    ``starts_at`` is ``None`` when it starts at its creation; a date is shown as midnight in UTC. ``fault`` says why it
    is set aside.
    """

    id: int
    name: str
    source: str
    schedule: str
    matrix: str
    start_policy: StartPolicy
    retry: Retry
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    active: bool
    paused: bool
    priority: int
    pools: tuple[str, ...]
    source_token: str
    place: str
    description: str
    starts_at: dt.datetime | None
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A definition that reads what another writes, by names."""

    parent: str
    child: str
    tables: tuple[str, ...]
    window_rule: WindowRule


def page(
    db: sa.Connection, *, name_contains: str = "", after: str = "", limit: int | None = None
) -> tuple[list[ShownDefinition], str | None]:
    """The definitions after that name, by name, and the name to go on from if there are more."""
    name = schema.definition.c.name
    rows = _rows().where(name > after)
    if name_contains:
        rows = rows.where(name.contains(name_contains, autoescape=True))
    found = _shown(db, rows if limit is None else rows.limit(limit + 1))
    if limit is None or len(found) <= limit:
        return found, None
    return found[:limit], found[limit - 1].name


def named(db: sa.Connection, name: str) -> ShownDefinition:
    """Raises NotFoundError."""
    found = _shown(db, _rows().where(schema.definition.c.name == name))
    if not found:
        raise NotFoundError(f"there is no definition {name!r}: see conductor-cli definitions list")
    return found[0]


def edges(db: sa.Connection, *, of: int | None = None) -> Sequence[Edge]:
    """All edges, or those of one definition; a definition's order among its own slots is none."""
    table = schema.dependency
    parent, child = schema.definition.alias("parent"), schema.definition.alias("child")
    query = (
        sa.select(parent.c.name, child.c.name, table.c.table_names, table.c.window_rule)
        .join(parent, parent.c.id == table.c.parent_id)
        .join(child, child.c.id == table.c.child_id)
        .where(table.c.parent_id != table.c.child_id)
        .where(table.c.window_rule.in_(WindowRule))
        .order_by(parent.c.name, child.c.name)
    )
    if of is not None:
        query = query.where((table.c.parent_id == of) | (table.c.child_id == of))
    return [
        Edge(parent=above, child=below, tables=tuple(tables), window_rule=WindowRule(rule))
        for above, below, tables, rule in db.execute(query)
    ]


def external_tables(db: sa.Connection) -> Sequence[str]:
    """Tables that are read and that nobody writes, by name."""
    reads, writes = schema.definition_reads, schema.definition_writes
    query = (
        sa.select(reads.c.table_name)
        .distinct()
        .where(reads.c.table_name.not_in(sa.select(writes.c.table_name)))
        .order_by(reads.c.table_name)
    )
    return db.execute(query).scalars().all()


def _rows() -> sa.Select[Any]:
    table = schema.definition
    return (
        sa.select(table, schema.source.c.name.label("source"), schema.matrix.c.name.label("matrix"))
        .join(schema.source, schema.source.c.id == table.c.source_id)
        .join(schema.matrix, schema.matrix.c.id == table.c.matrix_id)
        .order_by(table.c.name)
    )


def _shown(db: sa.Connection, query: sa.Select[Any]) -> list[ShownDefinition]:
    rows = db.execute(query).all()
    ids = [row.id for row in rows]
    reads = _names(db, schema.definition_reads.c.table_name, ids)
    writes = _names(db, schema.definition_writes.c.table_name, ids)
    pools = _names(db, schema.definition_pool.c.pool_name, ids)
    return [
        ShownDefinition(
            id=row.id,
            name=row.name,
            source=row.source,
            matrix=row.matrix,
            **_rules(row),
            reads=reads.get(row.id, ()),
            writes=writes.get(row.id, ()),
            active=row.active and not row.paused and not row.fault,
            paused=row.paused,
            priority=row.priority,
            pools=pools.get(row.id, ()),
            source_token=row.source_token,
            place=row.place,
            description=row.description,
            fault=row.fault,
        )
        for row in rows
    ]


def _rules(row: sa.Row[Any]) -> dict[str, Any]:
    """What can be wrong in a row; of one with a fault the standard stands there, and the fault is shown with it."""
    try:
        return {
            "schedule": row.expression if row.frequency == Frequency.CRON else Frequency(row.frequency).word,
            "start_policy": StartPolicy(row.start_policy),
            "retry": retry_of(row.retry_kind, row.retry_parameters),
            "starts_at": declared_instant(row.starts_on, "UTC"),
        }
    except (ValueError, ArithmeticError, LookupError, TypeError):
        return {
            "schedule": "unknown",
            "start_policy": StartPolicy.AFTER_SUCCESS,
            "retry": Retry(),
            "starts_at": None,
        }


def _names(db: sa.Connection, column: sa.Column[str], ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    owner = column.table.c.definition_id
    found: dict[int, tuple[str, ...]] = {}
    for number, name in db.execute(sa.select(owner, column).where(owner.in_(ids)).order_by(owner, column)):
        found[number] = (*found.get(number, ()), name)
    return found
