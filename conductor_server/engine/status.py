"""What the engine says of itself to those who ask."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.store import leadership


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """The last pass: when it ended, how long it took, and what it could not do, a sentence each.

    ``looped_at`` is ``None`` before the first pass of this process, and in one that does not lead.
    """

    leads: bool = False
    looped_at: dt.datetime | None = None
    loop_duration: dt.timedelta | None = None
    problems: tuple[str, ...] = ()


def problems(db: sa.Connection, status: EngineStatus) -> tuple[str, ...]:
    """What the engine could not do, of whichever server it runs in. Those that do not lead know it from the store."""
    return status.problems or leadership.problems(db)
