"""The flights example's own folders on the path, as the demo and its commands see them, and a warehouse."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

FLIGHTS = Path(__file__).resolve().parents[2] / "examples" / "flights"
sys.path[:0] = [str(FLIGHTS), str(FLIGHTS / "model")]

from night import warehouse  # noqa: E402 - found only now


@pytest.fixture(scope="session")
def warehouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A warehouse with its tables and procedures."""
    with warehouse.started(tmp_path_factory.mktemp("warehouse") / "data") as url:
        yield url


@pytest.fixture
def connection(warehouse_url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """A connection whose changes are taken back."""
    with psycopg.connect(warehouse_url) as connection:
        yield connection
        connection.rollback()
