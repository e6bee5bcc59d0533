"""The members of declared matrices. Files and queries are streamed at each reading: they may be long."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_server.definitions.databases import SqlQuery
from conductor_server.definitions.source import Surroundings
from conductor_server.definitions.texts import unreadable
from conductor_server.definitions.values import parse_token
from conductor_server.model.definition import DEFAULT_MATRIX, MemberDeclaration, Place
from conductor_server.model.errors import SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvMembers:
    """A CSV file with a header.

    Its columns are `token` and, unless the matrix hangs below default, the token of the parent member, called
    `parent` or as its matrix is. Reading raises ``SourceUnavailableError`` when the file cannot be opened and
    ``SpecError`` at a row that is no member.
    """

    path: Path
    parent_matrix: str
    declared: Place

    def __iter__(self) -> Iterator[MemberDeclaration]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file, strict=True)
                self._check_header(rows.fieldnames or ())
                for row in rows:
                    yield to_member(
                        row, self.parent_matrix, Place(origin=str(self.path), line=rows.line_num, column=1)
                    )
        except OSError as error:
            raise unreadable(self.path, error, self.declared) from error
        except (csv.Error, UnicodeDecodeError) as error:
            raise SpecError(
                f"this is not CSV in UTF-8: {error}", place=Place(origin=str(self.path))
            ) from error

    def _check_header(self, columns: Iterable[str]) -> None:
        needed = {"token"} if self.parent_matrix == DEFAULT_MATRIX else {"token", self.parent_matrix}
        missing = needed - {self.parent_matrix if column == "parent" else column for column in columns}
        if missing:
            raise SpecError(
                f"the header of this file lacks {', '.join(sorted(missing))}",
                place=Place(origin=str(self.path), line=1, column=1),
                remedy=f"its first line must name the columns {', '.join(sorted(needed))}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlMembers:
    """A query with the same columns. Reading raises as ``SqlQuery.rows`` does, and ``SpecError``."""

    query: SqlQuery
    parent_matrix: str
    around: Surroundings

    def __iter__(self) -> Iterator[MemberDeclaration]:
        for row in self.query.rows(self.around):
            yield to_member(row, self.parent_matrix, self.around.place)


def to_member(row: Mapping[str, Any], parent_matrix: str, place: Place) -> MemberDeclaration:
    """The member that a row describes. Raises ``SpecError``."""
    parent = row.get("parent") or row.get(parent_matrix) or ""
    if parent_matrix == DEFAULT_MATRIX:
        parent = ""
    elif not parent:
        raise SpecError(
            f"the member {row.get('token')!r} does not say which member of {parent_matrix} it belongs to",
            place=place,
            remedy=f"give it a `parent`: the token of its {parent_matrix}",
        )
    try:
        return MemberDeclaration(token=parse_token(str(row.get("token") or "")), parent=str(parent))
    except ValueError as error:
        raise SpecError(str(error), place=place) from error
