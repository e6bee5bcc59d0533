"""The two ways in: one transaction each, and every promise of the connection."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from conductor_server.model.errors import ConductorError, StoreUnavailableError
from conductor_server.store import events, schema
from conductor_server.store.database import Database
from conductor_server.store.events import Event
from conductor_server.store.ownership import check_soundness
from tests.support.build import at

NOW = at("2026-11-20")


def note(db: sa.Connection) -> None:
    events.append(db, [Event(kind="note", subject="x", message="x")], now=NOW)


def notes(db: sa.Connection) -> int:
    return len(events.after(db, 0))


def test_what_fails_leaves_nothing(database: Database) -> None:
    def work(db: sa.Connection) -> None:
        note(db)
        raise LookupError("half way")

    with pytest.raises(LookupError, match="half way"):
        database.write(work)

    assert database.read(notes) == 0


def test_a_reader_sees_one_moment(database: Database) -> None:
    """Whatever is committed meanwhile."""

    def work(db: sa.Connection) -> tuple[int, int]:
        before = notes(db)
        database.write(note)
        return before, notes(db)

    assert database.read(work) == (0, 0)
    assert database.read(notes) == 1


def test_the_next_reader_sees_the_present(database: Database) -> None:
    for number in range(3):
        assert database.read(notes) == number
        database.write(note)


def test_cascades_work_on_every_connection(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL has no such switch")

    for _ in range(12):
        assert database.read(lambda db: db.exec_driver_sql("PRAGMA foreign_keys").scalar_one()) == 1


def test_instants_keep_their_zone_and_need_one(database: Database) -> None:
    database.write(note)
    [event] = database.read(lambda db: events.after(db, 0))
    assert event.at == NOW
    assert event.at.tzinfo is not None

    naive = sa.insert(schema.event).values(
        at=NOW.replace(tzinfo=None), kind="note", subject="x", message="x", actor="x"
    )
    with pytest.raises(sa.exc.StatementError, match="an instant without a zone cannot be stored"):
        database.write(lambda db: db.execute(naive))


def test_a_deadlock_is_tried_again(postgresql: Database) -> None:
    tries = []

    def work(db: sa.Connection) -> int:
        tries.append(1)
        note(db)
        if len(tries) < 3:
            db.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'victim' USING ERRCODE = '40P01'; END $$"))
        return notes(db)

    assert postgresql.write(work) == 1
    assert len(tries) == 3


def test_a_database_that_is_not_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")
    database = Database(f"postgresql://postgres@/postgres?host={nowhere}")

    with pytest.raises(StoreUnavailableError, match="the database does not answer"):
        database.read(notes)
    database.close()


def test_other_databases_are_refused() -> None:
    with pytest.raises(ConductorError, match="the database 'mysql' is not supported"):
        Database("mysql://localhost/conductor")


@pytest.mark.breaks_history(reason="its file is not there any more")
def test_a_file_that_is_moved_away_is_noticed_and_not_made_anew(sqlite: Database) -> None:
    path = Path(str(sqlite.url.database))
    sqlite.write(note)
    sqlite.check_file()
    moved = path.rename(path.with_suffix(".moved"))

    with pytest.raises(ConductorError, match="was moved or replaced while the server worked on it"):
        sqlite.check_file()
    sqlite.engine.dispose()
    with pytest.raises(ConductorError, match="was moved or replaced"):
        sqlite.read(notes)
    assert not path.exists()

    shutil.copyfile(moved, path)
    with pytest.raises(ConductorError, match="was moved or replaced"):
        sqlite.check_file()


@pytest.mark.breaks_history(reason="its file is damaged")
def test_a_damaged_file_is_refused(sqlite: Database) -> None:
    check_soundness(sqlite)
    path = Path(str(sqlite.url.database))
    sqlite.engine.dispose()
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 8192 * 4096
    whole[middle : middle + 8192] = b"\xff" * 8192
    path.write_bytes(whole)

    with pytest.raises(ConductorError, match=r"is damaged \(.+\): put a backup in its place"):
        check_soundness(sqlite)
