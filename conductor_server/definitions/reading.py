"""One document, held against the shape of a declaration file: what it declares, and what is wrong with it.

A faulty definition is not lost: what can be made out of it still takes part in the search for cycles, so that
one reading finds every fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from conductor_server.definitions.complaints import AnyModel, Locate, validate
from conductor_server.definitions.converting import to_account, to_matrix
from conductor_server.definitions.definition import locator, read_definition
from conductor_server.definitions.documents import Document, Trail
from conductor_server.definitions.members import CollectedMembers, CsvMembers, SqlMembers
from conductor_server.definitions.shape import (
    DefaultsShape,
    FileShape,
    MatrixShape,
    PoolsShape,
    accounts_shape,
)
from conductor_server.definitions.source import AccountSource, Surroundings
from conductor_server.model.definition import Account, Declarations, Definition, Json, Matrix, Place
from conductor_server.model.errors import DefinitionError, DefinitionErrors, SpecError

SECTIONS = ("accounts", "matrices", "pools", "defaults", "definitions")


@dataclass(slots=True, kw_only=True)
class Reading:
    """What one document declares, and what is wrong with it.

    ``locators`` find what a definition says, by its place. ``unread`` holds the sections of which something
    could not be understood. ``files`` are those that the document points to; ``live``: it points to a
    database too.
    """

    document: Document
    around: Surroundings
    definitions: list[Definition] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)
    pools: dict[str, int] = field(default_factory=dict)
    locators: dict[Place, Locate] = field(default_factory=dict)
    errors: list[DefinitionError] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    files: list[Path] = field(default_factory=list)
    live: bool = False

    def declarations(self, source_token: str) -> Declarations:
        return Declarations(
            source_token=source_token,
            definitions=tuple(self.definitions),
            accounts=tuple(self.accounts),
            matrices=tuple(self.matrices),
            pools=self.pools,
        )

    def accept(
        self, model: type[AnyModel], value: object, locate: Locate, *, section: str
    ) -> AnyModel | None:
        """The value as the model sees it, or nothing and more errors."""
        accepted, errors = validate(model, value, self.document, locate)
        if errors:
            self.refuse(*errors, section=section)
        return accepted

    def refuse(self, *errors: DefinitionError, section: str) -> None:
        self.errors += errors
        self.unread.add(section)


def read(document: Document, around: Surroundings, *, offline: bool) -> Reading:
    """What the document declares; ``offline`` leaves out what only a database knows.

    Raises ``SourceUnavailableError`` if something that it points to cannot be read.
    """
    reading = Reading(document=document, around=around, errors=list(document.errors))
    reading.accept(FileShape, document.value, lambda trail: trail, section="version")
    sections = document.value if isinstance(document.value, dict) else {}
    _read_accounts(reading, sections.get("accounts"), offline=offline)
    for trail, value in _items(reading, sections, "matrices"):
        _read_matrix(reading, trail, value, offline=offline)
    if (pools := sections.get("pools")) is not None:
        accepted = reading.accept(PoolsShape, pools, lambda trail: ("pools", *trail), section="pools")
        reading.pools = accepted.root if accepted else {}
    defaults = sections.get("defaults")
    if defaults is not None:
        reading.accept(DefaultsShape, defaults, lambda trail: ("defaults", *trail), section="defaults")
    for trail, value in _items(reading, sections, "definitions"):
        _read_definition(reading, trail, value, defaults if isinstance(defaults, dict) else {})
    return reading


def _items(reading: Reading, sections: Mapping[str, Json], key: str) -> Iterator[tuple[Trail, Json]]:
    """The elements of a section that is a list, with their trails."""
    section = sections.get(key)
    if isinstance(section, list):
        yield from (((key, number), value) for number, value in enumerate(section))
    elif section is not None:
        place = reading.document.place((key,))
        reading.refuse(
            SpecError(f"`{key}` must be a list", place=place, remedy="begin each with `- `"), section=key
        )


def _read_accounts(reading: Reading, value: Json, *, offline: bool) -> None:
    if value is None:
        return
    section = "accounts"
    accepted = reading.accept(accounts_shape(), value, lambda trail: (section, *trail), section=section)
    if accepted is None:
        return
    if accepted.listed is not None:
        for number, shape in enumerate(accepted.listed):
            reading.accounts.append(to_account(shape, reading.document.place((section, number))))
        return
    (name,) = accepted.model_fields_set
    source: AccountSource = getattr(accepted, name)
    around = replace(reading.around, place=reading.document.place((section,)))
    reading.live |= source.live
    reading.files += source.files(around)
    if offline and source.live:
        return
    try:
        reading.accounts += source.accounts(around)
    except DefinitionErrors as errors:
        reading.refuse(*errors.errors, section=section)
    except DefinitionError as error:
        reading.refuse(error, section=section)


def _read_matrix(reading: Reading, trail: Trail, value: Json, *, offline: bool) -> None:
    shape = reading.accept(MatrixShape, value, lambda below: (*trail, *below), section="matrices")
    if shape is None:
        return
    try:
        matrix = to_matrix(shape, reading.document, trail, reading.around)
        if isinstance(matrix.members, CsvMembers):
            reading.files.append(matrix.members.path)
        reading.live |= isinstance(matrix.members, SqlMembers)
        reading.matrices.append(_with_members(matrix, offline=offline))
    except DefinitionError as error:
        reading.refuse(error, section="matrices")


def _with_members(matrix: Matrix, *, offline: bool) -> Matrix:
    """With those that are kept elsewhere brought in, but from no database when offline. Raises as their sources do."""
    if isinstance(matrix.members, tuple):
        return matrix
    asked = () if offline and isinstance(matrix.members, SqlMembers) else matrix.members
    return replace(matrix, members=CollectedMembers(asked))


def _read_definition(reading: Reading, trail: Trail, value: Json, defaults: Mapping[str, Json]) -> None:
    place = reading.document.place(trail)
    if not isinstance(value, dict):
        reading.refuse(SpecError("a definition must be a mapping", place=place), section="definitions")
        return
    definition, errors = read_definition(value, defaults, reading.document, trail)
    if errors:
        reading.refuse(*errors, section="definitions")
    if definition:
        reading.definitions.append(definition)
        reading.locators[place] = locator(trail, value, defaults)
