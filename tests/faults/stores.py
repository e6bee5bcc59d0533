"""The database of a world, looked at from outside: what it holds, and every change of it, which triggers write down."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

Row = tuple[Any, ...]

_SQLITE_HISTORY = """
CREATE TABLE fault_history (id INTEGER PRIMARY KEY, noun TEXT, number INTEGER, slot INTEGER, was INTEGER,
                            now INTEGER, epoch INTEGER, leader INTEGER);
CREATE TRIGGER fault_run_born AFTER INSERT ON command_run BEGIN
  INSERT INTO fault_history (noun, number, slot, now, epoch) VALUES ('run', new.id, new.slot_id, new.status, new.epoch);
END;
CREATE TRIGGER fault_run_moved AFTER UPDATE OF status, epoch ON command_run BEGIN
  INSERT INTO fault_history (noun, number, slot, was, now, epoch)
  VALUES ('run', new.id, new.slot_id, old.status, new.status, new.epoch);
END;
CREATE TRIGGER fault_slot_moved AFTER UPDATE OF state ON command_slot BEGIN
  INSERT INTO fault_history (noun, number, slot, was, now) VALUES ('slot', new.id, new.id, old.state, new.state);
END;
"""

_POSTGRES_HISTORY = """
CREATE TABLE fault_history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, noun text, number bigint, slot bigint,
                            was int, now int, epoch bigint,
                            leader bigint DEFAULT nullif(current_setting('conductor.leader_epoch', true), '')::bigint);
CREATE FUNCTION fault_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO fault_history (noun, number, slot, now, epoch)
    VALUES ('run', new.id, new.slot_id, new.status, new.epoch);
  ELSIF new.status <> old.status OR new.epoch <> old.epoch THEN
    INSERT INTO fault_history (noun, number, slot, was, now, epoch)
    VALUES ('run', new.id, new.slot_id, old.status, new.status, new.epoch);
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION fault_slot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF new.state <> old.state THEN
    INSERT INTO fault_history (noun, number, slot, was, now) VALUES ('slot', new.id, new.id, old.state, new.state);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER fault_run AFTER INSERT OR UPDATE ON command_run FOR EACH ROW EXECUTE FUNCTION fault_run();
CREATE TRIGGER fault_slot AFTER UPDATE ON command_slot FOR EACH ROW EXECUTE FUNCTION fault_slot();
"""

SLOTS = """
SELECT d.name || CASE m.path WHEN '' THEN '' ELSE '@' || m.path END || '/' || w.label, s.state
FROM command_slot s JOIN command_definition d ON d.id = s.definition_id
JOIN command_member m ON m.id = s.member_id JOIN command_window w ON w.id = s.window_id
"""
HISTORY = "SELECT noun, number, slot, was, now, epoch, leader FROM fault_history ORDER BY id"


class Store(Protocol):
    """One of the two."""

    url: str

    def rows(self, sql: str) -> list[Row]:
        """What a query answers. Raises ``OSError`` while the database cannot be asked."""

    def watch(self) -> None:
        """Have every change of a run or a slot written down from now on, by the transaction that makes it."""

    def unsound(self) -> list[str]:
        """What the database's own check of itself finds."""


class SqliteStore:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(
                f"file:{self.path}?mode=rw", uri=True, timeout=30, isolation_level=None
            )
            try:
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise OSError(f"{self.path}: {error}") from error

    def rows(self, sql: str) -> list[Row]:
        with self.connected() as connection:
            return connection.execute(sql).fetchall()

    def watch(self) -> None:
        with self.connected() as connection:
            connection.executescript(_SQLITE_HISTORY)

    def unsound(self) -> list[str]:
        found = [text for (text,) in self.rows("PRAGMA integrity_check") if text != "ok"]
        return found + [f"foreign key: {row}" for row in self.rows("PRAGMA foreign_key_check")]


class PostgresStore:
    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, sql: str) -> list[Row]:
        try:
            with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                return connection.execute(sql).fetchall()
        except psycopg.Error as error:
            raise OSError(str(error)) from error

    def watch(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(_POSTGRES_HISTORY)

    def unsound(self) -> list[str]:
        return []


def patiently(store: Store, sql: str, *, within_s: float = 60.0) -> list[Row]:
    """Ask again while the database is away."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return store.rows(sql)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
