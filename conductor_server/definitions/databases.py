"""Queries for accounts and members: read only, streamed, run on the server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from conductor_server.definitions.source import Surroundings
from conductor_server.definitions.values import Shape
from conductor_server.model.errors import SourceUnavailableError

_REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")

_READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}

_BATCH = 1000


class SqlQuery(Shape):
    """A query whose rows are declarations; its columns are named as their keys."""

    database: str = Field(examples=["${env:CENTRAL_URL}"])
    """A SQLAlchemy URL; ``${env:NAME}`` is taken from the server's environment."""
    query: str = Field(examples=["SELECT token, timezone FROM accounts WHERE active"])

    def rows(self, around: Surroundings) -> Iterator[Mapping[str, Any]]:
        """The rows, without their NULLs. Raises ``SourceUnavailableError``."""
        url = self._url(around)
        try:
            engine = create_engine(url, poolclass=NullPool)
            with engine.connect() as connection:
                _forbid_writing(connection)
                result = connection.execution_options(yield_per=_BATCH).execute(text(self.query))
                for row in result.mappings():
                    yield {key: value for key, value in row.items() if value is not None}
                connection.rollback()
        except (SQLAlchemyError, ImportError) as error:
            # The driver's own words: SQLAlchemy's would repeat the query, and a link to its manual.
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise SourceUnavailableError(
                f"{around.place}: the query to {url.render_as_string()} failed: {reason}"
            ) from error

    def _url(self, around: Surroundings) -> URL:
        def resolve(reference: re.Match[str]) -> str:
            if (value := around.environment.get(reference[1])) is None:
                raise SourceUnavailableError(
                    f"{around.place}: the environment variable {reference[1]} is not set on the server"
                )
            return value

        try:
            url = make_url(_REFERENCE.sub(resolve, self.database))
            url.get_dialect()
        except (ArgumentError, NoSuchModuleError) as error:
            raise SourceUnavailableError(
                f"{around.place}: this is no database URL; write postgresql+psycopg://user@host/name"
            ) from error
        if url.get_backend_name() == "sqlite":
            return url.set(database=str(_existing(around, Path(url.database or ""))))
        return url


def _forbid_writing(connection: Connection) -> None:
    if statement := _READ_ONLY.get(connection.dialect.name):
        connection.execute(text(statement))


def _existing(around: Surroundings, path: Path) -> Path:
    """SQLite would make the file that it does not find."""
    path = around.folder / path
    if not path.is_file():
        raise SourceUnavailableError(f"{around.place}: there is no SQLite database {path}")
    return path
