"""Layouts of any graph: no boxes over boxes, no lines through boxes, right angles only."""

from __future__ import annotations

from contextlib import suppress
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings

from conductor_server.drawing import layout
from conductor_server.drawing.layout import Box, Direction, Layout, arrange, is_clear
from conductor_server.drawing.picture import Edge, Node, Picture, picture_of, with_tables
from tests.drawing.pictures import graphs, shop

ENGINES = [
    pytest.param(layout._graphlay, id="graphlay"),
    pytest.param(layout._plain, id="plain"),
]


@given(picture=graphs())
@settings(max_examples=60, deadline=None)
def test_any_graph_is_readable(picture: Picture) -> None:
    _assert_readable(picture, arrange(picture, _sizes(picture)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("direction", list(Direction))
@given(picture=graphs())
@settings(max_examples=60, deadline=None)
def test_any_graph_by_each_engine(engine: object, direction: Direction, picture: Picture) -> None:
    assert callable(engine)
    # graphlay refuses what it cannot draw clearly; ``arrange`` then takes the other.
    with suppress(ValueError):
        _assert_readable(picture, engine(picture, _sizes(picture), direction))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("direction", list(Direction))
def test_boxes_of_different_sizes(engine: object, direction: Direction) -> None:
    assert callable(engine)
    picture = with_tables(shop())
    _assert_readable(picture, engine(picture, _sizes(picture), direction))


def test_a_circle_is_drawn_all_the_same() -> None:
    nodes = [Node(key=key, label=key) for key in "abc"]
    edges = [
        Edge(parent="a", child="b"),
        Edge(parent="b", child="c"),
        Edge(parent="c", child="a", loose=True),
    ]
    picture = picture_of(nodes, edges)

    for engine in (layout._graphlay, layout._plain):
        drawn = engine(picture, _sizes(picture), Direction.RIGHT)
        assert len(drawn.lines) == 3
        assert drawn.boxes["a"].x < drawn.boxes["b"].x < drawn.boxes["c"].x


def test_the_plain_layout_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    import graphlay

    def refuse(*args: object, **kwargs: object) -> None:
        raise graphlay.GraphlayError("no")

    expected = max((layout._plain(shop(), _sizes(shop()), each) for each in Direction), key=layout._scale)
    monkeypatch.setattr(graphlay, "layout", refuse)

    assert arrange(shop(), _sizes(shop())) == expected


def test_a_deep_chain_needs_no_recursion() -> None:
    keys = [f"n{number:05}" for number in range(5_000)]
    picture = picture_of(
        (Node(key=key, label=key) for key in keys),
        (Edge(parent=parent, child=child) for parent, child in pairwise(keys)),
    )

    drawn = layout._plain(picture, _sizes(picture), Direction.RIGHT)

    assert [drawn.boxes[key].x for key in keys] == sorted(box.x for box in drawn.boxes.values())


def _sizes(picture: Picture) -> dict[str, tuple[float, float]]:
    return {node.key: (120.0, 50.0) if node.is_definition else (90.0, 30.0) for node in picture.nodes}


def _assert_readable(picture: Picture, drawn: Layout) -> None:
    assert drawn.boxes.keys() == {node.key for node in picture.nodes}
    for one, other in combinations(drawn.boxes.values(), 2):
        assert not _overlap(one, other)
    assert is_clear(drawn)
    for edge, line in zip(picture.edges, drawn.lines, strict=True):
        assert _on_border(line[0], drawn.boxes[edge.parent])
        assert _on_border(line[-1], drawn.boxes[edge.child])
        for start, end in pairwise(line):
            assert start[0] == end[0] or start[1] == end[1]


def _overlap(one: Box, other: Box) -> bool:
    """More than a touch."""
    slack = 0.01
    return (
        one.x + one.width > other.x + slack
        and other.x + other.width > one.x + slack
        and one.y + one.height > other.y + slack
        and other.y + other.height > one.y + slack
    )


def _on_border(point: tuple[float, float], box: Box) -> bool:
    x, y = point
    inside = box.x - 0.01 <= x <= box.x + box.width + 0.01 and box.y - 0.01 <= y <= box.y + box.height + 0.01
    near = (abs(x - box.x), abs(x - box.x - box.width), abs(y - box.y), abs(y - box.y - box.height))
    return inside and min(near) < 0.01
