"""The one module that reads the clock. Everything else is given the time."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
import structlog

from conductor_server.model.errors import StoreUnavailableError
from conductor_server.store import dialect
from conductor_server.store.database import Database

log = structlog.get_logger("clock")

MEASURE_EVERY_S = 5.0
"""How often the database's clock is looked at: a leap of it is noticed this late."""

LOOKS = 3
"""So often is it looked at each time; the quickest answer is the most exact."""

NOTICEABLE = dt.timedelta(seconds=1)
"""A difference between the two clocks that is worth a line in the log."""


class Clock(Protocol):
    """Wall time for what is recorded, monotonic time for what is measured."""

    def now(self) -> dt.datetime:
        """The present instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What another clock said at an instant of our monotonic one, and how far from it that may have been."""

    instant: dt.datetime
    measured_at: float
    inexact_s: float

    def at(self, monotonic: float) -> dt.datetime:
        """What it says at another instant."""
        return self.instant + dt.timedelta(seconds=monotonic - self.measured_at)


class DatabaseClock:
    """The database's clock, by which several servers agree whatever their own clocks say.

    It is looked at every few seconds, and carried on by this machine's monotonic clock in between. ``run`` works until
    it is cancelled.
    """

    def __init__(self, database: Database) -> None:
        """Looks for the first time. Raises StoreUnavailableError."""
        self._database = database
        self._known = self._read()
        difference = self._known.instant - dt.datetime.now(dt.UTC)
        if abs(difference) > NOTICEABLE:
            log.warning(
                "this machine's clock is wrong, or the database's", difference_s=difference.total_seconds()
            )

    def now(self) -> dt.datetime:
        return self._known.at(self.monotonic())

    def monotonic(self) -> float:
        return time.monotonic()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(MEASURE_EVERY_S)
            try:
                await asyncio.to_thread(self.look)
            except StoreUnavailableError as error:
                log.warning("the database's clock cannot be read", error=str(error))

    def look(self) -> None:
        """Follow the database's clock, if the two differ by more than this look is exact to."""
        found = self._read()
        difference = found.instant - self._known.at(found.measured_at)
        if abs(difference.total_seconds()) > found.inexact_s:
            self._known = found
            if abs(difference) > NOTICEABLE:
                log.warning("the database's clock has leapt", difference_s=difference.total_seconds())

    def _read(self) -> Measurement:
        looks = self._database.read(lambda db: [self._look(db) for _ in range(LOOKS)])
        return min(looks, key=lambda each: each.inexact_s)

    def _look(self, db: sa.Connection) -> Measurement:
        asked = self.monotonic()
        instant = dialect.clock(db)
        answered = self.monotonic()
        return Measurement(
            instant=instant, measured_at=(asked + answered) / 2, inexact_s=(answered - asked) / 2
        )
