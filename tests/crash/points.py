"""Where a server is struck: at its N-th statement or its N-th commit, and what happens to it there."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, NoReturn

import psycopg
import sqlalchemy as sa

from conductor_server.model.errors import StoreUnavailableError


class Kind(Enum):
    """What happens at a point; the value says it to people."""

    BEFORE_STATEMENT = "killed before a statement"
    AFTER_STATEMENT = "killed after a statement"
    BEFORE_COMMIT = "killed before a commit"
    AFTER_COMMIT = "killed after a commit, before the answer"
    FAILED = "a write fails before its commit"
    UNHEARD = "a write is committed, and reported as failed"
    CUT = "the connection is lost at a statement"
    CUT_AT_COMMIT = "the connection is lost at a commit"

    @property
    def counts_commits(self) -> bool:
        return self in _AT_COMMITS


_AT_COMMITS = frozenset(
    {Kind.BEFORE_COMMIT, Kind.AFTER_COMMIT, Kind.FAILED, Kind.UNHEARD, Kind.CUT_AT_COMMIT}
)
CUTS = frozenset({Kind.CUT, Kind.CUT_AT_COMMIT})
"""Only on a database that is reached by a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The ``number``-th statement or commit of a server's life, counted from 1."""

    kind: Kind
    number: int


class Trap:
    """Counts what a server does, and strikes at one point; never, without one."""

    def __init__(self, point: Point | None) -> None:
        self.statements = 0
        self.commits = 0
        self.clashes = 0
        self._point = point

    def watch(self, engine: sa.Engine) -> None:
        """From now on count the engine's statements and commits. Reads are not committed."""
        sa.event.listen(engine, "before_cursor_execute", self._before, retval=True)
        sa.event.listen(engine, "after_cursor_execute", self._after)
        sa.event.listen(engine, "commit", self._at_commit)

    def worked(self) -> None:
        """A write has done its work, and is not committed."""
        if self._is(Kind.FAILED, self.commits + 1):
            raise StoreUnavailableError("the database does not answer: so the test says, before the commit")

    def written(self) -> None:
        """A write was committed, and its caller has not heard of it."""
        if self._is(Kind.AFTER_COMMIT, self.commits):
            die()
        if self._is(Kind.UNHEARD, self.commits):
            raise StoreUnavailableError("the database does not answer: so the test says, after the commit")

    def _before(
        self, _db: sa.Connection, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> tuple[str, Any]:
        self.statements += 1
        if self._is(Kind.BEFORE_STATEMENT, self.statements):
            die()
        if self._is(Kind.CUT, self.statements):
            cut(cursor)
        return self._statement(statement, parameters, many=many)

    def _statement(self, statement: str, parameters: Any, *, many: bool) -> tuple[str, Any]:
        return statement, parameters

    def _after(self, *_: Any) -> None:
        if self._is(Kind.AFTER_STATEMENT, self.statements):
            die()

    def _at_commit(self, db: sa.Connection) -> None:
        self.commits += 1
        if self._is(Kind.BEFORE_COMMIT, self.commits):
            die()
        if self._is(Kind.CUT_AT_COMMIT, self.commits):
            cut(db.connection.cursor())

    def _is(self, kind: Kind, number: int) -> bool:
        """Once: whoever survives it tries again."""
        if self._point != Point(kind=kind, number=number):
            return False
        self._point = None
        return True


class Clashes(Trap):
    """Every transaction is hit with that chance by a deadlock or a serialisation failure, which PostgreSQL itself
    raises."""

    def __init__(self, seed: int, *, chance: float) -> None:
        super().__init__(None)
        self._rng = Random(seed)
        self._chance = chance
        self._in = 0

    def watch(self, engine: sa.Engine) -> None:
        super().watch(engine)
        sa.event.listen(engine, "begin", self._begin)

    def _begin(self, _db: sa.Connection) -> None:
        hit = self._rng.random() < self._chance
        self._in = self._rng.randrange(1, 6) if hit else 0

    def _statement(self, statement: str, parameters: Any, *, many: bool) -> tuple[str, Any]:
        # at the chosen statement, or the next one that is not sent for many rows at once
        self._in = self._in - 1 if self._in > 1 or not many else self._in
        if self._in != 0 or many:
            return statement, parameters
        self._in = -1
        self.clashes += 1
        state = self._rng.choice(("40001", "40P01"))
        return (
            f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}', MESSAGE = 'so the test says'; END $$",
            (),
        )


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives this")


def cut(cursor: Any) -> None:
    """The server of the database ends the session. Who goes on to use it, sees that."""
    with suppress(psycopg.Error):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
