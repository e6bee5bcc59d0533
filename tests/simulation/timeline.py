"""Virtual time: a queue of things to happen, and the server's wall clock, which may be wrong."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count


@dataclass(slots=True, order=True)
class Event:
    """Something that happens at ``when`` (true seconds since the beginning), unless it is called off."""

    when: float
    number: int
    act: Callable[[], None] = field(compare=False)
    off: bool = field(default=False, compare=False)


class Timeline:
    """Events by their true time. ``now`` is what the server's wall clock says: true time plus its leaps."""

    def __init__(self, begin: dt.datetime) -> None:
        self._begin = begin
        self._queue: list[Event] = []
        self._numbers = count()
        self._leapt = dt.timedelta(0)
        self.true = 0.0

    def after(self, seconds: float, act: Callable[[], None]) -> Event:
        return self.at(self.true + seconds, act)

    def at(self, when: float, act: Callable[[], None]) -> Event:
        """What happens at the same time happens in the order in which it was asked for."""
        event = Event(when=when, number=next(self._numbers), act=act)
        heapq.heappush(self._queue, event)
        return event

    def step(self, until: float) -> bool:
        """Let the next thing happen. False when there is none before ``until``: then it is that late."""
        while self._queue and self._queue[0].when <= until:
            event = heapq.heappop(self._queue)
            if not event.off:
                self.true = event.when
                event.act()
                return True
        self.true = until
        return False

    # --- the server's clock

    def now(self) -> dt.datetime:
        return self._begin + self._leapt + dt.timedelta(seconds=self.true)

    def monotonic(self) -> float:
        return self.true

    def leap(self, by: dt.timedelta) -> None:
        self._leapt += by
