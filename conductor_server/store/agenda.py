"""What the engine is to look at: slots that have changed, each with the instant from which to look at it.

Whoever changes a slot notes it here, in the same transaction; the engine looks at it and at what follows from it, and
takes the note away. So a pass costs what has changed, not what exists. A note that were missing would cost time only:
a full pass, every few minutes, looks at everything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import RunStatus, StartPolicy
from conductor_server.store import given, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Notes that are due. ``everything``: one of them asks for a full pass; ``more``: there are others."""

    notes: tuple[int, ...] = ()
    slots: tuple[int, ...] = ()
    everything: bool = False
    more: bool = False


def due(db: sa.Connection, *, now: dt.datetime, limit: int) -> Agenda:
    """The oldest notes whose time has come."""
    rows = db.execute(_due(), {"now": now, "limit": limit}).all()
    return Agenda(
        notes=tuple(row.id for row in rows),
        slots=tuple({row.slot_id: None for row in rows if row.slot_id is not None}),
        everything=any(row.slot_id is None for row in rows),
        more=len(rows) == limit,
    )


def done(db: sa.Connection, agenda: Agenda) -> None:
    """Take away exactly these notes: what was noted since is looked at the next time."""
    if agenda.notes:
        db.execute(_removing(db.dialect.name), given.numbers(agenda.notes))


def note(db: sa.Connection, slots: Collection[int], *, at: dt.datetime) -> None:
    """These slots have changed, or something falls due for them then."""
    if slots:
        db.execute(sa.insert(schema.agenda), [{"slot_id": number, "at": at} for number in slots])


def note_selected(db: sa.Connection, slots: sa.Select[Any], *, at: dt.datetime) -> None:
    """The same for slots whose ids a query selects."""
    rows = slots.add_columns(sa.literal(at, schema.agenda.c.at.type))
    db.execute(sa.insert(schema.agenda).from_select(["slot_id", "at"], rows))


def note_everything(db: sa.Connection, *, at: dt.datetime) -> None:
    """Something has changed that may concern any slot: a definition was resumed, a maintenance ends then."""
    db.execute(sa.insert(schema.agenda), {"slot_id": None, "at": at})


def note_ended(db: sa.Connection, runs: Collection[int], status: RunStatus, *, at: dt.datetime) -> None:
    """These runs have ended so. A success is noted only where something can follow from it."""
    db.execute(_noting_ended(db.dialect.name, status), given.numbers(runs) | {"at": at})


@cache
def _due() -> sa.Select[int, int | None]:
    table = schema.agenda
    return (
        sa.select(table.c.id, table.c.slot_id)
        .where(table.c.at <= sa.bindparam("now"))
        .order_by(table.c.at, table.c.id)
        .limit(sa.bindparam("limit"))
    )


@cache
def _removing(dialect_name: str) -> sa.Delete:
    notes = given.table(dialect_name, given.NUMBERS)
    return sa.delete(schema.agenda).where(schema.agenda.c.id.in_(sa.select(notes.c.id)))


@cache
def _noting_ended(dialect_name: str, status: RunStatus) -> sa.Insert:
    run, definition, edge = schema.run, schema.definition, schema.dependency
    ended = sa.select(run.c.slot_id, sa.bindparam("at", type_=schema.agenda.c.at.type)).where(
        given.within(dialect_name, run.c.id)
    )
    if status is RunStatus.SUCCESS:
        has_children = sa.select(1).where(edge.c.parent_id == definition.c.id).exists()
        ended = ended.join(definition, definition.c.id == run.c.definition_id).where(
            has_children
            | definition.c.serial
            | (definition.c.start_policy == StartPolicy.AFTER_SUCCESS_AND_RERUNS)
        )
    return sa.insert(schema.agenda).from_select(["slot_id", "at"], ended)
