"""When the engine was last at work, and until when it has patience with silent agents."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.store import dialect, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """``looped_at``: the last loop that was recorded; they are recorded every few seconds, not each.

    ``missed_since``: nobody has seen yet to what fell due since then; ``None`` unless there was an outage.
    """

    looped_at: dt.datetime
    grace_until: dt.datetime
    missed_since: dt.datetime | None


def load(db: sa.Connection) -> EngineState | None:
    """``None`` before the first loop of all."""
    row = db.execute(_STATE).one_or_none()
    return None if row is None else EngineState(**row._asdict())


def save(db: sa.Connection, state: EngineState) -> None:
    values = {
        "looped_at": state.looped_at,
        "grace_until": state.grace_until,
        "missed_since": state.missed_since,
    }
    if not db.execute(_CHANGE, values).rowcount:
        db.execute(dialect.insert(db, schema.engine_state).values(id=1, **values).on_conflict_do_nothing())


_table = schema.engine_state
_STATE = sa.select(_table.c.looped_at, _table.c.grace_until, _table.c.missed_since)
_CHANGE = sa.update(_table)  # of its one row; the columns are those of the parameters
