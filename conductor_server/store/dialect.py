"""The places where PostgreSQL and SQLite are not spelled alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles


def insert(db: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, and whose result knows how many rows it added."""
    return insert_on(db.dialect.name, table)


def insert_on(dialect_name: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """The same for statements that are built before there is a connection."""
    statement = postgresql.insert(table) if dialect_name == "postgresql" else sqlite.insert(table)
    return statement.execution_options(preserve_rowcount=True)


@cache
def adding(dialect_name: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """The statement that adds the rows that it is given, but for those that are there."""
    return insert_on(dialect_name, table).on_conflict_do_nothing()


@cache
def keeping(dialect_name: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """The statement that adds the rows that it is given, all columns of each, or changes those of their keys."""
    statement = insert_on(dialect_name, table)
    others = {each.name: statement.excluded[each.name] for each in table.c if not each.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=others)


class InOrder(sa.Join):
    """A join of which the left side is gone through first, and so on to the right.

    SQLite keeps that order for CROSS JOIN alone (https://www.sqlite.org/optoverview.html); PostgreSQL keeps that of all
    joins after ``keep_join_order``. Neither could know how few rows a work table has.
    """

    inherit_cache = True

    def join(self, right: Any, onclause: Any = None, isouter: bool = False, full: bool = False) -> sa.Join:
        """One more table, after the others."""
        return (
            super().join(right, onclause, isouter=isouter, full=full)
            if isouter or full
            else InOrder(self, right, onclause)
        )


@compiles(InOrder, "sqlite")
def _cross_join(element: InOrder, compiler: Any, **options: Any) -> str:
    options |= {"asfrom": True}
    left, right = (compiler.process(side, **options) for side in (element.left, element.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause, **options)}"


def load(db: sa.Connection, table: sa.Table, rows: Iterable[Sequence[object]]) -> None:
    """Fill a work table with rows of all its columns, as its database takes very many: they are never all in memory."""
    if db.dialect.name == "postgresql":
        cursor = cast(psycopg.Cursor[Any], db.connection.cursor())
        with cursor, cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    statement = str(sa.insert(table).compile(dialect=db.dialect))
    rest = iter(rows)
    while batch := [tuple(row) for row in islice(rest, MANY)]:
        db.exec_driver_sql(statement, batch)


MANY = 1_000
"""Rows added at once after which PostgreSQL's planner is told, lest it take a large table for the small one it was."""

FEW = 10_000
"""Up to so many rows are looked up one by one; for more it pays to read whole tables."""


def analyze(db: sa.Connection, *tables: sa.Table) -> None:
    """Have the rows of tables counted for PostgreSQL's planner, which takes a new one for empty."""
    if db.dialect.name == "postgresql":
        for table in tables:
            db.execute(sa.text(f"ANALYZE {table.name}"))


def truncate(db: sa.Connection, table: sa.Table) -> None:
    """Take back the room of a work table's deleted rows. SQLite does so when all are deleted."""
    if db.dialect.name == "postgresql":
        db.execute(sa.text(f"TRUNCATE {table.name}"))


def clock(db: sa.Connection) -> dt.datetime:
    """What PostgreSQL's clock says at this moment, not when the transaction began. SQLite has none of its own."""
    instant: dt.datetime = db.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return instant.astimezone(dt.UTC)


def keep_join_order(db: sa.Connection) -> None:
    """Have PostgreSQL join in the order in which the rest of this transaction is written.

    With ten tables it spends more time on the order than on the work, and what it knows of a work table is a guess.
    """
    if db.dialect.name == "postgresql":
        db.execute(_setting(_ORDER | _PLANS_FOR_NOW))


def look_up_few(db: sa.Connection) -> None:
    """Have PostgreSQL look rows up one by one for the rest of this transaction, as SQLite would, and in their order.

    Else it reads whole tables on a guess that they are many. And it takes each look-up for one on a cold disk: so it
    would rather go through all slots of a member than find the one that is meant by its key. Plans made so are right
    however tables grow, and are kept.
    """
    if db.dialect.name == "postgresql":
        db.execute(_setting(_ORDER | _FOR_FEW))


def join_many(db: sa.Connection) -> None:
    """Undo ``look_up_few``, but for the order: more rows are concerned than was thought."""
    if db.dialect.name == "postgresql":
        for name in _FOR_FEW:
            db.execute(sa.text(f"SET LOCAL {name} = DEFAULT"))
        db.execute(_setting(_PLANS_FOR_NOW))


def _setting(values: Mapping[str, str]) -> sa.TextClause:
    """Settings until the end of the transaction."""
    return sa.text(
        "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in values.items())
    )


_ORDER = {"join_collapse_limit": "1"}
_PLANS_FOR_NOW = {"plan_cache_mode": "force_custom_plan"}
"""What is known of the tables now, and not a plan that was made when they were small, or for few rows."""
_FOR_FEW = {
    "random_page_cost": "0",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
}


def lock_claims(db: sa.Connection) -> None:
    """One claim transaction at a time over all servers, until this one ends: limits are counted exactly.

    SQLite needs nothing: it has one writer.
    """
    _lock(db, _CLAIMS)


def lock_members(db: sa.Connection) -> None:
    """One transaction at a time numbers arrivals, so that these are committed in the order they are given out.

    SQLite needs nothing: it has one writer.
    """
    _lock(db, _MEMBERS)


def lock_steps(db: sa.Connection) -> None:
    """One step of an engine at a time over all servers, until this transaction ends, should several engines be at work.

    SQLite needs nothing: it has one writer.
    """
    _lock(db, _STEPS)


def lock_schema(db: sa.Connection) -> None:
    """One server at a time changes the schema. SQLite needs nothing: it has one writer."""
    _lock(db, _SCHEMA)


def _lock(db: sa.Connection, number: int) -> None:
    if db.dialect.name == "postgresql":
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


# Any numbers do that all servers share: these are words.
_CLAIMS = 0x636C61696D
_MEMBERS = 0x6D656D62657273
_STEPS = 0x7374657073
_SCHEMA = 0x736368656D61
