"""Definitions that wait for one another in a circle: found, and told so that a person can cut it.

networkx is imported when there is one: a graph without a fault does not need it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from conductor_server.model.errors import CycleError
from conductor_server.policy.links import Links, tables

if TYPE_CHECKING:
    import networkx as nx

_SPELLED_OUT = 20
"""Steps of a cycle that a message names; nobody reads the ten thousandth."""


def cycles(links: Links, *, ordered: Collection[str]) -> Iterator[CycleError]:
    """One error for each knot of definitions: a shortest cycle through the one that is declared first.

    ``ordered`` are those that stand in no circle and below none.
    """
    if len(ordered) == len(links.definitions):
        return
    import networkx as nx

    rest = links.definitions.keys() - ordered
    digraph = nx.DiGraph((parent, child) for child in rest for parent in links.parents[child])
    for knot in nx.strongly_connected_components(digraph):
        if len(knot) > 1:
            first = min(knot, key=lambda name: (links.definitions[name].place, name))
            yield _error(_shortest(digraph.subgraph(knot), first), links)


def _shortest(knot: nx.DiGraph[str], first: str) -> list[str]:
    """A shortest cycle as ``[first, its child, …, its parent]``."""
    import networkx as nx

    ways = nx.single_source_shortest_path(knot, first)
    return min((ways[parent] for parent in knot.predecessors(first)), key=lambda way: (len(way), way))


def _error(cycle: list[str], links: Links) -> CycleError:
    steps = [
        f"{parent} writes {', '.join(tables(links.reads(child)[parent]))} for {child}"
        for parent, child in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
    ]
    if len(steps) > _SPELLED_OUT:
        half = _SPELLED_OUT // 2
        steps[half:-half] = [f"… {len(steps) - _SPELLED_OUT} more …"]
    return CycleError(
        f"{len(cycle)} definitions wait for one another: {'; '.join(steps)}",
        place=links.definitions[cycle[0]].place,
        remedy="remove one of these reads, or write it as {table: …, window: none} if it need not be fresh",
    )
