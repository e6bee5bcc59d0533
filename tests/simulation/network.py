"""The network between agents and the server: connections that delay, lose, repeat and reorder what they carry.

A stream of gRPC keeps its order, and these mostly do not: whatever is harmless in any order is tried in every one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.timeline import Timeline


@dataclass(slots=True, eq=False)
class Link:
    """One connection of an agent with one life of the server; ``cut`` is called at each end when it ends.

    ``in_order_until``: when the latest of the messages that keep their order arrives, in true seconds.
    """

    agent: str
    server: str
    life: int
    on_cut: list[Callable[[], None]] = field(default_factory=list)
    open: bool = True
    in_order_until: float = 0.0


class Network:
    """Carries messages. What is lost breaks its link a while later, as a silent TCP connection does."""

    def __init__(
        self, timeline: Timeline, rng: Random, faults: frozenset[str], counted: Counter[str]
    ) -> None:
        self._timeline = timeline
        self._rng = rng
        self.faults = faults
        self._counted = counted
        self.parted: set[str] = set()

    def carry(self, link: Link, deliver: Callable[[], None], *, in_order: bool = False) -> None:
        """Deliver a message over a link, once, never, or more often; in any order with others.

        ``in_order``: not before those of its kind that were sent earlier. So are statements of which the newest counts.
        """
        if not link.open:
            return
        if link.agent in self.parted or self._strikes("drop", 0.05):
            self._timeline.after(self._rng.uniform(5, 60), lambda: self.cut(link))
            return
        if self._strikes("cut", 0.01):
            self.cut(link)
            if self._rng.random() < 0.5:  # what was on its way may arrive all the same
                return
        self._deliver(link, deliver, in_order=in_order)
        if self._strikes("duplicate", 0.08):
            self._deliver(link, deliver, in_order=in_order)

    def _deliver(self, link: Link, deliver: Callable[[], None], *, in_order: bool) -> None:
        arrives = self._timeline.true + self._delay()
        if in_order:
            arrives = link.in_order_until = max(arrives, link.in_order_until)
        self._timeline.at(arrives, deliver)

    def cut(self, link: Link) -> None:
        if link.open:
            link.open = False
            for told in link.on_cut:
                told()

    def _delay(self) -> float:
        if self._strikes("delay", 0.05):
            return self._rng.uniform(10, 600)
        return self._rng.uniform(0.001, 2.0)

    def _strikes(self, fault: str, share: float) -> bool:
        if fault not in self.faults or self._rng.random() >= share:
            return False
        self._counted[fault] += 1
        return True
