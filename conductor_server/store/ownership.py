"""A SQLite file belongs to one server: limits, sessions and the order of writes are kept by its one writer thread."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from conductor_server.model.errors import ConductorError
from conductor_server.store.database import Database


@contextlib.contextmanager
def sole_server(database: Database) -> Iterator[None]:
    """Hold the database file until the context ends; PostgreSQL takes any number of servers.

    Raises ConductorError when another process holds it. The lock goes with the process, however that ends.
    """
    if not database.is_sqlite or not database.url.database:
        yield
        return
    path = Path(f"{database.url.database}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode().strip() or "unknown"
            raise ConductorError(
                f"another server (process {holder}) works on {database.url.database}: stop it, or give this one "
                "another --database; several servers need PostgreSQL"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def check_soundness(database: Database) -> None:
    """Have SQLite look through its file. Raises ConductorError for one that is damaged.

    Work on such a file would go on for a while, and then lose more than the damage took.
    """
    if not database.is_sqlite:
        return
    try:
        found = database.read(lambda db: db.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    except sa.exc.DatabaseError as error:
        found = str(error.orig)
    found = str(found).splitlines()[-1]
    if found != "ok":
        raise ConductorError(
            f"the database {database.url.database} is damaged ({found}): put a backup in its place; nothing was changed"
        )
