"""A database whose content can be kept under a name and brought back, on both kinds.

The template's triggers write each change of a slot or a run into a log, which the simulator's checker reads.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from conductor_server.store import schema
from tests.support import history
from tests.support.history import Row

EMPTY = "empty"
"""The name of the migrated database that everything begins with."""


class Store(Protocol):
    """Whoever calls ``keep`` or ``restore`` sees to it that nobody is connected."""

    url: str

    def keep(self, name: str) -> None: ...

    def restore(self, name: str) -> None: ...

    def rows(self, query: str, *parameters: Any) -> list[Row]:
        """What a query past the product answers; its parameters are ``?``."""
        ...

    def content(self) -> bytes:
        """A digest of everything in it."""
        ...

    def faults(self) -> list[Row]:
        """What the database itself finds wrong with its content."""
        ...


class FileStore:
    """A SQLite file in a folder of its own."""

    def __init__(self, folder: Path, template: Path) -> None:
        self._path = folder / "night.sqlite"
        self._folder = folder
        self.url = f"sqlite:///{self._path}"
        shutil.copyfile(template, folder / EMPTY)

    def keep(self, name: str) -> None:
        assert not self._path.with_name("night.sqlite-wal").exists(), "somebody is still connected"
        shutil.copyfile(self._path, self._folder / name)

    def restore(self, name: str) -> None:
        for suffix in ("-wal", "-shm"):
            self._path.with_name(f"night.sqlite{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self._folder / name, self._path)

    def rows(self, query: str, *parameters: Any) -> list[Row]:
        # opened anew each time: an open SQLite database must not be carried over a fork
        with closing(sqlite3.connect(self._path)) as connection:
            return connection.execute(query, parameters).fetchall()

    def content(self) -> bytes:
        with closing(sqlite3.connect(self._path)) as connection:
            return _digest(connection)

    def faults(self) -> list[Row]:
        checked = self.rows("PRAGMA integrity_check")
        return [*([] if checked == [("ok",)] else checked), *self.rows("PRAGMA foreign_key_check")]


class PostgresStore:
    """A database of a PostgreSQL server. What is kept stands in schemas beside: copying a whole database takes long.

    Ids go on from where they were, whatever is brought back.
    """

    def __init__(self, server_url: str, template_url: str, *, name: str) -> None:
        self._server_url = server_url
        self._name = name
        self.url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        template = urlsplit(template_url).path.removeprefix("/")
        self._administer("CREATE DATABASE {} TEMPLATE {}", name, template)
        self.keep(EMPTY)

    def keep(self, name: str) -> None:
        self._run(
            f"CREATE SCHEMA kept_{name}",
            *(f"CREATE TABLE kept_{name}.{table} AS TABLE {table}" for table in _TABLES),
        )

    def restore(self, name: str) -> None:
        self._run(
            *(f"DELETE FROM {table}" for table in reversed(_TABLES[:-1])),
            *(f"INSERT INTO {table} SELECT * FROM kept_{name}.{table}" for table in _TABLES[:-1]),
            f"DELETE FROM {_TABLES[-1]}",  # what this has written too
            f"INSERT INTO {_TABLES[-1]} SELECT * FROM kept_{name}.{_TABLES[-1]}",
        )

    def rows(self, query: str, *parameters: Any) -> list[Row]:
        if query.startswith("PRAGMA"):
            return []  # how SQLite is asked for its faults: here a constraint that does not hold cannot be committed
        with psycopg.connect(self.url, options="-c timezone=UTC") as connection:
            found = connection.execute(query.replace("?", "%s"), parameters).fetchall()
        return [tuple(map(_as_sqlite_has_it, row)) for row in found]

    def content(self) -> bytes:
        with psycopg.connect(self.url) as connection:
            return _digest(connection)

    def faults(self) -> list[Row]:
        return []

    def drop(self) -> None:
        self._administer("DROP DATABASE {} WITH (FORCE)", self._name)

    def _run(self, *commands: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(";".join(commands))

    def _administer(self, command: Any, *names: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


_TABLES = (*(table.name for table in schema.metadata.sorted_tables), history.log.name)
"""Those that are referred to first; the log last."""


def _digest(connection: sqlite3.Connection | psycopg.Connection) -> bytes:
    digest = hashlib.sha256()
    for table in schema.metadata.sorted_tables:
        rows = connection.execute(f"SELECT * FROM {table.name}").fetchall()
        digest.update(repr((table.name, sorted(map(repr, rows)))).encode())
    return digest.digest()


def _as_sqlite_has_it(value: Any) -> Any:
    return value.replace(tzinfo=None).isoformat(" ") if isinstance(value, dt.datetime) else value
