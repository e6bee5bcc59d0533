"""Connections: one engine per dialect, set up so that its promises hold, and the two ways into it.

``write`` runs a unit of work in one transaction; ``read`` sees one consistent snapshot. On SQLite all writes of the
process go through one thread, so they queue instead of locking each other out; PostgreSQL takes them from any thread.
A unit of work may be run again after a serialisation failure, so it must not keep anything from a run before.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from conductor_server.model.errors import ConductorError, StoreUnavailableError

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

ATTEMPTS_MAX = 5
"""How often a unit of work is tried against deadlocks and serialisation failures."""

POSTGRES_CONNECTIONS_MAX = 16

# Deadlock and serialisation failure: the database undid the transaction, and says that it may be tried again.
# https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
_TRY_AGAIN = frozenset({"40001", "40P01"})


class UtcDateTime(sa.TypeDecorator[dt.datetime]):
    """An aware UTC instant. SQLite forgets zones, so they are checked on the way in and restored on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant without a zone cannot be stored: {value}")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class UnreadableJson(dict[str, Any]):
    """What stands for a text in a JSON column that is none: the other rows of its query can still be read."""


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return UnreadableJson()


class Database:
    """The one way to the store, for every thread of a server."""

    def __init__(self, url: str | URL) -> None:
        self.url = _with_driver(_parsed(url))
        self._file = SqliteFile(self.url.database or "")
        self.engine = _sqlite_engine(self.url, self._file) if self.is_sqlite else _postgres_engine(self.url)
        writers = 1 if self.is_sqlite else POSTGRES_CONNECTIONS_MAX
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="store-write")
        self._guard: Work[None] | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def file(self) -> Path | None:
        """Where the data is, if it is in a file of this machine."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @property
    def shown_url(self) -> str:
        """The URL without its password, for people."""
        return self.url.render_as_string(hide_password=True)

    def check_file(self) -> None:
        """Raises ConductorError when the SQLite file was moved or replaced since it was first opened."""
        if self.is_sqlite:
            self._file.check()

    def write(self, work: Work[T]) -> T:
        """Run ``work`` in one transaction and wait for its commit.

        Raises StoreUnavailableError when the database does not answer.
        """
        return self.submit(work).result()

    def submit(self, work: Work[T]) -> Future[T]:
        """Like ``write``, without waiting."""
        return self._writers.submit(self._write, work)

    def read(self, work: Work[T], *, scratch: bool = False) -> T:
        """Run ``work`` on a snapshot. Raises StoreUnavailableError when the database does not answer.

        ``scratch``: it makes temporary tables on its way, which go with it.
        """
        with _translated_errors(), self.engine.connect() as db:
            if self.is_sqlite:
                db.exec_driver_sql("BEGIN")
            else:
                db.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=not scratch)
            return work(db)

    def connection_parameters(self) -> dict[str, Any]:
        """What psycopg needs for a connection beside the pool's."""
        _, parameters = self.engine.dialect.create_connect_args(self.url)
        return {**parameters, **_POSTGRES_PARAMETERS}

    def guarded(self, guard: Work[None]) -> Database:
        """The same store, but ``guard`` goes first in every write; what it raises undoes the transaction."""
        view = copy.copy(self)
        view._guard = guard
        return view

    def close(self) -> None:
        """Finish the writes that were submitted, then disconnect."""
        self._writers.shutdown(wait=True)
        self.engine.dispose()

    def _write(self, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            with _translated_errors():
                try:
                    with self.engine.connect() as db:
                        if self.is_sqlite:
                            # A deferred transaction that turns into a write fails at once when another process
                            # has written in between, whatever the timeout; an immediate one waits its turn.
                            db.exec_driver_sql("BEGIN IMMEDIATE")
                        if self._guard is not None:
                            self._guard(db)
                        result = work(db)
                        db.commit()
                        return result
                except sa.exc.OperationalError as error:
                    if attempt == ATTEMPTS_MAX or getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN:
                        raise
        raise AssertionError("unreachable: the last attempt returns or raises")


class SqliteFile:
    """The file of a database, which must stay the one that was opened first.

    SQLite would go on in a file that was moved away, and a new connection would quietly make an empty one in its place.
    """

    def __init__(self, path: str) -> None:
        self._path = "" if path == ":memory:" else path
        self._identity: tuple[int, int] | None = None

    def opened(self) -> None:
        """A connection has been made."""
        if self._path and self._identity is None:
            self._identity = self._found()

    def check(self) -> None:
        """Raises ConductorError when the file is not there any more, or is another one."""
        if self._identity is not None and self._found() != self._identity:
            raise ConductorError(
                f"the database {self._path} was moved or replaced while the server worked on it: put the file that "
                "you want in its place, and start the server again"
            )

    def _found(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino


class _translated_errors:
    """Turns the driver's connection failures into the one error that callers may retry."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        # A session that was ended for having idled in a transaction fails with an error of another class.
        cut = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
        if cut or isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError):
            cause = str(getattr(error, "orig", error)).strip()
            raise StoreUnavailableError(f"the database does not answer: {cause}") from error


def _parsed(url: str | URL) -> URL:
    try:
        return make_url(url)
    except sa.exc.ArgumentError:
        raise ConductorError(
            "the database is not a URL: use sqlite:///PATH or postgresql://HOST/NAME"  # it may hold a password
        ) from None


def _with_driver(url: URL) -> URL:
    match url.get_backend_name():
        case "sqlite":
            return url.set(drivername="sqlite")
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise ConductorError(
                f"the database {other!r} is not supported: use sqlite:///PATH or postgresql://HOST/NAME"
            )


def _sqlite_engine(url: URL, file: SqliteFile) -> sa.Engine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConductorError(
                f"the database's folder {folder} cannot be made: {error.strerror}"
            ) from error
    engine = sa.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=8,
        json_deserializer=_read_json,
        connect_args={"check_same_thread": False, "timeout": 10},
    )

    @sa.event.listens_for(engine, "do_connect")
    def check(*_: Any) -> None:
        file.check()

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        file.opened()
        # Transactions are begun by hand (see ``_write``): Python's sqlite3 would begin none for a statement that
        # starts with WITH … INSERT, and each such statement would commit on its own.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # NORMAL loses acknowledged commits on power loss
            "foreign_keys=ON",  # off by default: cascades would silently do nothing
            "busy_timeout=10000",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgres_engine(url: URL) -> sa.Engine:
    return sa.create_engine(
        url,
        pool_size=POSTGRES_CONNECTIONS_MAX,
        max_overflow=POSTGRES_CONNECTIONS_MAX,
        pool_use_lifo=True,  # plans and prepared statements are a connection's own: few connections, used often
        pool_pre_ping=True,
        connect_args=_POSTGRES_PARAMETERS,
    )


_POSTGRES_PARAMETERS: dict[str, Any] = {
    # Compiling takes longer than our statements run (measured: 20 ms become 130).
    # A server that freezes within a transaction holds locks that others wait for.
    "options": "-c jit=off -c timezone=UTC -c idle_in_transaction_session_timeout=20000",
    "connect_timeout": 10,
    "application_name": "conductor-server",
    # A connection that dies without a word is noticed within half a minute, not after two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25000,
}
