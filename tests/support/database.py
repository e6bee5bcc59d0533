"""Databases for tests: migrated once a session, then copied, one for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from conductor_server.store import schema
from conductor_server.store.database import Database
from conductor_server.store.upgrade import upgrade
from tests.postgres import fresh_database
from tests.support import history


def migrated_file(folder: Path) -> Path:
    """A SQLite file with the present schema, to be copied; it writes down its history."""
    path = folder / "template.sqlite"
    with opened(f"sqlite:///{path}") as database:
        upgrade(database)
        database.write(history.install)
    return path


@contextmanager
def sqlite_copy(template: Path, folder: Path) -> Iterator[Database]:
    path = folder / "conductor.sqlite"
    shutil.copyfile(template, path)
    with opened(f"sqlite:///{path}") as database:
        yield database


@contextmanager
def migrated_postgres(server_url: str) -> Iterator[str]:
    """A PostgreSQL database with the present schema, to be used as a template: nobody stays connected to it."""
    with fresh_database(server_url) as url:
        with opened(url) as database:
            upgrade(database)
            database.write(history.install)
        yield url


@contextmanager
def postgres_copy(server_url: str, template_url: str) -> Iterator[Database]:
    with fresh_database(server_url, template=template_url) as url, opened(url) as database:
        yield database


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    if database.is_sqlite:
        # A test's data need not survive the machine: without this the tests wait for the disk, not for the code.
        sa.event.listen(
            database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF")
        )
    try:
        yield database
    finally:
        database.close()


def columns(db: sa.Connection) -> set[tuple[str, ...]]:
    """Every column with its type, default and constraints."""
    catalogue = sa.inspect(db)
    return {
        (table, *(str(column.get(fact)) for fact in ("name", "type", "nullable", "default", "autoincrement")))
        for table in schema.metadata.tables
        for column in catalogue.get_columns(table)
    }


def indexes(db: sa.Connection) -> set[str]:
    """Every index, as its database writes it down, spaces and quotes apart."""
    query = (
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if db.dialect.name == "sqlite"
        else "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    definitions = {
        " ".join(str(text).replace('"', "").split()) for text in db.execute(sa.text(query)).scalars()
    }
    not_ours = "alembic_version", history.log.name
    return {text for text in definitions if not any(name in text for name in not_ours)}
