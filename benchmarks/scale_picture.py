"""The picture of scale.md: runs per second by the number of servers, and latency by load."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.frame import number

WIDTH, HEIGHT, LEFT, TOP = 330, 220, 52, 34
BLUE, GREEN, RED, GREY = "#2f6f9f", "#5b8c5a", "#c0392b", "#555"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the model says, or with ``dots`` what was measured."""

    title: str
    colour: str
    points: Sequence[Point]
    dots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    across: str
    lines: Sequence[Line]
    ticks: Sequence[float]
    tick: Callable[[float], str] = number

    def draw(self, offset: float) -> Iterable[str]:
        """Both axes begin at nothing."""
        right = max(x for line in self.lines for x, _ in line.points)
        highest = max(y for line in self.lines for _, y in line.points)

        def at(point: Point) -> Point:
            x, y = point
            return offset + LEFT + WIDTH * x / right, TOP + HEIGHT * (1 - y / highest / 1.05)

        x0, y0 = at((0, 0))
        middle = x0 + WIDTH / 2
        yield f'<text x="{offset + LEFT}" y="16" fill="#222" font-weight="bold">{self.title}</text>'
        yield f'<path d="M{x0:.1f} {TOP}V{y0:.1f}H{x0 + WIDTH:.1f}" stroke="#999" fill="none"/>'
        for value in (highest / 4, highest / 2, highest * 3 / 4, highest):
            _, y = at((0, value))
            yield f'<path d="M{x0:.1f} {y:.1f}h{WIDTH}" stroke="#eee"/>'
            yield _text(x0 - 5, y + 4, "end", number(value))
        for x in self.ticks:
            yield _text(at((x, 0))[0], y0 + 15, "middle", self.tick(x))
        yield _text(middle, y0 + 32, "middle", self.across)
        for place, line in enumerate(self.lines):
            yield from self._line(line, [at(point) for point in line.points])
            y = y0 + 52 + 16 * place
            yield f'<circle cx="{x0 + 5:.1f}" cy="{y - 4:.1f}" r="4" fill="{line.colour}"/>'
            yield f'<text x="{x0 + 15:.1f}" y="{y:.1f}" fill="#222">{line.title}</text>'

    def _line(self, line: Line, points: Sequence[Point]) -> Iterable[str]:
        if line.dots:
            for x, y in points:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{line.colour}"/>'
        else:
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            yield f'<path d="M{path}" stroke="{line.colour}" stroke-width="2" fill="none"/>'


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{GREY}">{text}</text>'


def picture(panels: Sequence[Panel]) -> str:
    """An SVG of the panels side by side."""
    wide = WIDTH + LEFT + 30
    height = TOP + HEIGHT + 60 + 16 * max(len(panel.lines) for panel in panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide * len(panels)} {height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for place, panel in enumerate(panels):
        parts += panel.draw(place * wide)
    return "\n".join([*parts, "</svg>", ""])
