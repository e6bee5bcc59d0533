"""YAML, without its surprises: no aliases, no tags, and scalars that mean what YAML 1.2 says they mean.

``no``, ``on`` and ``1:30`` are text here. ``010``, which is ten to YAML 1.2 and eight to YAML 1.1, is
refused.
"""

from __future__ import annotations

import re

import yaml

from conductor_server.definitions.documents import Assembly, Document, Position
from conductor_server.model.definition import Json, Place
from conductor_server.model.errors import DefinitionError

_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMERIC = frozenset("+-.0123456789")
"""What a number begins with."""
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_BASED = re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")


def parse(text: str, *, origin: str) -> Document:
    """The document in this text. Raises ``DefinitionError`` with its place if it is not one YAML document."""
    assembly = Assembly(origin)
    try:
        _read(text, assembly)
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
    return assembly.document()


def _read(text: str, assembly: Assembly) -> None:
    documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        mark = event.start_mark
        assert mark
        at = (mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None:
            _read_scalar(event.value, at, assembly, plain=event.implicit[0])
        elif isinstance(event, yaml.CollectionEndEvent):
            assembly.end()
        elif isinstance(event, yaml.NodeEvent):
            _refuse_references(event, assembly.place(at))
            assembly.begin({} if isinstance(event, yaml.MappingStartEvent) else [], at)
        elif isinstance(event, yaml.DocumentStartEvent):
            if documents:
                raise DefinitionError(
                    "there is a second document in this file", place=assembly.place(at), remedy="split it"
                )
            documents = 1


def _read_scalar(text: str, at: Position, assembly: Assembly, *, plain: bool) -> None:
    if assembly.expects_key:
        assembly.key(text, at)
    elif not plain:
        assembly.add(text, at)
    elif _LEADING_ZERO.fullmatch(text):
        raise DefinitionError(
            f"{text} may mean one number or another",
            place=assembly.place(at),
            remedy=f'write {int(text)} for the number, "{text}" for the text',
        )
    else:
        assembly.add(_meaning(text), at)


def _refuse_references(event: yaml.NodeEvent, place: Place) -> None:
    """What makes one text stand for another."""
    if isinstance(event, yaml.AliasEvent):
        raise DefinitionError(
            f"aliases such as *{event.anchor} are not used here", place=place, remedy="write it out"
        )
    if event.anchor:
        raise DefinitionError(
            f"anchors such as &{event.anchor} are not used here",
            place=place,
            remedy="write what it stands for where it is used, or use `defaults`",
        )
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
        raise DefinitionError(
            f"tags such as {event.tag} are not used here", place=place, remedy="put text in quotes"
        )


def _meaning(text: str) -> Json:
    """What a bare scalar means in YAML 1.2's core schema; infinity and not-a-number stay text, as in JSON."""
    if not text or text[0] not in _NUMERIC:
        return _WORDS.get(text, text)
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, base=0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
