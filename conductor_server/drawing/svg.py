"""The picture as SVG: cards with a stripe in their source's colour, and lines in right angles between them.

One drawing for every background: the colours are classes, with a second set for readers who like it dark. The
file refers to nothing outside of it. What comes from data is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from conductor_server.drawing import letters, palette
from conductor_server.drawing.layout import Box, Layout, Point, Size, arrange
from conductor_server.drawing.picture import Edge, Node, NodeKind, Picture, total

MARGIN = 28.0
HEADER = 46.0
LEGEND_ROW = 23.0
CARD_WIDTH = (168.0, 256.0)
TABLE_WIDTH = (96.0, 260.0)
CARD_HEIGHT = 54.0
SLOTS_HEIGHT = 26.0
TABLE_HEIGHT = 30.0
INSET = 18.0
BEND = 7.0
CHIPS = 4

ARROW = (
    '<defs><marker id="cg-arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto">'
    '<path class="cg-head" d="M0 0.5 8 4 0 7.5 2 4Z"/></marker></defs>'
)
# A cylinder, as databases have been drawn for fifty years.
CYLINDER = (
    '<path class="cg-line" d="M14 10.5v9c0 1.4 2.2 2.5 5 2.5s5 -1.1 5 -2.5v-9'
    'M14 10.5c0 -1.4 2.2 -2.5 5 -2.5s5 1.1 5 2.5 -2.2 2.5 -5 2.5 -5 -1.1 -5 -2.5Z"/>'
)

FONTS = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"

STYLE = f"""
  .cg text {{ font-family: {FONTS}; }}
  .cg-paper {{ fill: #f8fafc; }}
  .cg-card {{ fill: #ffffff; stroke: #cbd5e1; }}
  .cg-table {{ fill: #f1f5f9; stroke: #cbd5e1; }}
  .cg-title {{ fill: #0f172a; font-size: 16px; font-weight: 700; }}
  .cg-label {{ fill: #0f172a; font-size: 13px; font-weight: 700; }}
  .cg-name {{ fill: #334155; font-size: 12px; }}
  .cg-detail {{ fill: #64748b; font-size: 11px; }}
  .cg-line {{ fill: none; stroke: #94a3b8; stroke-width: 1.5; }}
  .cg-head {{ fill: #94a3b8; }}
  .cg-dashed {{ stroke-dasharray: 5 4; }}
  @media (prefers-color-scheme: dark) {{
    .cg-paper {{ fill: #0f172a; }}
    .cg-card {{ fill: #1e293b; stroke: #475569; }}
    .cg-table {{ fill: #172033; stroke: #475569; }}
    .cg-title, .cg-label {{ fill: #f1f5f9; }}
    .cg-name {{ fill: #cbd5e1; }}
    .cg-detail {{ fill: #94a3b8; }}
    .cg-line {{ stroke: #64748b; }}
    .cg-head {{ fill: #64748b; }}
  }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A whole SVG document, and its size in pixels."""

    markup: str
    width: float
    height: float


def render(picture: Picture) -> str:
    """A whole SVG document."""
    return draw(picture).markup


def draw(picture: Picture) -> Drawing:
    """The same with its size, for those who have to make room for it."""
    layout = arrange(picture, _sizes(picture))
    width = max(layout.width, letters.width(picture.title, 16, bold=True), 360.0) + 2 * MARGIN
    legend, legend_height = _legend(picture, width - 2 * MARGIN)
    height = MARGIN + HEADER + layout.height + legend_height + MARGIN
    body = [
        _header(picture),
        _group("edges", MARGIN, MARGIN + HEADER, _edges(picture, layout)),
        _group("nodes", MARGIN, MARGIN + HEADER, _nodes(picture, layout)),
        _group("legend", MARGIN, MARGIN + HEADER + layout.height, legend),
    ]
    markup = "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="cg" role="img" width="{_n(width)}" '
            f'height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}">',
            f"<title>{_escape(picture.title or 'dependency graph')}</title>",
            f"<style>{STYLE}</style>",
            ARROW,
            f'<rect class="cg-paper" width="{_n(width)}" height="{_n(height)}" rx="12"/>',
            *body,
            "</svg>\n",
        ]
    )
    return Drawing(markup=markup, width=width, height=height)


def _sizes(picture: Picture) -> dict[str, Size]:
    """All cards have the width of the widest, up to a bound: columns of equal cards are calm to look at."""
    inner = [
        max(letters.width(node.label, 13, bold=True), letters.width(node.detail, 11))
        for node in picture.nodes
        if node.is_definition
    ]
    width = _within(CARD_WIDTH, max(inner, default=0) + INSET + 14)
    height = CARD_HEIGHT + (SLOTS_HEIGHT if picture.has_slots else 0)
    return {
        node.key: (width, height)
        if node.is_definition
        else (_within(TABLE_WIDTH, letters.width(node.label, 12) + 44), TABLE_HEIGHT)
        for node in picture.nodes
    }


def _header(picture: Picture) -> str:
    title = _escape(letters.fit(picture.title or "Dependency graph", 16, 1200, bold=True))
    return (
        f'<text class="cg-title" x="{_n(MARGIN)}" y="{_n(MARGIN + 10)}">{title}</text>'
        f'<text class="cg-detail" x="{_n(MARGIN)}" y="{_n(MARGIN + 27)}">{_escape(picture.summary)}</text>'
    )


def _nodes(picture: Picture, layout: Layout) -> list[str]:
    return [
        _card(node, layout.boxes[node.key], has_slots=picture.has_slots)
        if node.is_definition
        else _table(node, layout.boxes[node.key])
        for node in picture.nodes
    ]


def _card(node: Node, box: Box, *, has_slots: bool) -> str:
    room = box.width - INSET - 12
    dashed = "" if node.active else " cg-dashed"
    height, stripe = _n(box.height), palette.source_colour(node.source)
    parts = [
        f'<rect class="cg-card{dashed}" width="{_n(box.width)}" height="{height}" rx="9"/>',
        # The stripe has the card's round corners on its left and none on its right.
        f'<path fill="{stripe}" d="M9 0A9 9 0 0 0 0 9V{_n(box.height - 9)}A9 9 0 0 0 9 {height}H6V0Z"/>',
        _text("cg-label", INSET, 23, letters.fit(node.label, 13, room, bold=True)),
        _text("cg-detail", INSET, 41, letters.fit(node.detail, 11, room)),
    ]
    if has_slots:
        parts.append(_slots(node, y=60.0))
        parts.append(_bar(node, Box(x=INSET, y=box.height - 11, width=box.width - INSET - 14, height=4)))
    return _node(node, box, parts)


def _slots(node: Node, *, y: float) -> str:
    """A coloured dot and a number for each condition, what needs a person first."""
    counts = palette.by_urgency(node.slots)
    if not counts:
        return _text("cg-detail", INSET, y, "nothing due yet")
    parts, x = [], INSET
    for condition, count in counts[:CHIPS]:
        parts.append(
            f'<circle cx="{_n(x + 4)}" cy="{_n(y - 4)}" r="4" fill="{palette.CONDITIONS[condition]}"/>'
        )
        parts.append(_text("cg-detail", x + 12, y, str(count)))
        x += 24 + letters.width(str(count), 11)
    if len(counts) > CHIPS:
        parts.append(_text("cg-detail", x, y, f"+{sum(count for _, count in counts[CHIPS:])}"))
    return "".join(parts)


def _bar(node: Node, box: Box) -> str:
    """The shares of the conditions, below their numbers."""
    counts = palette.by_urgency(node.slots)
    share = box.width / max(1, sum(count for _, count in counts))
    parts, x = [], box.x
    for condition, count in counts:
        parts.append(
            f'<rect x="{_n(x)}" y="{_n(box.y)}" width="{_n(share * count)}" height="{_n(box.height)}" '
            f'fill="{palette.CONDITIONS[condition]}"/>'
        )
        x += share * count
    return "".join(parts)


def _table(node: Node, box: Box) -> str:
    dashed = " cg-dashed" if node.kind is NodeKind.EXTERNAL_TABLE else ""
    width, height, radius = _n(box.width), _n(box.height), _n(box.height / 2)
    parts = [
        f'<rect class="cg-table{dashed}" width="{width}" height="{height}" rx="{radius}"/>',
        CYLINDER,
        _text("cg-name", 31, 19.5, letters.fit(node.label, 12, box.width - 43)),
    ]
    return _node(node, box, parts)


def _node(node: Node, box: Box, parts: Sequence[str]) -> str:
    return "".join(
        [
            f'<g class="cg-node" data-key="{_escape(node.key)}" ',
            f'transform="translate({_n(box.x)} {_n(box.y)})">',
            f"<title>{_escape(_explanation(node))}</title>",
            *parts,
            "</g>",
        ]
    )


def _explanation(node: Node) -> str:
    lines = [node.label, node.detail, node.description]
    if node.kind is NodeKind.EXTERNAL_TABLE:
        lines.append("external: nobody here writes it")
    lines += ["reads " + ", ".join(node.reads)] if node.reads else []
    lines += ["writes " + ", ".join(node.writes)] if node.writes else []
    lines += [f"{count} {palette.words(condition)}" for condition, count in palette.by_urgency(node.slots)]
    return "\n".join(line for line in lines if line)


def _edges(picture: Picture, layout: Layout) -> list[str]:
    return [_edge(edge, line) for edge, line in zip(picture.edges, layout.lines, strict=True)]


def _edge(edge: Edge, line: Sequence[Point]) -> str:
    reason = f": {', '.join(edge.tables)}" if edge.tables else ""
    style = "cg-line cg-edge cg-dashed" if edge.loose else "cg-line cg-edge"
    return (
        f'<path class="{style}" data-parent="{_escape(edge.parent)}" data-child="{_escape(edge.child)}" '
        f'marker-end="url(#cg-arrow)" d="{_path(line)}">'
        f"<title>{_escape(f'{edge.parent} → {edge.child}{reason}')}</title></path>"
    )


def _path(line: Sequence[Point]) -> str:
    """The polyline with its corners rounded, as far as the segments have room for it."""
    parts = [f"M{_n(line[0][0])} {_n(line[0][1])}"]
    for before, corner, after in zip(line, line[1:], line[2:], strict=False):
        start, end = _towards(corner, before), _towards(corner, after)
        parts.append(
            f"L{_n(start[0])} {_n(start[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(end[0])} {_n(end[1])}"
        )
    parts.append(f"L{_n(line[-1][0])} {_n(line[-1][1])}")
    return "".join(parts)


def _towards(corner: Point, other: Point) -> Point:
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = (dx * dx + dy * dy) ** 0.5
    part = min(BEND, length / 2) / length if length else 0.0
    return corner[0] + dx * part, corner[1] + dy * part


def _legend(picture: Picture, width: float) -> tuple[list[str], float]:
    """What the colours mean, as far as they occur, in rows no wider than that; and the height of it all."""
    entries = [*_source_entries(picture.nodes), *_condition_entries(picture)]
    parts: list[str] = []
    x, y = 0.0, 1.7 * LEGEND_ROW
    for mark, word in entries:
        needed = 18 + letters.width(word, 11)
        if x and x + needed > width:
            x, y = 0.0, y + LEGEND_ROW
        parts.append(f'<g transform="translate({_n(x)} {_n(y)})">{mark}{_text("cg-detail", 16, 0, word)}</g>')
        x += needed + 20
    return parts, y if entries else 0.0


def _source_entries(nodes: Iterable[Node]) -> list[tuple[str, str]]:
    sources = sorted({node.source for node in nodes if node.is_definition and node.source})
    return [
        (f'<rect y="-9" width="10" height="10" rx="3" fill="{palette.source_colour(source)}"/>', source)
        for source in sources
    ]


def _condition_entries(picture: Picture) -> list[tuple[str, str]]:
    return [
        (f'<circle cx="5" cy="-4" r="4" fill="{palette.CONDITIONS[condition]}"/>', palette.words(condition))
        for condition, _ in palette.by_urgency(total(picture))
    ]


def _group(name: str, x: float, y: float, parts: Iterable[str]) -> str:
    return "\n".join([f'<g class="cg-{name}" transform="translate({_n(x)} {_n(y)})">', *parts, "</g>"])


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}">{_escape(text)}</text>'


def _escape(text: str) -> str:
    """For text and attributes. XML 1.0 has no place for control characters, escaped or not."""
    return escape("\n".join(map(letters.printable, text.split("\n"))))


def _within(bounds: tuple[float, float], value: float) -> float:
    return min(bounds[1], max(bounds[0], value))


def _n(value: float) -> str:
    """Two decimals at most: the same digits on every machine."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
