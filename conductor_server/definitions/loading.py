"""From paths to declarations, and from these to a graph, with every fault of the set found at once.

The CLI uses it offline (``load``, ``check``); the server through ``files`` and, over all its sources,
``check``.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conductor_server.definitions import whole
from conductor_server.definitions.documents import Document, Trail
from conductor_server.definitions.reading import SECTIONS, Reading, read
from conductor_server.definitions.source import Surroundings
from conductor_server.definitions.texts import find_documents
from conductor_server.model.definition import Declarations, Definition, Place
from conductor_server.model.errors import DefinitionError, DefinitionErrors, DuplicateNameError
from conductor_server.policy import graph, size
from conductor_server.policy.graph import Graph, Where
from conductor_server.policy.matrix import MatrixTree, tree

FILES = "files"
"""The source token of what files declare, wherever they are: a folder may move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What files declare, the further files that they point to, and whether they point to a database."""

    declarations: Declarations
    files: tuple[Path, ...]
    live: bool


def load(paths: Sequence[str | Path]) -> Declarations:
    """What these files and folders declare, without asking any database: accounts kept there are left out.

    Raises ``DefinitionErrors`` with everything that is wrong, ``SourceUnavailableError`` for what cannot be
    read.
    """
    return load_files(paths, environment={}, offline=True).declarations


def load_files(paths: Sequence[str | Path], *, environment: Mapping[str, str], offline: bool) -> Loaded:
    """What these files and folders declare. Raises as ``load`` does."""
    with _nothing_collected():
        return _load_files(paths, environment, offline=offline)


def _load_files(paths: Sequence[str | Path], environment: Mapping[str, str], *, offline: bool) -> Loaded:
    documents, errors = find_documents([Path(path) for path in paths])
    readings = [_read(document, environment, offline=offline) for document in documents]
    unread: set[str] = set(SECTIONS if errors else ()).union(*(reading.unread for reading in readings))
    errors += (error for reading in readings for error in reading.errors)
    errors += _repeated_pools(readings)
    declared = _together(reading.declarations(FILES) for reading in readings)
    matrices = _matrices(declared, errors) if "matrices" not in unread else None
    where = _where(readings)
    errors += graph.faults(declared.definitions, matrices, where=where, partial="definitions" in unread)
    errors += whole.faults(declared, matrices, where=where, unread=unread)
    if errors:
        raise DefinitionErrors(_without_repeats(errors))
    return Loaded(
        declarations=declared,
        files=tuple(file for reading in readings for file in reading.files),
        live=any(reading.live for reading in readings),
    )


def check(*declarations: Declarations) -> Graph:
    """The graph of all that these sources declare together.

    Raises ``DefinitionErrors``: each source alone may be right, and the set still wrong.
    """
    declared = _together(declarations)
    if too_much := list(size.faults(declared.definitions)):
        raise DefinitionErrors(too_much)
    matrices = tree(declared.matrices)
    errors = list(whole.faults(declared, matrices, where=lambda definition, _: definition.place))
    try:
        built = graph.build(declared.definitions, matrices)
    except DefinitionErrors as faults:
        raise DefinitionErrors([*errors, *faults.errors]) from faults
    if errors:
        raise DefinitionErrors(errors)
    return built


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Hundreds of thousands of objects are made, none in circles: looking for such takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(document: Document, environment: Mapping[str, str], *, offline: bool) -> Reading:
    folder = Path(document.origin).parent
    around = Surroundings(folder=folder, environment=environment, place=document.place(()))
    return read(document, around, offline=offline)


def _together(declarations: Iterable[Declarations]) -> Declarations:
    parts = list(declarations)
    return Declarations(
        source_token=parts[0].source_token if parts else "",
        definitions=tuple(each for part in parts for each in part.definitions),
        accounts=tuple(each for part in parts for each in part.accounts),
        matrices=tuple(each for part in parts for each in part.matrices),
        pools={name: size for part in parts for name, size in part.pools.items()},
    )


def _matrices(declared: Declarations, errors: list[DefinitionError]) -> MatrixTree | None:
    """The tree, or nothing and more errors."""
    try:
        return tree(declared.matrices)
    except DefinitionErrors as faults:
        errors += faults.errors
        return None


def _where(readings: Iterable[Reading]) -> Where:
    """Places to the key, where a definition alone knows its line."""
    by_place = {place: reading for reading in readings for place in reading.locators}

    def where(definition: Definition, trail: Trail) -> Place:
        reading = by_place[definition.place]
        return reading.document.place(reading.locators[definition.place](trail))

    return where


def _repeated_pools(readings: Iterable[Reading]) -> Iterator[DuplicateNameError]:
    seen: dict[str, Place] = {}
    for reading in readings:
        for name in reading.pools:
            place = reading.document.key_place(("pools", name))
            if first := seen.get(name):
                yield DuplicateNameError(
                    f"the pool {name} is declared twice, first at {first}",
                    place=place,
                    remedy="remove one of them",
                )
            seen.setdefault(name, place)


def _without_repeats(errors: Iterable[DefinitionError]) -> list[DefinitionError]:
    """A fault of the defaults is one fault, however many definitions inherit it."""
    return list({(error.place, error.message): error for error in reversed(list(errors))}.values())
