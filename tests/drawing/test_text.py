"""The terminal's drawing says exactly what the graph says: its lines are followed back to the edges."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings

from conductor_server.drawing import text
from conductor_server.drawing.picture import Edge, Node, Picture, picture_of, with_tables
from tests.drawing.pictures import graphs, shop

SYMBOLS = "●○□◇"
JOINS = "├┤┼╰╯┴"
LEADS_DOWN = "│├┤┼"


@given(graphs(largest=20))
@settings(max_examples=200, deadline=None)
def test_lines_are_the_edges(picture: Picture) -> None:
    drawn = text.render(picture)

    assert _edges_of(drawn) == {(edge.parent, edge.child) for edge in picture.edges}


def test_tables_stand_between() -> None:
    picture = with_tables(shop())
    labels = {node.key: node.label for node in picture.nodes}

    shown = {(text._label(_named(picture, p)), text._label(_named(picture, c))) for p, c in _pairs(picture)}

    assert labels.keys() == {node.key for node in picture.nodes}
    assert _edges_of(text.render(picture)) == shown


def test_what_is_not_drawn_is_said() -> None:
    drawn = text.render(shop())

    assert "load_rates" in drawn
    assert "also reads from forecast" in next(line for line in drawn.splitlines() if "load_rates" in line)


def test_a_deep_chain_is_one_lane() -> None:
    keys = [f"n{number:04}" for number in range(2_000)]
    edges = [Edge(parent=a, child=b) for a, b in pairwise(keys)]
    drawn = text.render(picture_of((Node(key=key, label=key) for key in keys), edges))

    assert {line[0] for line in drawn.splitlines() if line.strip()} == {"●", "│", "2"}


def _named(picture: Picture, key: str) -> Node:
    return next(node for node in picture.nodes if node.key == key)


def _pairs(picture: Picture) -> set[tuple[str, str]]:
    return {(edge.parent, edge.child) for edge in picture.edges}


def _edges_of(drawn: str) -> set[tuple[str, str]]:
    """The edges, as an eye would find them: from each symbol along the lines that arrive, up to where they begin."""
    grid = drawn.split("\n\n")[0].splitlines()
    width = max(map(len, grid))
    grid = [line.ljust(width) for line in grid]
    symbols = {}
    for row, line in enumerate(grid):
        if column := [index for index, letter in enumerate(line) if letter in SYMBOLS]:
            symbols[row, column[0]] = line[column[0] + 1 :].lstrip(" │─" + JOINS).split("  ")[0]
    return {
        (symbols[_origin(grid, row, joined)], child)
        for (row, column), child in symbols.items()
        for joined in _joined(grid, row, column)
    }


def _joined(grid: list[str], row: int, column: int) -> list[int]:
    line = grid[row]
    found = [column] if row and grid[row - 1][column] in LEADS_DOWN else []
    for step in (2, -2):
        at = column
        while 0 <= at + step < len(line) and line[at + step // 2] == "─":
            at += step
            if line[at] in JOINS:
                found.append(at)
    return found


def _origin(grid: list[str], row: int, column: int) -> tuple[int, int]:
    row -= 1
    while grid[row][column] not in SYMBOLS:
        assert grid[row][column] in LEADS_DOWN
        row -= 1
    return row, column
