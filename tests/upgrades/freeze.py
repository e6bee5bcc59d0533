"""``make baseline``: keep what a release leaves behind in the field, so that every later one is tried on it.

Plays the night of ``night.py`` on both databases and dumps them into ``releases/SCHEMA/``, and records there what an
agent and a server say to each other. What is there already is what was released, and is left alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
import structlog

from conductor_server.store.database import Database
from conductor_server.store.upgrade import upgrade
from tests.postgres import fresh_database, postgres_server
from tests.support.database import opened
from tests.support.world import World
from tests.upgrades import dumps, night, recorder


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))  # errors only
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "night.sqlite"
        with opened(f"sqlite:///{file}") as database:
            release = dumps.RELEASES / play(database)
        keep(release / "sqlite.sql", lambda: dumps.dump_sqlite(file))
    with postgres_server() as server, fresh_database(server) as url:
        with opened(url) as database:
            play(database)
        keep(release / "postgresql.sql", lambda: dumps.dump_postgresql(url))
    keep(release / "conversation.txt", recorder.record)


def play(database: Database) -> str:
    """Play the night in an empty database. Answers the revision of its schema."""
    upgrade(database)
    night.play(World(database))
    return database.read(
        lambda db: str(db.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one())
    )


def keep(file: Path, text: Callable[[], str]) -> None:
    if file.exists():
        print(f"{file} was released: it stays")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text())
    print(f"{file} is new")


if __name__ == "__main__":
    main()
