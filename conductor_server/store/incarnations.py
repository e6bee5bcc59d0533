"""Which incarnation of the store this is: it begins a new one whenever it is restored from a backup.

A backup does not know what happened after it. The numbers of runs that were given out meanwhile are in the hands of
agents, so none of them may be given out again: a new incarnation leaves a gap that is wider than that.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.model.states import RunStatus
from conductor_server.store import dialect, events, schema
from conductor_server.store.events import Event

GAP = 1_000_000_000
"""So many numbers are left out at a restore: far more than any store gives out between a backup and its restore, and a
billionth of all there are."""

_NUMBERED = (schema.run, schema.agent_session, schema.event)
"""Tables whose numbers agents and watchers keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incarnation:
    """``store`` stays the same over restores, ``token`` does not. ``forgotten`` are runs that no row may be left of.

    ``served_at``: when a server first worked on it.
    """

    store: str = ""
    token: str = ""
    forgotten: tuple[range, ...] = ()
    served_at: dt.datetime | None = None

    def has_forgotten(self, run_id: int) -> bool:
        """Whether that number was given out before a restore, or may have been."""
        return any(run_id in numbers for numbers in self.forgotten)


FIRST = Incarnation()
"""Of a store that was never restored: nothing is forgotten."""

_table = schema.incarnation


def serve(db: sa.Connection, *, token: str, now: dt.datetime) -> Incarnation:
    """The incarnation that a server works on from now on; a new one, named ``token``, if this is a restored backup."""
    dialect.lock_schema(db)  # of servers that start at once, one begins it
    newest = _newest(db)
    if newest is None:
        db.execute(sa.insert(_table).values(token=token, began_at=now, served_at=now))
    elif newest.copied_at is not None:
        begin(db, token=token, now=now)
    db.execute(sa.update(_table).where(_table.c.served_at.is_(None)).values(served_at=now))
    return _load(db)


def begin(db: sa.Connection, *, token: str, now: dt.datetime) -> None:
    """This store was restored: begin a new incarnation, which gives out no number that the last one may have."""
    of_backup = db.execute(sa.select(sa.func.max(_table.c.copied_at))).scalar()
    runs_from = _skip(db)
    db.execute(sa.update(_table).values(copied_at=None))
    db.execute(
        sa.insert(_table).values(token=token, began_at=now, runs_from=runs_from, runs_until=runs_from + GAP)
    )
    # What waits may have been claimed meanwhile: that was under the next epoch.
    run = schema.run
    db.execute(sa.update(run).where(run.c.status == RunStatus.WAITING).values(epoch=run.c.epoch + 1))
    since = "" if of_backup is None else f" of {of_backup:%Y-%m-%d %H:%M:%S} UTC"
    message = f"the store was restored from a backup{since}: agents report again what they know"
    events.append(db, [Event(kind="store.restored", subject="store", message=message)], now=now)


def mark_as_copy(db: sa.Connection, *, token: str, now: dt.datetime) -> None:
    """This is a backup: whichever server starts on it begins a new incarnation."""
    if _newest(db) is None:
        db.execute(sa.insert(_table).values(token=token, began_at=now))
    db.execute(sa.update(_table).values(copied_at=now))


def _newest(db: sa.Connection) -> sa.Row[int, dt.datetime | None] | None:
    return db.execute(
        sa.select(_table.c.id, _table.c.copied_at).order_by(_table.c.id.desc()).limit(1)
    ).one_or_none()


def _load(db: sa.Connection) -> Incarnation:
    rows = db.execute(sa.select(_table).order_by(_table.c.id)).all()
    return Incarnation(
        store=rows[0].token,
        token=rows[-1].token,
        forgotten=tuple(range(row.runs_from, row.runs_until) for row in rows if row.runs_from is not None),
        served_at=rows[-1].served_at,
    )


def _skip(db: sa.Connection) -> int:
    """Leave the gap in all numberings. Answers the first number of a run that is left out."""
    first = 0
    for table in _NUMBERED:
        last = _last_number(db, table)
        _set_last_number(db, table, last + GAP)
        first = first or last + 1
    return first


def _last_number(db: sa.Connection, table: sa.Table) -> int:
    if db.dialect.name == "sqlite":
        query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(db.execute(query, {"name": table.name}).scalar() or 0)
    query = sa.text("SELECT nextval(pg_get_serial_sequence(:name, 'id'))")
    return int(db.execute(query, {"name": table.name}).scalar_one()) - 1


def _set_last_number(db: sa.Connection, table: sa.Table, number: int) -> None:
    parameters = {"name": table.name, "number": number}
    if db.dialect.name == "sqlite":
        db.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), parameters)
        db.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), parameters)
    else:
        db.execute(sa.text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :number)"), parameters)
