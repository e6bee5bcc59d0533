"""Brings a database to the schema of this release: called once, before anything else uses it."""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from conductor_server.model.errors import ConductorError
from conductor_server.store import dialect
from conductor_server.store.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"

_one_at_a_time = threading.Lock()  # alembic keeps the migration that it runs in a module


def upgrade(database: Database) -> None:
    """Run the migrations that are missing, all in one transaction: an interrupted upgrade leaves nothing behind.

    Servers that start at the same time wait for one another. Raises ConductorError when the database is from a newer
    release.
    """
    with _one_at_a_time:
        database.write(lambda db: _upgrade(db, shown_url=database.shown_url))


def configuration(db: sa.Connection) -> Config:
    """What alembic is told: where the migrations are, and the connection to run them on."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = db
    return config


def _upgrade(db: sa.Connection, *, shown_url: str) -> None:
    dialect.lock_schema(db)
    config = configuration(db)
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    unknown = set(MigrationContext.configure(db).get_current_heads()) - known
    if unknown:
        raise ConductorError(
            f"the database {shown_url} is from a newer release (its schema is {', '.join(sorted(unknown))}): "
            "start that release, or one after it"
        )
    command.upgrade(config, "head")
