"""A clock that only the test turns."""

from __future__ import annotations

import datetime as dt


class VirtualClock:
    """Stands still until it is told otherwise. ``leap`` moves the wall clock alone, as an operator or NTP may."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> dt.datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, by: dt.timedelta) -> None:
        assert by >= dt.timedelta(0), "time passes forwards; a clock that is set back leaps"
        self._now += by
        self._monotonic += by.total_seconds()

    def leap(self, by: dt.timedelta) -> None:
        self._now += by
