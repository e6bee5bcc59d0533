"""The real store over a SQLite database in memory, in the caller's thread, with failures where a commit can fail."""

from __future__ import annotations

import contextlib
import copy
import sqlite3
import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from conductor_server.store.database import Database, Work, _translated_errors
from conductor_server.store.upgrade import upgrade
from tests.support import history
from tests.support.history import Row

T = TypeVar("T")


Hook = Callable[[str], None]


class Killed(BaseException):
    """The server's process ends here: no ``except Exception`` may answer it. ``committed``: its transaction is."""

    def __init__(self, *, committed: bool = False) -> None:
        super().__init__()
        self.committed = committed


class SimulatedDatabase(Database):
    """One connection to a database in memory. The hooks are told who writes. ``before_commit`` and ``after_commit`` may
    raise; then that is what the server sees of a crash or an outage: before, nothing was written; after, everything
    was. While ``before`` runs, others may write.

    All that are alive in a process share one engine, whose statements are compiled once for all seeds; so only the
    newest of them may be used.
    """

    def __init__(self, template: sqlite3.Connection) -> None:
        self.url = make_url("sqlite://")
        self.raw, self.engine, self._db = _shared()
        if self.raw.in_transaction:  # whatever the seed before has died of
            self.raw.execute("ROLLBACK")
        template.backup(self.raw)
        self.raw.execute("PRAGMA foreign_keys=ON")
        self.owner = ""
        self._guard = None
        self.before: Hook = _nothing
        self.before_commit: Hook = _nothing
        self.committed: Callable[[list[Row]], None] = _ignored
        self.after_commit: Hook = _nothing

    def of(self, owner: str) -> SimulatedDatabase:
        """The same store, as one server uses it."""
        view = copy.copy(self)
        view.owner = owner
        return view

    def submit(self, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(self.write(work))
        except Exception as error:
            future.set_exception(error)
        return future

    def write(self, work: Work[T]) -> T:
        self.before(self.owner)
        changes = self.raw.total_changes
        self.raw.execute("BEGIN IMMEDIATE")
        try:
            with _translated_errors():
                if self._guard is not None:
                    self._guard(self._db)
                result = work(self._db)
            self.before_commit(self.owner)
        except BaseException:
            self.raw.execute("ROLLBACK")
            raise
        self.raw.execute("COMMIT")
        if self.raw.total_changes != changes:
            self.committed(self._changes())
        self.after_commit(self.owner)
        return result

    def read(self, work: Work[T], *, scratch: bool = False) -> T:
        return work(self._db)

    def _changes(self) -> list[Row]:
        rows = self.raw.execute(
            "SELECT noun, number, a, b, c, d, e, f, agent FROM history_log ORDER BY id"
        ).fetchall()
        if rows:
            self.raw.execute("DELETE FROM history_log")
        return rows

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        """What the checker looks up, past the product's own queries."""
        return self.raw.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """The connection is for the next seed."""


@cache
def _shared() -> tuple[sqlite3.Connection, sa.Engine, sa.Connection]:
    """The one connection of this process, bare, in its engine, and in use."""
    raw = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None, cached_statements=512)
    raw.execute("PRAGMA temp_store=MEMORY")
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: raw,
        poolclass=sa.pool.StaticPool,
        isolation_level="AUTOCOMMIT",
    )
    return raw, engine, engine.connect()


@cache
def template() -> sqlite3.Connection:
    """A migrated database with the transition log, to be copied for each seed."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    with tempfile.TemporaryDirectory() as folder:
        file = Database(f"sqlite:///{folder}/template.sqlite")
        upgrade(file)
        file.write(history.install)
        file.close()
        with contextlib.closing(sqlite3.connect(f"{folder}/template.sqlite")) as migrated:
            migrated.backup(copy)
    copy.execute("PRAGMA journal_mode=MEMORY")
    return copy


def _nothing(_owner: str) -> None:
    return None


def _ignored(_rows: list[Row]) -> None:
    return None
