"""Parents before children: the order in which a graph is shown, and the cheapest proof that nothing goes in circles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heappush


def parents_first(parents: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """The names so that parents stand before their children; of those that are free to stand next the smallest.

    What stands in a circle, or below one, is left out: the order is shorter then than what was given. One look at each
    link, and no recursion.
    """
    children: dict[str, list[str]] = {name: [] for name in parents}
    missing: dict[str, int] = {}
    for child, above in parents.items():
        missing[child] = len(above)
        for parent in above:
            children[parent].append(child)
    free = [name for name, count in missing.items() if not count]
    heapify(free)
    order = []
    while free:
        name = heappop(free)
        order.append(name)
        for child in children[name]:
            missing[child] -= 1
            if not missing[child]:
                heappush(free, child)
    return tuple(order)
