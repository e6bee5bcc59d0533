"""The real store over a SQLite database in memory, in the caller's thread, with failures where a commit can fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from conductor_server.store.database import Database, Work
from conductor_server.store.upgrade import upgrade

T = TypeVar("T")

Row = tuple[Any, ...]

_LOG = """
CREATE TABLE simulation_log (id INTEGER PRIMARY KEY, noun TEXT, number INTEGER, a, b, c, d, e, f, g);
CREATE TRIGGER run_born AFTER INSERT ON command_run BEGIN
  INSERT INTO simulation_log (noun, number, a, b, c, d, e)
  VALUES ('run born', new.id, new.slot_id, new.attempt, new.status, new.epoch, new.created_by);
END;
CREATE TRIGGER run_moved AFTER UPDATE ON command_run BEGIN
  INSERT INTO simulation_log (noun, number, a, b, c, d, e, f, g)
  VALUES ('run moved', new.id, old.status, new.status, old.epoch, new.epoch, new.agent,
          new.heartbeat_at IS NOT old.heartbeat_at, new.cancel_requested_at IS NOT NULL);
END;
CREATE TRIGGER run_gone AFTER DELETE ON command_run BEGIN
  INSERT INTO simulation_log (noun, number) VALUES ('run gone', old.id);
END;
CREATE TRIGGER slot_born AFTER INSERT ON command_slot BEGIN
  INSERT INTO simulation_log (noun, number, a, b, c, d)
  VALUES ('slot born', new.id, new.definition_id, new.member_id, new.window_id, new.state);
END;
CREATE TRIGGER slot_moved AFTER UPDATE ON command_slot BEGIN
  INSERT INTO simulation_log (noun, number, a, b, c, d, e)
  VALUES ('slot moved', new.id, old.state, new.state, new.failures, new.attempts, new.losses);
END;
CREATE TRIGGER slot_gone AFTER DELETE ON command_slot BEGIN
  INSERT INTO simulation_log (noun, number) VALUES ('slot gone', old.id);
END;
"""
"""Every change of a slot or a run, written by the transaction that makes it."""


class Killed(BaseException):
    """The server's process ends here: no ``except Exception`` may answer it."""


class SimulatedDatabase(Database):
    """One connection to a database in memory. ``before_commit`` and ``after_commit`` may raise; then that is what the
    server sees of a crash or an outage: before, nothing was written; after, everything was.
    """

    def __init__(self, image: bytes = b"") -> None:
        self.url = make_url("sqlite://")
        self._guard = None
        self.raw = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        if image:
            self.raw.deserialize(image)
        self.raw.execute("PRAGMA foreign_keys=ON")
        self.raw.execute("PRAGMA temp_store=MEMORY")
        self.engine = sa.create_engine(
            "sqlite://",
            creator=lambda: self.raw,
            poolclass=sa.pool.StaticPool,
            isolation_level="AUTOCOMMIT",
        )
        self._guard = None
        self.before_commit: Callable[[], None] = _nothing
        self.committed: Callable[[list[Row]], None] = _ignored
        self.after_commit: Callable[[], None] = _nothing

    def submit(self, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(self.write(work))
        except Exception as error:
            future.set_exception(error)
        return future

    def write(self, work: Work[T]) -> T:
        def watched(db: sa.Connection) -> T:
            result = work(db)
            self.before_commit()
            return result

        result = self._write(watched)
        self.committed(self._changes())
        self.after_commit()
        return result

    def _changes(self) -> list[Row]:
        rows = self.raw.execute(
            "SELECT noun, number, a, b, c, d, e, f, g FROM simulation_log ORDER BY id"
        ).fetchall()
        if rows:
            self.raw.execute("DELETE FROM simulation_log")
        return rows

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        """What the checker looks up, past the product's own queries."""
        return self.raw.execute(sql, parameters).fetchall()

    def close(self) -> None:
        self.engine.dispose()
        self.raw.close()


@cache
def empty_image() -> bytes:
    """A migrated database with the transition log, to be copied for each seed."""
    database = SimulatedDatabase()
    database._changes = list  # type: ignore[method-assign]  # there is no log yet
    upgrade(database)
    database.raw.executescript(_LOG)
    image = database.raw.serialize()
    database.close()
    return image


def _nothing() -> None:
    return None


def _ignored(_rows: list[Row]) -> None:
    return None
