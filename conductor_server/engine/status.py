"""What the engine says of itself to those who ask."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """The last pass: when it ended, how long it took, and what it could not do, a sentence each.

    ``looped_at`` is ``None`` before the first pass of this process, and in one that does not lead.
    """

    leads: bool = False
    looped_at: dt.datetime | None = None
    loop_duration: dt.timedelta | None = None
    problems: tuple[str, ...] = ()
