"""The built-in account sources: a file with a list, and a query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from conductor_server.definitions.complaints import validate
from conductor_server.definitions.converting import to_account
from conductor_server.definitions.databases import SqlQuery
from conductor_server.definitions.shape import AccountShape, AccountsShape, Shorthand
from conductor_server.definitions.source import AccountSource, Surroundings
from conductor_server.definitions.texts import read_document
from conductor_server.model.definition import Account, Place
from conductor_server.model.errors import DefinitionErrors, SpecError


class FileAccounts(Shorthand, AccountSource):
    """A YAML or JSON file with a list of accounts; its path is relative to the file that names it."""

    short: ClassVar[str] = "path"
    short_type: ClassVar[type] = str

    path: str

    def accounts(self, around: Surroundings) -> Iterator[Account]:
        document = read_document(around.folder / self.path, declared=around.place)
        found, errors = validate(AccountsShape, document.value, document, lambda path: path)
        if errors := [*document.errors, *errors]:
            raise DefinitionErrors(errors)
        assert found
        for number, shape in enumerate(found.listed or ()):
            yield to_account(shape, document.place((number,)))

    def files(self, around: Surroundings) -> Sequence[Path]:
        return [around.folder / self.path]


class SqlAccounts(SqlQuery, AccountSource):
    """A query; of its columns `token` must be there, and further keys of an account may be."""

    live: ClassVar[bool] = True

    def accounts(self, around: Surroundings) -> Iterator[Account]:
        for row in self.rows(around):
            yield _from_row(row, around.place)


def _from_row(row: Mapping[str, Any], place: Place) -> Account:
    """Tokens may be numbers here, and instants without an offset are UTC, as databases keep them."""
    values = {
        key: value.replace(tzinfo=dt.UTC) if isinstance(value, dt.datetime) and not value.tzinfo else value
        for key, value in row.items()
    }
    values["token"] = str(values.get("token", ""))
    try:
        return to_account(AccountShape.model_validate(values), place)
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(map(str, first["loc"])) or "row"
        message = str(first.get("ctx", {}).get("error", first["msg"]))
        raise SpecError(
            f"the query yields an account {values['token']!r} that is none: {column}: {message}", place=place
        ) from error
