"""A server in a process of its own, which is really killed: the real engine, requests and operations over the store.

Its process is forked from one that has no threads, and has run every statement before: SQLAlchemy then has them built.
Whatever reaches a server by gRPC in the product reaches this one by a pipe.
"""

from __future__ import annotations

import datetime as dt
import gc
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from conductor_server.engine import operations
from conductor_server.engine.reconciler import Pass, reconcile_once
from conductor_server.engine.step import EngineSettings
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import ConductorError, StoreUnavailableError
from conductor_server.rpc import agent_requests
from conductor_server.rpc.agent_requests import Registered, Request
from conductor_server.store import agents, leases, matrices
from conductor_server.store.database import Database, Work
from tests.crash.points import Trap
from tests.support.build import OWNER
from tests.support.clock import VirtualClock

T = TypeVar("T")


class StruckDatabase(Database):
    """The real store. Writes happen in the caller's thread: statements have one order, and a fork copies no thread."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.trap = Trap(None)
        if self.is_sqlite:
            # who is killed leaves the page cache behind: only a machine that stops needs the disk
            sa.event.listen(self.engine, "connect", _do_not_wait_for_the_disk)

    def submit(self, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()

        def watched(db: sa.Connection) -> T:
            result = work(db)
            self.trap.worked()
            return result

        try:
            result = self._write(watched)
            self.trap.written()
            future.set_result(result)
        except Exception as error:
            future.set_exception(error)
        return future


def _do_not_wait_for_the_disk(connection: Any, _entry: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


# ------------------------------------------------------------------------------------------------ what it can be asked


def install(database: Database, _settings: EngineSettings, *, now: dt.datetime) -> None:
    database.write(lambda db: matrices.install(db, sources=(), timezone="UTC", now=now))


def passes(
    database: Database,
    settings: EngineSettings,
    *,
    now: dt.datetime,
    readings: tuple[Declarations, ...],
) -> list[Pass]:
    """Passes of the engine until there is no more to do, as its loop makes them."""
    clock = VirtualClock(now)
    done = [reconcile_once(database, clock, settings, readings)]
    while done[-1].more:
        done.append(reconcile_once(database, clock, settings))
    return done


def register(
    database: Database,
    settings: EngineSettings,
    *,
    now: dt.datetime,
    registration: agents.Registration,
    held: Sequence[leases.Lease],
) -> Registered:
    return database.write(
        lambda db: agent_requests.register(
            db,
            registration,
            held,
            by=OWNER,
            take_over=False,
            now=now,
            heartbeat_interval=settings.heartbeat_interval,
        )
    )


def group(
    database: Database, settings: EngineSettings, *, now: dt.datetime, requests: Sequence[Request]
) -> list[Any]:
    lost_after = 2 * settings.heartbeat_interval
    return database.write(lambda db: agent_requests.apply_group(db, requests, now=now, lost_after=lost_after))


def operate(
    database: Database,
    _settings: EngineSettings,
    *,
    now: dt.datetime,
    operation: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> Any:
    by = operations.Operator(name="somebody", now=now)
    return database.write(lambda db: operation(db, *arguments, by, **options))


# ------------------------------------------------------------------------------------------------ the process


class Died(Exception):
    """The server was killed: nobody will answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says, and how far it has counted in its life."""

    value: Any = None
    refused: str = ""
    unavailable: bool = False
    broken: str = ""
    statements: int = 0
    commits: int = 0
    clashes: int = 0


class Server(Protocol):
    """What those outside can do with a server."""

    def ask(self, function: Callable[..., Any], **arguments: Any) -> Answer:
        """Raises Died; an AssertionError for what the product would not survive or answer."""
        ...

    def stop(self) -> None:
        """End it without violence."""
        ...


class ServerProcess:
    """A life of the server. Nobody may have the database open here while it begins."""

    def __init__(self, database: StruckDatabase, settings: EngineSettings, trap: Trap) -> None:
        database.engine.dispose()
        self._pipe, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            gc.disable()  # it would look through, and so copy, all that it shares with the other process
            self._pipe.close()
            _serve(theirs, database, settings, trap)
        theirs.close()

    def ask(self, function: Callable[..., Any], **arguments: Any) -> Answer:
        try:
            self._pipe.send((function, arguments))
            answer: Answer = self._pipe.recv()
        except (EOFError, OSError):
            _, status = os.waitpid(self._pid, 0)
            assert os.WIFSIGNALED(status), f"the server ended by itself: {status}"
            assert os.WTERMSIG(status) == signal.SIGKILL
            self._pipe.close()
            raise Died from None
        assert not answer.broken, answer.broken
        return answer

    def stop(self) -> None:
        self._pipe.send(None)
        _, status = os.waitpid(self._pid, 0)
        assert status == 0
        self._pipe.close()


def _serve(pipe: Connection, database: StruckDatabase, settings: EngineSettings, trap: Trap) -> None:
    """Answer until told to stop. Never returns to the code of the process that forked it."""
    try:
        database.trap = trap
        trap.watch(database.engine)
        while (asked := pipe.recv()) is not None:
            function, arguments = asked
            pipe.send(_answer(lambda: function(database, settings, **arguments), trap))  # noqa: B023
        database.engine.dispose()
        os._exit(0)
    finally:
        os._exit(1)


def _answer(act: Callable[[], Any], trap: Trap) -> Answer:
    said: dict[str, Any]
    try:
        said = {"value": act()}
    except StoreUnavailableError:
        said = {"unavailable": True}
    except ConductorError as error:
        said = {"refused": f"{type(error).__name__}: {error}"}
    except Exception:
        said = {"broken": traceback.format_exc()}
    return Answer(statements=trap.statements, commits=trap.commits, clashes=trap.clashes, **said)


class InProcess:
    """A server that nothing happens to, in the caller's process."""

    def __init__(self, database: StruckDatabase, settings: EngineSettings) -> None:
        self._database, self._settings = database, settings

    def ask(self, function: Callable[..., Any], **arguments: Any) -> Answer:
        answer = _answer(lambda: function(self._database, self._settings, **arguments), Trap(None))
        assert not answer.broken, answer.broken
        return answer

    def stop(self) -> None:
        self._database.engine.dispose()
