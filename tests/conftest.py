"""Fixtures of all tests: the two databases, each test with its own; at its end each is audited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conductor_server.store.database import Database
from tests.postgres import database_url, postgres_url
from tests.support.audit import audit_after
from tests.support.database import migrated_file, migrated_postgres, postgres_copy, sqlite_copy
from tests.support.world import World

__all__ = ["database_url", "postgres_url"]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_file(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    with migrated_postgres(postgres_url) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty store of the present schema: each test that asks for it runs on both databases."""
    store: Database = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def sqlite(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    with sqlite_copy(sqlite_template, tmp_path) as database:
        yield database
        audit_after(request, database)


@pytest.fixture
def postgresql(
    request: pytest.FixtureRequest, postgres_url: str, postgres_template: str
) -> Iterator[Database]:
    with postgres_copy(postgres_url, postgres_template) as database:
        yield database
        audit_after(request, database)


@pytest.fixture
def world(database: Database) -> World:
    """A world at noon of 20 November 2026, a Friday, on both databases."""
    return World(database)
