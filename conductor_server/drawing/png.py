"""The picture as PNG: the SVG through resvg."""

from __future__ import annotations

from importlib import resources

import resvg_py

from conductor_server.drawing import svg
from conductor_server.drawing.picture import Picture

ZOOM = 2.0
LARGEST_SIDE = 16_000
"""Pixels. A picture beyond is drawn smaller: 16,000 squared is a gigabyte of memory already."""


def render(picture: Picture, *, system_fonts: bool = True) -> bytes:
    """Twice the size of the SVG, for screens of today.

    resvg draws text without a font as nothing at all, and says nothing. So the letters are our own; a script
    that they lack (Greek, Chinese …) is taken from the system's fonts, if it has any.
    """
    drawing = svg.draw(picture)
    fonts = resources.files("conductor_server.drawing") / "fonts"
    with (
        resources.as_file(fonts / "ConductorSans.ttf") as regular,
        resources.as_file(fonts / "ConductorSans-Bold.ttf") as bold,
    ):
        return resvg_py.svg_to_bytes(
            svg_string=drawing.markup,
            zoom=min(ZOOM, LARGEST_SIDE / max(drawing.width, drawing.height)),
            skip_system_fonts=not system_fonts,
            font_files=[str(regular), str(bold)],
            style_sheet='svg.cg text { font-family: "Conductor Sans" }',
        )
