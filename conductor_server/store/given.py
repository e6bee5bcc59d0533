"""Rows that a statement is given in one parameter, as JSON.

A statement's text is then the same for one row as for a thousand: compiled once, planned once, sent once. A list of
values has a text for every length, and a statement for every row a round trip for every row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from conductor_server.store import schema

NUMBERS = {"id": schema.Key}


def table(dialect: str, columns: Mapping[str, TypeEngine[Any]]) -> sa.FromClause:
    """The given rows, with those columns, to be joined. JSON's null is SQL's."""
    if dialect == "postgresql":
        rows = sa.func.jsonb_to_recordset(sa.bindparam("given", type_=sa.Text).cast(JSONB))
        typed = (sa.column(name, kind) for name, kind in columns.items())
        return rows.table_valued(*typed).render_derived(name="given", with_types=True)
    each = sa.func.json_each(sa.bindparam("given", type_=sa.Text)).table_valued("value", name="each")
    return sa.select(
        *(
            sa.func.json_extract(each.c.value, f"$.{name}", type_=kind).label(name)
            for name, kind in columns.items()
        )
    ).subquery("given")


def within(dialect: str, column: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether a column is among the ``id`` of the given rows: each is looked up in the column's index.

    For a join PostgreSQL would read a whole table, if it has less than some ten thousand rows. An array it looks up.
    """
    ids = sa.select(table(dialect, NUMBERS).c.id)
    return (
        column == sa.any_(sa.func.array(ids.scalar_subquery()))
        if dialect == "postgresql"
        else column.in_(ids)
    )


def joined(dialect: str, column: sa.ColumnElement[int], to: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition that joins a column with the ``id`` of the given rows: also ``within``, where it has to be said."""
    same = column == to.c.id
    return within(dialect, column) & same if dialect == "postgresql" else same


def rows(values: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The parameter, to be passed to the statement that uses the table."""
    return {"given": json.dumps(list(values), separators=(",", ":"))}


def numbers(ids: Iterable[int]) -> dict[str, object]:
    """The parameter for a table of ``NUMBERS``."""
    return rows({"id": number} for number in ids)
