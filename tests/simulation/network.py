"""The network between agents and the server: connections that delay, lose, repeat and reorder what they carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.timeline import Timeline


@dataclass(slots=True, eq=False)
class Link:
    """One connection of an agent with one life of the server; ``cut`` is called at each end when it ends."""

    agent: str
    server: str
    life: int
    on_cut: list[Callable[[], None]] = field(default_factory=list)
    open: bool = True


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

    def carry(self, link: Link, deliver: Callable[[], None]) -> None:
        """Deliver a message over a link, once, never, or more often; in any order with others."""
        if not link.open:
            return
        if link.agent in self.parted or self._strikes("drop", 0.05):
            self._timeline.after(self._rng.uniform(5, 60), lambda: self.cut(link))
            return
        if self._strikes("cut", 0.01):
            self.cut(link)
            if self._rng.random() < 0.5:  # what was on its way may arrive all the same
                return
        self._timeline.after(self._delay(), deliver)
        if self._strikes("duplicate", 0.08):
            self._timeline.after(self._delay(), deliver)

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
