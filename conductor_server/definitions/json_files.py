"""JSON, with the place of every value."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable

from conductor_server.definitions.documents import Assembly, Document, Position
from conductor_server.model.definition import Place
from conductor_server.model.errors import DefinitionError

_BETWEEN = re.compile(r"[\s,:]*")
_LITERAL = re.compile(r"[^\s,\]}]+")


def parse(text: str, *, origin: str) -> Document:
    """The document in this text. Raises ``DefinitionError`` with its place if it is not JSON."""
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = Place(origin=origin, line=error.lineno, column=error.colno)
        raise DefinitionError(f"this is not JSON: {error.msg.lower()}", place=place) from error
    except RecursionError as error:
        raise DefinitionError(
            "this is not JSON that anybody wrote: too deep", place=Place(origin=origin)
        ) from error
    except ValueError as error:  # from _refuse_constant, or an integer of thousands of digits
        raise DefinitionError(f"this is not JSON: {error}", place=Place(origin=origin)) from error
    assembly = Assembly(origin)
    _read(text, _positions(text), assembly)
    return assembly.document()


def _read(text: str, position: Callable[[int], Position], assembly: Assembly) -> None:
    """The tokens of a text that is known to be JSON."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    while at < len(text):
        here = position(at)
        match text[at]:
            case "{" | "[" as bracket:
                assembly.begin({} if bracket == "{" else [], here)
                at += 1
            case "}" | "]":
                assembly.end()
                at += 1
            case '"':
                value, at = decoder.raw_decode(text, at)
                _check_unicode(value, assembly.place(here))
                if assembly.expects_key:
                    assembly.key(value, here)
                else:
                    assembly.add(value, here)
            case _:
                literal = _LITERAL.match(text, at)
                assert literal
                at = literal.end()
                assembly.add(json.loads(literal[0]), here)
        at = _skip(text, at)


def _check_unicode(text: str, place: Place) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:  # half of a \ud83d\ude00
            raise DefinitionError("this text is not Unicode: half of a character", place=place) from error


def _skip(text: str, at: int) -> int:
    between = _BETWEEN.match(text, at)
    assert between
    return between.end()


def _positions(text: str) -> Callable[[int], Position]:
    starts = [0, *(newline.end() for newline in re.finditer(r"\n", text))]

    def position(at: int) -> Position:
        line = bisect_right(starts, at)
        return line, at - starts[line - 1] + 1

    return position


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
