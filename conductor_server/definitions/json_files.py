"""JSON, with the place of every value."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

from conductor_server.definitions.documents import Document, Event, Kind, assemble
from conductor_server.model.definition import Json, Place
from conductor_server.model.errors import DefinitionError

_BETWEEN = re.compile(r"[\s,:]*")
_LITERAL = re.compile(r"[^\s,\]}]+")
_BRACKETS = {"{": Kind.MAPPING, "[": Kind.SEQUENCE, "}": Kind.END, "]": Kind.END}


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
    return assemble(_events(text, _places(text, origin)), origin=origin, scalar=_scalar)


def _events(text: str, place_of: Callable[[int], Place]) -> Iterator[Event]:
    """The tokens of a text that is known to be JSON."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    while at < len(text):
        place = place_of(at)
        if kind := _BRACKETS.get(text[at]):
            at += 1
            yield Event(kind=kind, place=place)
        elif text[at] == '"':
            value, at = decoder.raw_decode(text, at)
            yield Event(kind=Kind.SCALAR, place=place, text=value)
        else:
            literal = _LITERAL.match(text, at)
            assert literal
            at = literal.end()
            yield Event(kind=Kind.SCALAR, place=place, text=literal[0], plain=True)
        at = _skip(text, at)


def _scalar(event: Event) -> Json:
    if event.plain:
        value: Json = json.loads(event.text)
        return value
    if not event.text.isascii():
        try:
            event.text.encode()
        except UnicodeEncodeError as error:  # half of a \ud83d\ude00
            raise DefinitionError(
                "this text is not Unicode: half of a character", place=event.place
            ) from error
    return event.text


def _skip(text: str, at: int) -> int:
    between = _BETWEEN.match(text, at)
    assert between
    return between.end()


def _places(text: str, origin: str) -> Callable[[int], Place]:
    starts = [0, *(newline.end() for newline in re.finditer(r"\n", text))]

    def place_of(at: int) -> Place:
        line = bisect_right(starts, at)
        return Place(origin=origin, line=line, column=at - starts[line - 1] + 1)

    return place_of


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
