"""YAML, without its surprises: no aliases, no tags, and scalars that mean what YAML 1.2 says they mean.

``no``, ``on`` and ``1:30`` are text here. ``010``, which is ten to YAML 1.2 and eight to YAML 1.1, is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from conductor_server.definitions.documents import Document, Event, Kind, assemble
from conductor_server.model.definition import Json, Place
from conductor_server.model.errors import DefinitionError

_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_BASED = re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")


def parse(text: str, *, origin: str) -> Document:
    """The document in this text. Raises ``DefinitionError`` with its place if it is not one YAML document."""
    try:
        return assemble(_events(text, origin), origin=origin, scalar=_scalar)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (
            Place(origin=origin, line=mark.line + 1, column=mark.column + 1) if mark else Place(origin=origin)
        )
        context = f" {error.context}" if error.context else ""
        raise DefinitionError(f"this is not YAML: {error.problem}{context}", place=place) from error
    except yaml.YAMLError as error:  # a character that YAML forbids
        message = str(error).splitlines()[0].lower()
        raise DefinitionError(f"this is not YAML: {message}", place=Place(origin=origin)) from error


def _events(text: str, origin: str) -> Iterator[Event]:
    documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        mark = event.start_mark
        assert mark
        place = Place(origin=origin, line=mark.line + 1, column=mark.column + 1)
        match event:
            case yaml.ScalarEvent(anchor=None, tag=None):
                yield Event(kind=Kind.SCALAR, place=place, text=event.value, plain=event.implicit[0])
            case yaml.AliasEvent():
                raise DefinitionError(
                    f"aliases such as *{event.anchor} are not used here", place=place, remedy="write it out"
                )
            case yaml.NodeEvent() if event.anchor:
                raise DefinitionError(
                    f"anchors such as &{event.anchor} are not used here",
                    place=place,
                    remedy="write what it stands for where it is used, or use `defaults`",
                )
            case yaml.ScalarEvent() | yaml.CollectionStartEvent() if event.tag:
                raise DefinitionError(
                    f"tags such as {event.tag} are not used here", place=place, remedy="put text in quotes"
                )
            case yaml.DocumentStartEvent() if documents:
                raise DefinitionError(
                    "there is a second document in this file", place=place, remedy="split it"
                )
            case yaml.DocumentStartEvent():
                documents = 1
            case yaml.MappingStartEvent():
                yield Event(kind=Kind.MAPPING, place=place)
            case yaml.SequenceStartEvent():
                yield Event(kind=Kind.SEQUENCE, place=place)
            case yaml.CollectionEndEvent():
                yield Event(kind=Kind.END, place=place)


def _scalar(event: Event) -> Json:
    """What a scalar means in YAML 1.2's core schema; infinity and not-a-number stay text, as in JSON."""
    text = event.text
    if not event.plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _LEADING_ZERO.fullmatch(text):
        raise DefinitionError(
            f"{text} may mean one number or another",
            place=event.place,
            remedy=f'write {int(text)} for the number, "{text}" for the text',
        )
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, base=0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
