"""Every format of a picture, by name: what the command line offers and the dashboard downloads."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath
from typing import assert_never

from conductor_server.drawing.picture import Picture


class Format(StrEnum):
    """A format, by the word for it, which is a file's suffix as well."""

    TEXT = "text"
    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"
    GRAPHML = "graphml"
    SVG = "svg"
    PNG = "png"
    HTML = "html"


SUFFIXES = {
    **{format.value: format for format in Format},
    "txt": Format.TEXT,
    "gv": Format.DOT,
    "mmd": Format.MERMAID,
    "htm": Format.HTML,
}


def guess(path: str) -> Format | None:
    """The format that a file's name asks for."""
    return SUFFIXES.get(PurePath(path).suffix.removeprefix(".").lower())


def render(picture: Picture, format: Format) -> bytes:
    """The picture as the content of a file. Renderers are imported when asked for: some are not small."""
    from conductor_server.drawing import data, html, markup, svg, text

    match format:
        case Format.TEXT:
            return text.render(picture).encode()
        case Format.DOT:
            return markup.dot(picture).encode()
        case Format.MERMAID:
            return markup.mermaid(picture).encode()
        case Format.JSON:
            return data.as_json(picture).encode()
        case Format.GRAPHML:
            return data.as_graphml(picture).encode()
        case Format.SVG:
            return svg.render(picture).encode()
        case Format.PNG:
            from conductor_server.drawing import png

            return png.render(picture)
        case Format.HTML:
            return html.render(picture).encode()
        case _:
            assert_never(format)
