"""Where everything stands: boxes and lines, from left to right or from top to bottom.

graphlay does the work. It is young, so a plain layered layout stands behind it: when it fails, a picture is
less clever, and still right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias

from conductor_server.drawing import layers
from conductor_server.drawing.picture import Picture, forward

Point: TypeAlias = tuple[float, float]
Size: TypeAlias = tuple[float, float]

SPACING = {"layer_gap": 50, "node_gap": 26, "dummy_gap": 18, "port_gap": 12, "isolated_gap": 26}
PAGE = (1600.0, 1000.0)
TRY_BOTH = 200
"""Up to so many nodes both ways are tried; beyond, trying costs more than it gains."""
TOUCH = 0.5
"""Pixels by which a line may go into a box and nobody sees it."""


class Direction(StrEnum):
    """Which way the edges run, in graphlay's words."""

    RIGHT = "leftright"
    DOWN = "topbottom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle: its left upper corner and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boxes by key, and a polyline per edge of the picture, in the picture's order, from parent to child.

    The left upper corner of everything is at the origin.
    """

    width: float
    height: float
    boxes: Mapping[str, Box]
    lines: tuple[tuple[Point, ...], ...]


def arrange(picture: Picture, sizes: Mapping[str, Size]) -> Layout:
    """Places a picture whose nodes have these sizes, in the direction that fills a page better.

    Equal pictures make equal layouts.
    """
    if not picture.nodes:
        return Layout(width=0, height=0, boxes={}, lines=())
    directions = list(Direction) if len(picture.nodes) <= TRY_BOTH else [Direction.RIGHT]
    return max((_arrange(picture, sizes, direction) for direction in directions), key=_scale)


def is_clear(layout: Layout) -> bool:
    """No line runs through a box; a touch, as at its own ends, is none."""
    return not any(
        _crosses(start, end, box)
        for line in layout.lines
        for start, end in pairwise(line)
        for box in layout.boxes.values()
    )


def _crosses(start: Point, end: Point, box: Box) -> bool:
    return (
        max(start[0], end[0]) > box.x + TOUCH
        and min(start[0], end[0]) < box.x + box.width - TOUCH
        and max(start[1], end[1]) > box.y + TOUCH
        and min(start[1], end[1]) < box.y + box.height - TOUCH
    )


def _scale(layout: Layout) -> float:
    """How large the picture can be shown on a page."""
    return min(PAGE[0] / layout.width, PAGE[1] / layout.height)


def _arrange(picture: Picture, sizes: Mapping[str, Size], direction: Direction) -> Layout:
    try:
        return _graphlay(picture, sizes, direction)
    except (ImportError, ValueError, ArithmeticError):
        return _plain(picture, sizes, direction)


def _graphlay(picture: Picture, sizes: Mapping[str, Size], direction: Direction) -> Layout:
    """Raises ``ValueError`` for a graph that graphlay refuses, or that it draws with a line through a box.

    The latter is rare: about one in five hundred random graphs.
    """
    import graphlay

    graph = graphlay.Graph()
    for node in picture.nodes:
        width, height = sizes[node.key]
        graph.node(node.key, width=width, height=height)
    for edge in picture.edges:
        graph.edge(edge.parent, edge.child)
    options = {"direction": direction.value, "spacing": SPACING, "routing": {"style": "orthogonal"}}
    drawn = graphlay.layout(graph, preset="layered", options=options)
    centres = drawn.positions()
    layout = _at_origin(
        {key: _around(centres[key], sizes[key]) for key in sizes},
        [_squared([(point["x"], point["y"]) for point in edge["points"]]) for edge in drawn.edges],
    )
    if len(picture.nodes) <= TRY_BOTH and not is_clear(layout):
        raise ValueError("a line runs through a box")
    return layout


def _squared(line: list[Point]) -> list[Point]:
    """The line in right angles only: graphlay leaves some segments slanted by up to three pixels."""
    squared = line[:1]
    for (x, y), (to_x, to_y) in pairwise(line):
        if x != to_x and y != to_y:
            if abs(x - to_x) > abs(y - to_y):
                squared += [((x + to_x) / 2, y), ((x + to_x) / 2, to_y)]
            else:
                squared += [(x, (y + to_y) / 2), (to_x, (y + to_y) / 2)]
        squared.append((to_x, to_y))
    return squared


def _plain(picture: Picture, sizes: Mapping[str, Size], direction: Direction) -> Layout:
    """Layers by longest path, ordered by barycentre, lines in tracks between them."""
    order, _ = forward(picture)
    links = [(edge.parent, edge.child) for edge in picture.edges]
    down = direction is Direction.DOWN
    # Downwards is rightwards with the axes exchanged.
    centres, lines = layers.arrange(order, links, {k: s[::-1] for k, s in sizes.items()} if down else sizes)
    if down:
        centres = {key: (y, x) for key, (x, y) in centres.items()}
        lines = [[(y, x) for x, y in line] for line in lines]
    return _at_origin({key: _around(centre, sizes[key]) for key, centre in centres.items()}, lines)


def _around(centre: Point, size: Size) -> Box:
    return Box(x=centre[0] - size[0] / 2, y=centre[1] - size[1] / 2, width=size[0], height=size[1])


def _at_origin(boxes: Mapping[str, Box], lines: list[list[Point]]) -> Layout:
    points = [point for line in lines for point in line]
    left = min([box.x for box in boxes.values()] + [x for x, _ in points])
    top = min([box.y for box in boxes.values()] + [y for _, y in points])
    right = max([box.x + box.width for box in boxes.values()] + [x for x, _ in points])
    bottom = max([box.y + box.height for box in boxes.values()] + [y for _, y in points])
    return Layout(
        width=right - left,
        height=bottom - top,
        boxes={
            key: Box(x=box.x - left, y=box.y - top, width=box.width, height=box.height)
            for key, box in boxes.items()
        },
        lines=tuple(tuple((x - left, y - top) for x, y in line) for line in lines),
    )
