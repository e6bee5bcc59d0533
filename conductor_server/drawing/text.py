"""The picture for a terminal: one line a node, parents above children, and beside them what joins them.

A lane leads downwards from each node to all of its children. Where a line only passes below a lane, the lane
stays whole: ``─│─``; where it meets one there is a corner or a cross.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from conductor_server.drawing import letters, palette
from conductor_server.drawing.picture import Edge, Node, NodeKind, Picture, forward
from conductor_server.model.states import Condition

SYMBOLS = {NodeKind.DEFINITION: "●", NodeKind.TABLE: "□", NodeKind.EXTERNAL_TABLE: "◇"}
PAUSED = "○"
LONGEST_LABEL = 44

Lanes: TypeAlias = Sequence["str | None"]  # whose children a lane leads to; None where it is free

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
GLYPHS = {
    UP | RIGHT: "╰",
    UP | LEFT: "╯",
    UP | LEFT | RIGHT: "┴",
    UP | DOWN | RIGHT: "├",
    UP | DOWN | LEFT: "┤",
    UP | DOWN | LEFT | RIGHT: "┼",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A node, and the lines left of it: ``lines[column]`` is the node's own symbol.

    ``above`` are the lines between the row before and this one, where its symbol stands right below its parent's:
    only there would nothing show that the two are joined.
    """

    node: Node
    lines: str
    column: int
    above: str | None


def render(picture: Picture, *, width: int | None = None, colour: bool = False) -> str:
    """The whole drawing, ending in a line that sums it up. Lines are cut at ``width`` letters."""
    rows = _rows(picture)
    remarks = _remarks(picture)
    gutter = max((len(row.lines) for row in rows), default=0)
    label = max((len(_label(row.node)) for row in rows), default=0)
    detail = max((len(letters.printable(row.node.detail)) for row in rows), default=0)
    paint = _Paint(enabled=colour)
    drawn = []
    for row in rows:
        if row.above is not None:
            drawn.append(paint.line([(row.above, palette.DIM)], width))
        parts = [
            *_symbol_parts(row, gutter + 2),
            *_padded(_label(row.node), label + 2, "1" if row.node.is_definition else ""),
            *_padded(letters.printable(row.node.detail), detail, palette.DIM),
            *_slot_parts(row.node.slots),
            *((f"  {remark}", palette.DIM) for remark in remarks.get(row.node.key, ())),
        ]
        drawn.append(paint.line(parts, width))
    return "\n".join([*drawn, "", paint.line([(_footer(picture), palette.DIM)], width)]) + "\n"


def _rows(picture: Picture) -> list[Row]:
    nodes = {node.key: node for node in picture.nodes}
    edges = _drawn(picture)
    parents: dict[str, set[str]] = defaultdict(set)
    waiting: dict[str, set[str]] = defaultdict(set)  # children of a node that are still to be drawn
    for edge in edges:
        parents[edge.child].add(edge.parent)
        waiting[edge.parent].add(edge.child)
    lanes: list[str | None] = []
    rows: list[Row] = []
    end = -1  # the column of a childless symbol in the row above: right below it, a symbol would seem joined
    for key in _order(nodes, edges):
        for parent in parents[key]:
            waiting[parent].discard(key)
        joined = [index for index, lane in enumerate(lanes) if lane in parents[key]]
        below = [None if lane in parents[key] and not waiting[lane] else lane for lane in lanes]
        column = _column(joined, lanes, below, end)
        straight_below = bool(rows) and rows[-1].column == 2 * column
        row = Row(
            node=nodes[key],
            lines=_lines(nodes[key], column, joined, lanes, below),
            column=2 * column,
            above=_only_lanes(lanes) if straight_below else None,
        )
        rows.append(row)
        below += [None] * (column + 1 - len(below))
        below[column] = key if waiting[key] else None
        end = -1 if waiting[key] else column
        while below and below[-1] is None:
            below.pop()
        lanes = below
    return rows


def _drawn(picture: Picture) -> list[Edge]:
    """The edges that lines are drawn for; the others are remarks."""
    _, edges = forward(picture)
    return [edge for edge in edges if not edge.loose]


def _order(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> list[str]:
    """Parents first, and each node as soon after its last parent as can be: lanes stay short."""
    children: dict[str, list[str]] = defaultdict(list)
    missing = dict.fromkeys(nodes, 0)
    for edge in edges:
        children[edge.parent].append(edge.child)
        missing[edge.child] += 1

    def last_goes_first(keys: list[str]) -> list[str]:
        return sorted(keys, key=lambda key: (len(children[key]), key), reverse=True)

    stack = sorted((key for key, count in missing.items() if not count), reverse=True)
    order = []
    while stack:
        key = stack.pop()
        order.append(key)
        for child in children[key]:
            missing[child] -= 1
        stack += last_goes_first([child for child in children[key] if not missing[child]])
    assert len(order) == len(nodes), "forward() has left a circle"
    return order


def _column(joined: Sequence[int], lanes: Lanes, below: Lanes, end: int) -> int:
    """Straight below a parent whose last child this is, else the first free lane right of the parents."""
    ending = [index for index in joined if below[index] is None]
    if ending:
        return ending[0]
    column = joined[0] if joined else 0
    while column == end or (column < len(lanes) and lanes[column] is not None):
        column += 1
    return column


def _lines(node: Node, column: int, joined: Sequence[int], lanes: Lanes, below: Lanes) -> str:
    """The node's symbol in its column, joined to its parents' lanes; the other lanes go on."""
    left, right = min([*joined, column]), max([*joined, column])
    cells = []
    for index in range(max(len(lanes), column + 1)):
        lane = lanes[index] if index < len(lanes) else None
        if index == column:
            cells.append(SYMBOLS[node.kind] if node.active else PAUSED)
        elif index in joined:
            sides = (LEFT if index > left else 0) | (RIGHT if index < right else 0)
            cells.append(GLYPHS[UP | sides | (DOWN if below[index] else 0)])
        elif lane is not None:
            cells.append("│")
        else:
            cells.append("─" if left < index < right else " ")
        cells.append("─" if left <= index < right else " ")
    return "".join(cells).rstrip()


def _only_lanes(lanes: Lanes) -> str:
    return "".join("│ " if lane is not None else "  " for lane in lanes).rstrip()


def _remarks(picture: Picture) -> dict[str, list[str]]:
    """What is said in words, as no line is drawn for it."""
    drawn = set(_drawn(picture))
    labels = {node.key: letters.printable(node.label) for node in picture.nodes}
    remarks: dict[str, list[str]] = defaultdict(list)
    for edge in picture.edges:
        if edge not in drawn:
            remarks[edge.child].append(f"also reads from {labels[edge.parent]}")
    return remarks


def _label(node: Node) -> str:
    return letters.clip(letters.printable(node.label), LONGEST_LABEL)


def _padded(text: str, width: int, style: str) -> list[tuple[str, str]]:
    return [(text, style), (" " * (width - len(text)), "")]


def _symbol_parts(row: Row, gutter: int) -> list[tuple[str, str]]:
    counts = palette.by_urgency(row.node.slots)
    style = palette.TERMINAL.get(counts[0][0], palette.DIM) if counts else ""
    lines = row.lines.ljust(gutter)
    return [
        (lines[: row.column], palette.DIM),
        (lines[row.column], style),
        (lines[row.column + 1 :], palette.DIM),
    ]


def _slot_parts(slots: Mapping[Condition, int]) -> list[tuple[str, str]]:
    return [
        part
        for condition, count in palette.by_urgency(slots)
        for part in (
            ("  ", ""),
            (f"{count} {palette.words(condition)}", palette.TERMINAL.get(condition, palette.DIM)),
        )
    ]


def _footer(picture: Picture) -> str:
    external = ", ".join(map(letters.printable, picture.external_tables))
    return picture.summary + (f" · written by nobody here: {external}" if external else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paint:
    """Puts styled parts together. A style is an SGR code, or empty."""

    enabled: bool

    def line(self, parts: Sequence[tuple[str, str]], width: int | None) -> str:
        painted, room = [], width
        for text, style in parts:
            shown = text if room is None else letters.clip(text, room)
            room = None if room is None else room - len(shown)
            painted.append(
                f"\x1b[{style}m{shown}\x1b[0m" if self.enabled and style and shown.strip() else shown
            )
            if len(shown) < len(text):
                break
        return "".join(painted).rstrip()
