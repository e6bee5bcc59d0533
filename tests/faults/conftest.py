"""The two databases of the matrix: each row gets its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

import pytest

from tests.faults.declaration import SQLITE
from tests.faults.stores import PostgresStore, Store
from tests.faults.world import sqlite_of
from tests.postgres import fresh_database


@pytest.fixture(scope="session")
def seed() -> int:
    """Picks the moments. Given, or drawn and printed."""
    seed = int(os.environ.get("CONDUCTOR_SOAK_SEED") or SystemRandom().randrange(10**6))
    print(f"\nCONDUCTOR_SOAK_SEED={seed}")
    return seed


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: as root PostgreSQL runs as another user, and any other session takes its way there from it."""
    with tempfile.TemporaryDirectory(prefix="conductor-faults-") as folder:
        yield Path(folder).resolve()


@pytest.fixture
def make_store(request: pytest.FixtureRequest, store: str, folder: Path) -> Iterator[Callable[[], Store]]:
    """Makes the database of a row."""
    with ExitStack() as stack:

        def make() -> Store:
            if store == SQLITE:
                return sqlite_of(folder)
            server = request.getfixturevalue("postgres_url")
            return PostgresStore(stack.enter_context(fresh_database(server)))

        yield make
