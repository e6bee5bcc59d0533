"""A parsed file: plain values, and where each of them stands.

Parsers tell an ``Assembly`` what they meet, one thing after another, so that neither the size nor the depth of what
somebody wrote can hurt us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from conductor_server.model.definition import Json, Place
from conductor_server.model.errors import DefinitionError, DuplicateNameError

MAX_BYTES = 1 << 20
MAX_NODES = 50_000
MAX_DEPTH = 32

Trail: TypeAlias = tuple[str | int, ...]
"""The way from the root of a document to one of its values: keys and indexes."""

Position: TypeAlias = tuple[int, int]
"""Line and column, from 1."""

Container: TypeAlias = dict[str, Json] | list[Json]


class Marks(NamedTuple):
    """Where a mapping or a list begins, and all that is in it: of a mapping its keys, too."""

    begin: Position
    values: Mapping[str, Position | Marks] | Sequence[Position | Marks]
    keys: Mapping[str, Position]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """``value`` is what the file says; ``errors`` what is wrong with it even so (keys that stand twice)."""

    origin: str
    value: Json
    marks: Position | Marks
    errors: tuple[DefinitionError, ...] = ()

    def place(self, trail: Trail) -> Place:
        """Where the value at the trail stands, or as much of the trail as there is.

        Steps that the document does not have are passed over: schemas put names of their own between ours.
        """
        marks = self.marks
        for step in trail:
            marks = _below(marks, step) or marks
        return self._at(marks.begin if isinstance(marks, Marks) else marks)

    def key_place(self, trail: Trail) -> Place:
        """Where the last key of the trail stands, or its value if that has none."""
        marks, key = self.marks, None
        for step in trail:
            if further := _below(marks, step):
                key = marks.keys.get(step) if isinstance(marks, Marks) and isinstance(step, str) else None
                marks = further
        return self._at(key or (marks.begin if isinstance(marks, Marks) else marks))

    def key(self, trail: Trail) -> str:
        """The last key of the trail; an element of a list goes by the name of the list."""
        marks, last = self.marks, ""
        for step in trail:
            if further := _below(marks, step):
                marks, last = further, step if isinstance(step, str) else last
        return last

    def _at(self, position: Position) -> Place:
        return Place(origin=self.origin, line=position[0], column=position[1])


def _below(marks: Position | Marks, step: str | int) -> Position | Marks | None:
    """One step further, if the document has it."""
    if not isinstance(marks, Marks):
        return None
    if isinstance(marks.values, Mapping):
        return marks.values.get(step) if isinstance(step, str) else None
    return marks.values[step] if isinstance(step, int) and step < len(marks.values) else None


@dataclass(slots=True)
class _Open:
    """A container that is being filled; ``key`` waits for its value."""

    container: Container
    values: dict[str, Position | Marks] | list[Position | Marks]
    keys: dict[str, Position] = field(default_factory=dict)
    key: str | None = None


class Assembly:
    """A document that grows: containers begin and end, and what comes between goes into the innermost one.

    Keys are text, whatever they look like. Raises ``DefinitionError`` where a limit is passed.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._root: tuple[Json, Position | Marks] = (None, (1, 1))
        self._values = 0
        self._within: list[_Open] = []
        self.expects_key = False
        """Whether what comes next is the key of a mapping, and no value."""
        self._errors: list[DefinitionError] = []

    def document(self) -> Document:
        value, marks = self._root
        return Document(origin=self._origin, value=value, marks=marks, errors=tuple(self._errors))

    def place(self, at: Position) -> Place:
        return Place(origin=self._origin, line=at[0], column=at[1])

    def key(self, text: str, at: Position) -> None:
        top = self._within[-1]
        if first := top.keys.get(text):
            message = f"the key `{text}` stands twice, first at {self.place(first)}"
            self._errors.append(DuplicateNameError(message, place=self.place(at), remedy="keep one of them"))
        top.key, top.keys[text] = text, at
        self.expects_key = False

    def begin(self, container: Container, at: Position) -> None:
        """An empty one. Raises ``DefinitionError`` also where a key should be."""
        if self.expects_key:
            raise DefinitionError("a key must be text", place=self.place(at), remedy="write key: value")
        if len(self._within) == MAX_DEPTH:
            raise _too_big(self.place(at), f"nested more than {MAX_DEPTH} deep", "flatten it")
        opened = _Open(container, {} if isinstance(container, dict) else [])
        self.add(container, Marks(at, opened.values, opened.keys))
        self._within.append(opened)
        self.expects_key = isinstance(container, dict)

    def end(self) -> None:
        self._within.pop()
        self.expects_key = bool(self._within) and isinstance(self._within[-1].container, dict)

    def add(self, value: Json, marks: Position | Marks) -> None:
        """A value that is complete, with where it stands."""
        self._values += 1
        if self._values > MAX_NODES:
            at = marks.begin if isinstance(marks, Marks) else marks
            raise _too_big(self.place(at), f"more than {MAX_NODES} values", "split the file")
        if not self._within:
            self._root = (value, marks)
            return
        top = self._within[-1]
        if isinstance(top.container, list):
            assert isinstance(top.values, list)
            top.container.append(value)
            top.values.append(marks)
        else:
            assert isinstance(top.values, dict)
            assert top.key is not None
            top.container[top.key] = value
            top.values[top.key] = marks
            top.key, self.expects_key = None, True


def check_size(size: int, *, origin: str) -> None:
    """Raise ``DefinitionError`` for a file of more bytes than anybody writes by hand."""
    if size > MAX_BYTES:
        raise _too_big(Place(origin=origin), f"{size} bytes, more than {MAX_BYTES}", "split the file")


def _too_big(place: Place, what: str, remedy: str) -> DefinitionError:
    return DefinitionError(f"this file is too big: {what}", place=place, remedy=remedy)
