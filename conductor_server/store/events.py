"""Events: what the rows of slots and runs cannot tell. Append only, in the transaction of what they report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.store import schema

ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``kind`` is a stable word such as ``definition.added``; ``message`` a sentence for people."""

    kind: str
    subject: str
    message: str
    actor: str = ENGINE


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event with its number, which only grows, and its instant."""

    id: int
    at: dt.datetime
    kind: str
    subject: str
    message: str
    actor: str


def append(db: sa.Connection, events: Iterable[Event], *, now: dt.datetime) -> None:
    rows = [
        {
            "at": now,
            "kind": event.kind,
            "subject": event.subject,
            "message": event.message,
            "actor": event.actor,
        }
        for event in events
    ]
    if rows:
        db.execute(_APPEND, rows)


_APPEND = sa.insert(schema.event)


def after(db: sa.Connection, event_id: int, *, limit: int = 500) -> Sequence[StoredEvent]:
    """The events that followed that one, oldest first."""
    table = schema.event
    rows = db.execute(sa.select(table).where(table.c.id > event_id).order_by(table.c.id).limit(limit))
    return [StoredEvent(**row._asdict()) for row in rows]


def page(
    db: sa.Connection,
    *,
    kind: str = "",
    actor: str = "",
    subject: str = "",
    engine: bool = True,
    before: int | None = None,
    limit: int,
) -> tuple[Sequence[StoredEvent], int | None]:
    """Events before that one, newest first, and the one to go on before if there are more.

    ``kind`` is a whole kind, or its first word. What is empty chooses all; without ``engine`` what the engine did by
    itself is left out.
    """
    table = schema.event
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit + 1)
    if kind:
        query = query.where((table.c.kind == kind) | table.c.kind.startswith(f"{kind}.", autoescape=True))
    if actor:
        query = query.where(
            (table.c.actor == actor) | table.c.actor.startswith(f"{actor} for ", autoescape=True)
        )
    if not engine:
        query = query.where(table.c.actor != ENGINE)
    if subject:
        query = query.where(table.c.subject == subject)
    if before is not None:
        query = query.where(table.c.id < before)
    found = [StoredEvent(**row._asdict()) for row in db.execute(query)]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def trim(db: sa.Connection, kind: str, *, keep: int) -> int:
    """Delete the oldest events of that kind beyond so many. Answers how many."""
    table = schema.event
    newest = sa.select(table.c.id).where(table.c.kind == kind).order_by(table.c.id.desc())
    first = db.execute(newest.offset(keep).limit(1)).scalar_one_or_none()
    if first is None:
        return 0
    return db.execute(sa.delete(table).where(table.c.kind == kind, table.c.id <= first)).rowcount


def newest_id(db: sa.Connection) -> int:
    newest: int = db.execute(sa.select(sa.func.coalesce(sa.func.max(schema.event.c.id), 0))).scalar_one()
    return newest


def delete_before(db: sa.Connection, instant: dt.datetime, *, limit: int) -> int:
    """Delete the oldest events from before then. Answers how many."""
    table = schema.event
    old = sa.select(table.c.id).where(table.c.at < instant).order_by(table.c.id).limit(limit)
    return db.execute(sa.delete(table).where(table.c.id.in_(old.scalar_subquery()))).rowcount
