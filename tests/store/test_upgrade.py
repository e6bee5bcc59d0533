"""Migrations: they lead to the schema that the code believes in, and only forwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from conductor_server.model.errors import ConductorError
from conductor_server.store import migrations, schema
from conductor_server.store.database import Database
from conductor_server.store.upgrade import upgrade
from tests.postgres import fresh_database
from tests.support import history
from tests.support.database import columns, indexes, opened

Open = Callable[[], Database]


@pytest.fixture(params=["sqlite", "postgresql"])
def open_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens one and the same empty database, as every server would that starts on it."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
        else:
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_url")))
        yield lambda: stack.enter_context(opened(url))


def test_migrations_lead_to_the_schema(database: Database) -> None:
    def differences(db: sa.Connection) -> list[object]:
        options = {"compare_type": True, "include_object": _is_comparable}
        context = MigrationContext.configure(db, opts=options)
        return list(compare_metadata(context, schema.metadata))

    assert database.read(differences) == []


def test_migrations_make_what_the_schema_would_make(open_empty: Open) -> None:
    database = open_empty()
    upgrade(database)
    migrated = database.read(columns), database.read(indexes)

    database.write(schema.metadata.drop_all)
    database.write(schema.metadata.create_all)

    assert (database.read(columns), database.read(indexes)) == migrated


def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    upgrade(database)

    assert database.read(_revision) == newest()


def test_servers_may_start_at_once(open_empty: Open) -> None:
    servers = [open_empty() for _ in range(4)]

    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(upgrade, servers))

    assert servers[0].read(_revision) == newest()


def test_a_database_from_a_newer_release_is_refused(database: Database) -> None:
    database.write(lambda db: db.execute(sa.text("UPDATE alembic_version SET version_num = '0999'")))

    with pytest.raises(ConductorError, match="is from a newer release"):
        upgrade(database)


def newest() -> str | None:
    """The revision that the migrations lead to."""
    folder = Path(migrations.__file__).parent
    return ScriptDirectory(str(folder)).get_current_head()


def _revision(db: sa.Connection) -> str:
    return str(db.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one())


def _is_comparable(_thing: object, name: str | None, *_: object) -> bool:
    """alembic cannot read an index over an expression back; the next test compares it by its text. The log of the
    history belongs to the tests.
    """
    return name not in ("command_run_waiting_idx", history.log.name)
