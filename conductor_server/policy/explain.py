"""Why a slot does not run: the slots at the top of everything that holds it, and the way up to each of them.

The walk goes up from level to level, breadth first, through slots that have not begun: a slot that has failed, is
quarantined, was cancelled or does not exist ends a way, and so does one that is on its way itself. Whatever stands
above such a slot does not matter, so what is found is minimal; and nothing of another account is ever touched, since
the ways follow required parents only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from conductor_server.model.states import SlotState, StartPolicy
from conductor_server.policy.condition import hinders, state_in_words

CAUSES_MAX = 20
"""So many root causes are told one by one; the others are counted."""

LEVEL_MAX = 1_000
"""Of each level the walk follows this many slots at most: a barrier over many accounts has more than anybody reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A slot (``id``, ``state``; ``None`` where it does not exist) that ``child``, of that policy, still waits for."""

    child: int
    policy: StartPolicy
    id: int | None
    name: str
    definition: str
    state: SlotState | None
    said: str = ""


Unmet = Callable[[Collection[int]], Sequence[Need]]
"""What each of those open slots waits for: its unmet required parents, and earlier slots whose turn it is first.

Slots that are blocked themselves come before others, so that the bound does not cut the way to a root.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A slot at the top of a way, with the names of the slots between, from the explained one upwards.

    ``final``: nothing will come of it by itself. ``code`` is a stable word.
    """

    need: Need
    chain: tuple[str, ...]
    final: bool

    @property
    def code(self) -> str:
        return "parent_missing" if self.need.state is None else f"parent_{self.need.state.word}"

    @property
    def message(self) -> str:
        said = f": {self.need.said}" if self.need.said else ""
        return f"{self.need.name} {state_in_words(self.need.state)}{said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Root causes, final ones first; what is beyond the bound is summed up in a sentence."""

    causes: tuple[Cause, ...]
    omitted: str = ""


def explain(slot_id: int, unmet: Unmet) -> Explanation:
    """Everything that an open slot waits for in the end."""
    names: dict[int, str] = {}
    below: dict[int, int] = {}
    found: dict[str, Cause] = {}
    frontier = [slot_id]
    arrived: dict[int, Need] = {}
    while frontier:
        needs = unmet(frontier)
        held = {need.child for need in needs}
        for number in frontier:
            if number not in held and number in arrived:
                # It has all that it needs: it is what we wait for.
                found[names[number]] = Cause(
                    need=arrived[number], chain=_chain(below[number], slot_id, below, names), final=False
                )
        frontier = []
        for need in needs:
            if need.id is not None and need.id in below:
                continue
            if hinders(need.policy, need.state) or need.id is None or need.state is not SlotState.OPEN:
                final = hinders(need.policy, need.state)
                chain = _chain(need.child, slot_id, below, names)
                found.setdefault(need.name, Cause(need=need, chain=chain, final=final))
                continue
            below[need.id], names[need.id], arrived[need.id] = need.child, need.name, need
            if len(frontier) < LEVEL_MAX:
                frontier.append(need.id)
    return _bounded(sorted(found.values(), key=lambda cause: not cause.final))


def _chain(number: int, end: int, below: dict[int, int], names: dict[int, str]) -> tuple[str, ...]:
    """The names from just above ``end`` up to ``number``."""
    way: list[str] = []
    while number != end:
        way.append(names[number])
        number = below[number]
    return tuple(reversed(way))


def _bounded(causes: Sequence[Cause]) -> Explanation:
    shown, rest = causes[:CAUSES_MAX], causes[CAUSES_MAX:]
    if not rest:
        return Explanation(causes=tuple(shown))
    groups = Counter((cause.need.definition, state_in_words(cause.need.state)) for cause in rest)
    summed = ", ".join(
        f"{count} × {definition} {verb}" for (definition, verb), count in groups.most_common(5)
    )
    omitted = f"{len(rest)} of {len(causes)} causes are not listed: {summed}"
    return Explanation(causes=tuple(shown), omitted=omitted + (" …" if len(groups) > 5 else ""))
