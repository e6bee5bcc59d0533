"""The members of declared matrices, out of files and queries that may have millions of rows.

They are read row by row, once at every reading, and kept on disk until they are applied: whoever applies them waits
for no database, and a source that fails half way has said nothing.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any
from weakref import finalize

from conductor_server.definitions.databases import SqlQuery
from conductor_server.definitions.source import Surroundings
from conductor_server.definitions.texts import unreadable
from conductor_server.definitions.values import parse_token
from conductor_server.model.definition import DEFAULT_MATRIX, MemberDeclaration, Place
from conductor_server.model.errors import SpecError

BATCH = 1_000
"""Members that are in memory at a time."""

IN_MEMORY_BYTES_MAX = 1 << 20
"""Fewer never touch the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvMembers:
    """A CSV file with a header.

    Its columns are `token` and, unless the matrix hangs below default, the token of the parent member, called
    `parent` or as its matrix is; others are left alone. Reading raises ``SourceUnavailableError`` when the file cannot
    be opened and ``SpecError`` at a row that is no member.
    """

    path: Path
    parent_matrix: str
    declared: Place

    def __iter__(self) -> Iterator[MemberDeclaration]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.reader(file, strict=True)
                columns = next(rows, [])
                self._check_header(columns)
                for row in filter(None, rows):
                    try:
                        yield to_member(_by_column(columns, row), self.parent_matrix)
                    except ValueError as error:
                        raise refused(error, self._line(rows.line_num)) from error
        except OSError as error:
            raise unreadable(self.path, error, self.declared) from error
        except (csv.Error, UnicodeDecodeError) as error:
            raise SpecError(
                f"this is not CSV in UTF-8: {error}", place=Place(origin=str(self.path))
            ) from error

    def _check_header(self, columns: Sequence[str]) -> None:
        needed = {"token"} if self.parent_matrix == DEFAULT_MATRIX else {"token", self.parent_matrix}
        named = [self.parent_matrix if column == "parent" else column for column in columns]
        remedy = f"its first line must name the columns {', '.join(sorted(needed))}"
        if missing := needed.difference(named):
            message = f"the header of this file lacks {', '.join(sorted(missing))}"
            raise SpecError(message, place=self._line(1), remedy=remedy)
        if repeated := sorted(name for name in needed if named.count(name) > 1):
            message = f"the header of this file names {', '.join(repeated)} twice"
            raise SpecError(message, place=self._line(1), remedy=remedy)

    def _line(self, number: int) -> Place:
        return Place(origin=str(self.path), line=number, column=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlMembers:
    """A query with the same columns. Reading raises as ``SqlQuery.rows`` does, and ``SpecError``."""

    query: SqlQuery
    parent_matrix: str
    around: Surroundings

    def __iter__(self) -> Iterator[MemberDeclaration]:
        for number, row in enumerate(self.query.rows(self.around), start=1):
            try:
                yield to_member(row, self.parent_matrix)
            except ValueError as error:
                raise refused(f"row {number} of the query: {error}", self.around.place) from error


class CollectedMembers:
    """Members that were read to the end of their source. Equal where the same were read in the same order.

    One thread goes through them at a time. Collecting raises as their source does.
    """

    def __init__(self, members: Iterable[MemberDeclaration]) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY_BYTES_MAX, "w+", encoding="ascii")  # noqa: SIM115 - read later
        finalize(self, self._file.close)
        digest = hashlib.blake2b(digest_size=16)
        rest = iter(members)
        while batch := list(islice(rest, BATCH)):
            line = json.dumps([(member.token, member.parent) for member in batch]) + "\n"
            digest.update(line.encode())
            self._file.write(line)
        self._digest = digest.digest()

    def __iter__(self) -> Iterator[MemberDeclaration]:
        self._file.seek(0)
        for line in self._file:
            for token, parent in json.loads(line):
                yield MemberDeclaration(token=token, parent=parent)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CollectedMembers) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)


def to_member(row: Mapping[str, Any], parent_matrix: str) -> MemberDeclaration:
    """The member that a row describes. Raises ``ValueError``."""
    token = parse_token(str(row.get("token", "")))
    if parent_matrix == DEFAULT_MATRIX:
        return MemberDeclaration(token=token)
    named = (row.get("parent"), row.get(parent_matrix))
    parent = next((str(value) for value in named if value not in (None, "")), "")
    if not parent:
        raise ValueError(
            f"the member {token!r} does not say which member of {parent_matrix} it belongs to; "
            f"give it a `parent`: the token of its {parent_matrix}"
        )
    return MemberDeclaration(token=token, parent=parent)


def refused(reason: ValueError | str, place: Place) -> SpecError:
    """Why a row is no member, with the remedy that follows its semicolon."""
    what, _, remedy = str(reason).partition("; ")
    return SpecError(what, place=place, remedy=remedy)


def _by_column(columns: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    if len(row) != len(columns):
        values = "value" if len(row) == 1 else "values"
        raise ValueError(
            f"this row has {len(row)} {values}, but the header names {len(columns)} columns; "
            "put values that hold a comma in quotes"
        )
    return dict(zip(columns, row, strict=True))
