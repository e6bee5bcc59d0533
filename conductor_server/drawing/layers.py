"""A plain layered layout, for when graphlay fails: keys, links and sizes in, centres and polylines out.

A node stands one layer right of its last parent. A link that skips layers passes each at a place of its own,
so that no line runs through a box. What leaves one place shares a vertical track in the gap behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

Link: TypeAlias = tuple[str, str]
Place: TypeAlias = "str | tuple[str, str, int]"  # a node, or where a link passes a layer
Point: TypeAlias = tuple[float, float]
Size: TypeAlias = tuple[float, float]

ROW_GAP = 26.0
TRACK_GAP = 12.0
PASSAGE = 8.0
SWEEPS = 8


def arrange(
    order: Sequence[str], links: Sequence[Link], sizes: Mapping[str, Size]
) -> tuple[dict[str, Point], list[list[Point]]]:
    """The centre of every key, and a polyline per link, in the order given.

    ``order`` has parents first. A link against it is laid out the other way round and drawn backwards.
    """
    index = {key: position for position, key in enumerate(order)}
    along = [(a, b) if index[a] < index[b] else (b, a) for a, b in links]
    rank = _ranks(order, along)
    routes = [_route(link, rank) for link in along]
    columns = _columns(rank, routes)
    _uncross(columns, routes)
    centres, tracks = _coordinates(columns, routes, sizes)
    lines = [_line(route, centres, tracks, sizes) for route in routes]
    return (
        {key: centres[key] for key in order},
        [line if link == way else line[::-1] for line, link, way in zip(lines, links, along, strict=True)],
    )


def _ranks(order: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """Of every key, the length of the longest path that leads to it."""
    parents: dict[str, list[str]] = defaultdict(list)
    for parent, child in links:
        parents[child].append(parent)
    rank: dict[str, int] = {}
    for key in order:
        rank[key] = 1 + max((rank[parent] for parent in parents[key]), default=-1)
    return rank


def _route(link: Link, rank: Mapping[str, int]) -> list[Place]:
    """The places that a link passes, one a layer."""
    parent, child = link
    return [parent, *((parent, child, layer) for layer in range(rank[parent] + 1, rank[child])), child]


def _columns(rank: Mapping[str, int], routes: Sequence[Sequence[Place]]) -> list[list[Place]]:
    columns: list[list[Place]] = [[] for _ in range(max(rank.values()) + 1)]
    for key, layer in rank.items():
        columns[layer].append(key)
    for route in routes:
        for layer, place in enumerate(route[1:-1], start=rank[str(route[0])] + 1):
            columns[layer].append(place)
    return columns


def _uncross(columns: list[list[Place]], routes: Sequence[Sequence[Place]]) -> None:
    """Sorts each layer by the mean position of its neighbours, forth and back, a fixed number of times."""
    before: dict[Place, list[Place]] = defaultdict(list)
    after: dict[Place, list[Place]] = defaultdict(list)
    for route in routes:
        for left, right in pairwise(route):
            after[left].append(right)
            before[right].append(left)
    position = {place: float(row) for column in columns for row, place in enumerate(column)}

    def barycentre(place: Place, neighbours: Mapping[Place, list[Place]]) -> float:
        around = neighbours.get(place)
        return sum(position[other] for other in around) / len(around) if around else position[place]

    for sweep in range(SWEEPS):
        neighbours, pass_over = (before, columns) if sweep % 2 == 0 else (after, columns[::-1])
        for column in pass_over:
            means = {place: barycentre(place, neighbours) for place in column}
            column.sort(key=means.__getitem__)
            position.update((place, float(row)) for row, place in enumerate(column))


def _coordinates(
    columns: Sequence[Sequence[Place]], routes: Sequence[Sequence[Place]], sizes: Mapping[str, Size]
) -> tuple[dict[Place, Point], dict[Place, float]]:
    """The centre of every place, and the x of the vertical track behind each that a line leaves."""
    leaving = {place for route in routes for place in route[:-1]}
    centres: dict[Place, Point] = {}
    tracks: dict[Place, float] = {}
    left = 0.0
    for column in columns:
        boxes = [sizes[place] if isinstance(place, str) else (0.0, PASSAGE) for place in column]
        width = max(box[0] for box in boxes)
        y = -(sum(box[1] for box in boxes) + ROW_GAP * (len(column) - 1)) / 2
        for place, box in zip(column, boxes, strict=True):
            centres[place] = (left + width / 2, y + box[1] / 2)
            y += box[1] + ROW_GAP
        left += width + TRACK_GAP
        for place in reversed(column):
            if place in leaving:
                left += TRACK_GAP
                tracks[place] = left
        left += 2 * TRACK_GAP
    return centres, tracks


def _line(
    route: Sequence[Place],
    centres: Mapping[Place, Point],
    tracks: Mapping[Place, float],
    sizes: Mapping[str, Size],
) -> list[Point]:
    """From the right border of the first box to the left border of the last, in right angles."""
    parent, child = str(route[0]), str(route[-1])
    x, y = centres[parent]
    points = [(x + sizes[parent][0] / 2, y)]
    for left, right in pairwise(route):
        if centres[left][1] != centres[right][1]:
            points += [(tracks[left], centres[left][1]), (tracks[left], centres[right][1])]
    x, y = centres[child]
    return [*points, (x - sizes[child][0] / 2, y)]
