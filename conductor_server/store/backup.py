"""Backups of a SQLite store, taken while a server works on it, and what follows a restore."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from conductor_server.model.errors import ConductorError
from conductor_server.store import incarnations
from conductor_server.store.database import Database
from conductor_server.store.ownership import sole_server
from conductor_server.store.upgrade import upgrade


def back_up(url: str, target: Path, *, token: str, now: dt.datetime) -> None:
    """Copy the store into a file, as it is at one moment. The file is whole, or is not there.

    Raises ConductorError for PostgreSQL, and where there is nothing to copy or no place for it.
    """
    path = _file(url)
    if target.exists():
        raise ConductorError(f"{target} exists: name another file, or remove it")
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(_opened(path)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a second beside it
        _mark(draft, token=token, now=now)
        descriptor = os.open(draft, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise ConductorError(f"{path} cannot be copied into {target}: {error}") from None
    finally:
        for leftover in target.parent.glob(f"{draft.name}*"):
            with suppress(OSError):
                leftover.unlink()


def begin_again(url: str, *, token: str, now: dt.datetime) -> None:
    """This store was restored by other means than ``back_up``. Raises ConductorError where a server works on it."""
    database = Database(url)
    try:
        with sole_server(database):
            upgrade(database)
            database.write(lambda db: incarnations.begin(db, token=token, now=now))
    finally:
        database.close()


def _file(url: str) -> Path:
    database = Database(url)
    database.close()
    if not database.is_sqlite:
        raise ConductorError(
            f"{database.shown_url} is not a file: use pg_dump, and `conductor-server restored` after pg_restore"
        )
    path = Path(database.url.database or "")
    if not path.is_file():
        raise ConductorError(f"there is no database {path}")
    return path


def _opened(path: Path) -> sqlite3.Connection:
    """For reading; it must not be made where it does not exist."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)


def _mark(path: Path, *, token: str, now: dt.datetime) -> None:
    """Let the copy know that it is one."""
    database = Database(f"sqlite:///{path}")
    try:
        upgrade(database)  # one of an older release has no place for the mark
        database.write(lambda db: incarnations.mark_as_copy(db, token=token, now=now))
    finally:
        database.close()
    with closing(sqlite3.connect(path)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")
