"""Letters: which of them may be shown as they are, and how wide they will be, without asking a font."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

ELLIPSIS = "…"
NARROW = frozenset("ijlft.,:;|!'()[]{} I·/\\-")
WIDE = frozenset("mwMW@%—")


def printable(text: str) -> str:
    """The text with whatever could steer a terminal, or turn what is read around, written as an escape."""
    return text if text.isprintable() else "".join(map(_visible, text))


def json_text(document: Any, *, indent: int | None = None) -> str:
    """The document as JSON. JSON may escape any letter, and this does so with those that are not printable."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    return "".join(
        letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text
    )


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels of a line of sans-serif text at that font size: an estimate that errs on the wide side."""
    return size * (1.09 if bold else 1.0) * sum(map(_em, text))


def fit(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """The text, ellipsised so that it fits into that many pixels."""
    if width(text, size, bold=bold) <= room:
        return text
    kept = text
    while kept and width(kept + ELLIPSIS, size, bold=bold) > room:
        kept = kept[:-1]
    return kept + ELLIPSIS


def clip(text: str, cells: int) -> str:
    """The text, ellipsised so that it fits into that many letters."""
    return text if len(text) <= cells else text[: max(0, cells - 1)] + ELLIPSIS


def _visible(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


def _em(letter: str) -> float:
    if letter in NARROW:
        return 0.38
    if letter in WIDE or unicodedata.east_asian_width(letter) in "WF":
        return 1.02
    return 0.72 if letter.isupper() else 0.64
