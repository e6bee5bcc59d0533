"""A parsed file: plain values, and where each of them stands.

Parsers hand over a stream of events, so that neither the size nor the depth of what somebody wrote can hurt
us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from conductor_server.model.definition import Json, Place
from conductor_server.model.errors import DefinitionError, DuplicateNameError

MAX_BYTES = 1 << 20
MAX_NODES = 50_000
MAX_DEPTH = 32

Trail: TypeAlias = tuple[str | int, ...]
"""The way from the root of a document to one of its values: keys and indexes."""


class Kind(Enum):
    MAPPING = auto()
    SEQUENCE = auto()
    SCALAR = auto()
    END = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a parser met. ``text`` is a scalar as it is written; ``plain`` says that it was not quoted."""

    kind: Kind
    place: Place
    text: str = ""
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """``value`` is what the file says; ``errors`` what is wrong with it even so (keys that stand twice)."""

    origin: str
    value: Json
    places: Mapping[Trail, Place]
    key_places: Mapping[Trail, Place]
    errors: tuple[DefinitionError, ...] = ()

    def place(self, trail: Trail) -> Place:
        """Where the value at the trail stands, or as much of the trail as there is.

        Steps that the document does not have are passed over: schemas put names of their own between ours.
        """
        return self.places[self._trace(trail)]

    def key_place(self, trail: Trail) -> Place:
        """Where the last key of the trail stands, or its value if that has none."""
        traced = self._trace(trail)
        return self.key_places.get(traced, self.places[traced])

    def key(self, trail: Trail) -> str:
        """The last key of the trail; an element of a list goes by the name of the list."""
        return next((step for step in reversed(self._trace(trail)) if isinstance(step, str)), "")

    def _trace(self, trail: Trail) -> Trail:
        traced: Trail = ()
        for step in trail:
            if (further := (*traced, step)) in self.places:
                traced = further
        return traced


@dataclass(slots=True, kw_only=True)
class _Open:
    """A container that is being filled; ``key`` waits for its value."""

    trail: Trail
    container: dict[str, Json] | list[Json]
    key: str | None = None


def assemble(events: Iterable[Event], *, origin: str, scalar: Callable[[Event], Json]) -> Document:
    """The document that the events describe. Keys are text, whatever they look like.

    Raises ``DefinitionError`` where a limit is passed, or where ``scalar`` does.
    """
    places: dict[Trail, Place] = {}
    key_places: dict[Trail, Place] = {}
    errors: list[DefinitionError] = []
    stack: list[_Open] = []
    root: Json = None
    for number, event in enumerate(events):
        if number >= 2 * MAX_NODES or len(places) > MAX_NODES:
            raise _too_big(event.place, f"more than {MAX_NODES} values", "split the file")
        if event.kind is Kind.END:
            stack.pop()
            continue
        top = stack[-1] if stack else None
        if top and isinstance(top.container, dict) and top.key is None:
            if event.kind is not Kind.SCALAR:
                raise DefinitionError("a key must be text", place=event.place, remedy="write key: value")
            top.key = event.text
            trail = (*top.trail, event.text)
            if first := key_places.get(trail):
                message = f"the key `{event.text}` stands twice, first at {first}"
                errors.append(DuplicateNameError(message, place=event.place, remedy="keep one of them"))
            key_places[trail] = event.place
            continue
        value = _opened(event.kind) if event.kind is not Kind.SCALAR else scalar(event)
        trail = _put(value, top)
        places[trail] = event.place
        root = value if top is None else root
        if isinstance(value, dict | list):
            if len(stack) == MAX_DEPTH:
                raise _too_big(event.place, f"nested more than {MAX_DEPTH} deep", "flatten it")
            stack.append(_Open(trail=trail, container=value))
    return Document(
        origin=origin,
        value=root,
        places=places or {(): Place(origin=origin, line=1, column=1)},
        key_places=key_places,
        errors=tuple(errors),
    )


def check_size(size: int, *, origin: str) -> None:
    """Raise ``DefinitionError`` for a file of more bytes than anybody writes by hand."""
    if size > MAX_BYTES:
        raise _too_big(Place(origin=origin), f"{size} bytes, more than {MAX_BYTES}", "split the file")


def _opened(kind: Kind) -> dict[str, Json] | list[Json]:
    return {} if kind is Kind.MAPPING else []


def _put(value: Json, into: _Open | None) -> Trail:
    """Put the value where it belongs, and say where that is."""
    if into is None:
        return ()
    if isinstance(into.container, list):
        into.container.append(value)
        return (*into.trail, len(into.container) - 1)
    assert into.key is not None
    into.container[into.key], key, into.key = value, into.key, None
    return (*into.trail, key)


def _too_big(place: Place, what: str, remedy: str) -> DefinitionError:
    return DefinitionError(f"this file is too big: {what}", place=place, remedy=remedy)
