"""One definition of a document, with the defaults of its file: checked, and made into one of the model's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError

from conductor_server.definitions import registry
from conductor_server.definitions.complaints import Locate, validate
from conductor_server.definitions.converting import to_definition
from conductor_server.definitions.documents import Document, Trail
from conductor_server.definitions.placeholders import ENVIRONMENT, PLACEHOLDERS, strangers
from conductor_server.definitions.shape import DefinitionShape, ReadShape, definition_shape
from conductor_server.model.definition import DEFAULT_MATRIX, Definition, Json, Read
from conductor_server.model.errors import DefinitionError, SpecError, UnknownNameError


def locator(trail: Trail, value: Mapping[str, Json], defaults: Mapping[str, Json]) -> Locate:
    """Where in the document something stands that the definition says, or that the defaults say for it."""

    def locate(below: Trail) -> Trail:
        inherited = bool(below) and below[0] not in value and below[0] in defaults
        return ("defaults", *below) if inherited else (*trail, *below)

    return locate


def read_definition(
    value: Mapping[str, Json], defaults: Mapping[str, Json], document: Document, trail: Trail
) -> tuple[Definition | None, list[DefinitionError]]:
    """The definition, and what is wrong with it.

    With errors it is only a remnant that says what it reads and writes; nothing at all without a name.
    """
    merged = {**defaults, **value}
    locate = locator(trail, value, defaults)
    shape, errors = validate(definition_shape(), merged, document, locate)
    errors += _unknown_source(merged.get("source"), document, locate)
    errors += _stray_placeholders(merged, document, locate)
    if shape is not None:
        errors += _disagreements(shape, document, locate)
    if shape is None or errors:
        return _remnant(merged, document, trail), errors
    return to_definition(shape, _spec(shape), document, trail), []


def _unknown_source(source: Json, document: Document, locate: Locate) -> Iterator[UnknownNameError]:
    sources = registry.command_sources()
    if isinstance(source, str) and source not in sources:
        close = get_close_matches(source, sources, n=1)
        yield UnknownNameError(
            f"there is no source `{source}`",
            place=document.place(locate(("source",))),
            remedy=f"did you mean `{close[0]}`?" if close else f"the sources are {', '.join(sources)}",
        )


def _disagreements(shape: DefinitionShape, document: Document, locate: Locate) -> Iterator[SpecError]:
    """What no single key is to blame for."""
    sources = registry.command_sources()
    own = sources.get(shape.source)
    if own and getattr(shape, shape.source) is None and not _may_be_empty(own):
        yield SpecError(
            f"the key `{shape.source}` is missing: it says what to run",
            place=document.place(locate(("source",))),
            remedy=f"add `{shape.source}: …`",
        )
    for name in sources:
        if own and name != shape.source and getattr(shape, name) is not None:
            yield SpecError(
                f"the source is {shape.source}, so that `{name}` says nothing",
                place=document.key_place(locate((name,))),
                remedy=f"remove it, or write `source: {name}`",
            )
    if _ends_first(shape):
        yield SpecError(
            f"`ends_on` is {shape.ends_on}, which is not after `starts_on`, {shape.starts_on}",
            place=document.place(locate(("ends_on",))),
            remedy="`ends_on` is the first day without a slot",
        )


def _may_be_empty(schema: type[BaseModel]) -> bool:
    try:
        schema.model_validate({})
    except ValidationError:
        return False
    return True


def _ends_first(shape: DefinitionShape) -> bool:
    """Whether it ends no later than it starts, as far as the two can be compared without a time zone."""
    first, last = shape.starts_on, shape.ends_on
    if first is None or last is None:
        return False
    if all(isinstance(each, dt.datetime) and each.tzinfo for each in (first, last)):
        return last <= first
    return _day(last) < _day(first) or first == last


def _day(value: dt.date | dt.datetime) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def _spec(shape: DefinitionShape) -> dict[str, Json]:
    """What the source needs, as plain JSON."""
    spec: BaseModel = getattr(shape, shape.source) or registry.command_sources()[shape.source]()
    dumped: dict[str, Json] = spec.model_dump(mode="json", exclude_none=True)
    return dumped


def _stray_placeholders(
    merged: Mapping[str, Json], document: Document, locate: Locate
) -> Iterator[DefinitionError]:
    for source in registry.command_sources().keys() & merged.keys():
        for trail, text in _texts(merged[source], (source,)):
            for stranger in strangers(text):
                yield SpecError(
                    f"`{stranger}` is no placeholder",
                    place=document.place(locate(trail)),
                    remedy=f"use {', '.join(PLACEHOLDERS)} or {ENVIRONMENT}; write $${{ for a literal ${{",
                )


def _texts(value: Json, trail: Trail) -> Iterator[tuple[Trail, str]]:
    """Every text below the value, with its trail."""
    match value:
        case str():
            yield trail, value
        case dict():
            for key, below in value.items():
                yield from _texts(below, (*trail, key))
        case list():
            for number, below in enumerate(value):
                yield from _texts(below, (*trail, number))


def _remnant(merged: Mapping[str, Json], document: Document, trail: Trail) -> Definition | None:
    """As much of a faulty definition as takes part in the graph."""
    name, matrix = merged.get("name"), merged.get("matrix")
    if not isinstance(name, str):
        return None
    return Definition(
        name=name,
        source="",
        matrix=matrix if isinstance(matrix, str) else DEFAULT_MATRIX,
        reads_from=tuple(_reads(merged.get("reads_from"))),
        writes_to=tuple(table.strip() for table in _list(merged.get("writes_to")) if isinstance(table, str)),
        pools=tuple(map(str, _list(merged.get("pools")))),
        place=document.place(trail),
    )


def _reads(value: Json) -> Iterator[Read]:
    for each in _list(value):
        try:
            shape = ReadShape.model_validate(each)
        except ValidationError:
            continue
        yield Read(table=shape.table, window=shape.window)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
