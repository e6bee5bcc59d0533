"""Every schema that was ever released, with a night's data in it, comes to the present one, and the night goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from conductor_server.model.states import Disposition, RunStatus, SlotState, Verdict
from conductor_server.store import engine_state, schema
from conductor_server.store.database import Database
from conductor_server.store.leases import Lease
from conductor_server.store.upgrade import upgrade
from tests.postgres import fresh_database
from tests.support.build import MINUTE
from tests.support.database import columns, indexes, opened
from tests.support.processes import home_in
from tests.support.world import World
from tests.upgrades import dumps, night

Rows = dict[str, Counter[tuple[Any, ...]]]

RELEASES = sorted(path.name for path in dumps.RELEASES.iterdir())


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Path:
    """What a release has left."""
    return dumps.RELEASES / str(request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
def released(request: pytest.FixtureRequest, release: Path, tmp_path: Path) -> Iterator[Database]:
    """A database as that release has left it."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            file = tmp_path / "released.sqlite"
            dumps.load_sqlite(release / "sqlite.sql", file)
            url = f"sqlite:///{file}"
        else:
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_url")))
            dumps.load_postgresql(release / "postgresql.sql", url)
        yield stack.enter_context(opened(url))


def test_no_row_is_lost(released: Database) -> None:
    before = released.read(rows)
    assert len(before) > 20
    assert all(before.values()), "a table without a row proves nothing"

    upgrade(released)

    after = released.read(lambda db: rows(db, like=before))
    for table in before:
        assert after[table] == before[table], table


def test_the_schema_is_that_of_a_new_database(released: Database, request: pytest.FixtureRequest) -> None:
    upgrade(released)

    new: Database = request.getfixturevalue("sqlite" if released.is_sqlite else "postgresql")
    assert released.read(columns) == new.read(columns)
    assert released.read(indexes) == new.read(indexes)


def test_the_night_goes_on(released: Database) -> None:
    upgrade(released)
    world = after_the_upgrade(released)
    decided = {
        slot: state
        for slot, state in world.states().items()
        if state not in (SlotState.OPEN, SlotState.ACTIVE)
    }
    ended = released.read(ended_runs)
    held = lease_of(world, night.HELD)

    world.tick()
    assert world.beat(held, agent=night.AGENT) == [Verdict.CONTINUE]
    told = [world.finish(held, completion="of the night", agent=night.AGENT) for _ in range(2)]
    run_everything(world)

    assert [each.disposition for each in told] == [Disposition.APPLIED, Disposition.DUPLICATE]
    assert world.runs(night.HELD) == [RunStatus.SUCCESS]
    states = world.states()
    kept = {slot: states.get(slot) for slot in decided}
    assert kept == decided, "what was decided stays so"
    assert ended.items() <= released.read(ended_runs).items(), "what was recorded stays so"
    left = {slot for slot, state in world.due_states().items() if state in (SlotState.OPEN, SlotState.ACTIVE)}
    stuck = {"sync@globex", "aggregate@globex", "apology@globex"}  # below what waits for a person
    assert {slot.partition("/")[0] for slot in left} <= stuck
    assert world.state("aggregate@acme/2026-11-20") is SlotState.SUCCEEDED
    check_history(released)


def test_servers_may_migrate_it_at_once(release: Path, postgres_url: str) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(postgres_url))
        dumps.load_postgresql(release / "postgresql.sql", url)
        servers = [stack.enter_context(opened(url)) for _ in range(3)]
        before = servers[0].read(rows)

        with ThreadPoolExecutor(len(servers)) as pool:
            list(pool.map(upgrade, servers))

        assert servers[0].read(lambda db: rows(db, like=before)) == before


def test_a_server_of_an_older_release_refuses_it(release: Path, tmp_path: Path) -> None:
    file = tmp_path / "newer.sqlite"
    dumps.load_sqlite(release / "sqlite.sql", file)
    with opened(f"sqlite:///{file}") as database:
        database.write(lambda db: db.execute(sa.text("UPDATE alembic_version SET version_num = '0999'")))
        before = database.read(rows)

    with home_in(tmp_path) as home:
        done = home.run("conductor-server", "--database", f"sqlite:///{file}")

    assert done.returncode == 1
    assert "is from a newer release (its schema is 0999): start that release, or one after it" in done.stderr
    with opened(f"sqlite:///{file}") as database:
        assert database.read(rows) == before


def after_the_upgrade(database: Database) -> World:
    """Ten minutes after the last pass of the release before, which nobody spent at work."""
    state = database.read(engine_state.load)
    assert state is not None
    world = World(database, now=state.looped_at + 10 * MINUTE)
    night.declare(world)
    return world


def lease_of(world: World, slot: str) -> Lease:
    run = schema.run
    query = sa.select(run.c.id, run.c.epoch).where(
        run.c.slot_id == world.slot_id(slot), run.c.status == RunStatus.RUNNING
    )
    row = world.read(lambda db: db.execute(query).one())
    return Lease(run_id=row.id, epoch=row.epoch)


def run_everything(world: World) -> None:
    """Whatever an agent held that is not there any more is given up, and tried again; all succeeds."""
    world.live(until=world.now + 12 * MINUTE, every=MINUTE)
    for _ in range(2):
        world.live(until=world.now + 10 * MINUTE, every=MINUTE)
        while held := [lease for source in night.SOURCES for lease in world.claim(source=source).values()]:
            for lease in held:
                world.finish(lease)
            world.tick()


def rows(db: sa.Connection, like: Rows | None = None) -> Rows:
    """All that is stored, but for the schema's number; with ``like`` only the tables and columns that it has."""
    found: Rows = {}
    catalogue = sa.inspect(db)
    for table in sorted(set(catalogue.get_table_names()) - {"alembic_version"}):
        names = [column["name"] for column in catalogue.get_columns(table)]
        if like is not None:
            if table not in like:
                continue
            names = [name for name in names if name in _names(like[table])]
        quoted = ", ".join(f'"{name}"' for name in sorted(names))
        found[table] = Counter(
            tuple((name, repr(value)) for name, value in zip(sorted(names), row, strict=True))
            for row in db.exec_driver_sql(f"SELECT {quoted} FROM {table}").all()
        )
    return found


def _names(stored: Counter[tuple[Any, ...]]) -> set[str]:
    return {name for name, _ in next(iter(stored), ())}


def ended_runs(db: sa.Connection) -> dict[int, tuple[Any, ...]]:
    """How every run that is over ended, by its number."""
    run = schema.run
    query = sa.select(run.c.id, run.c.status, run.c.attempt, run.c.slot_id, run.c.completion_id, run.c.error)
    over = run.c.status.not_in((RunStatus.WAITING, RunStatus.RUNNING))
    return {row.id: tuple(row[1:]) for row in db.execute(query.where(over))}


def check_history(database: Database) -> None:
    """Attempts without a gap, and numbers that grow with them; one success a slot, the one that it names."""
    run, slot = schema.run, schema.slot
    query = sa.select(run.c.slot_id, run.c.id, run.c.attempt, run.c.status).order_by(
        run.c.slot_id, run.c.attempt
    )
    by_slot: dict[int, list[Any]] = {}
    for row in database.read(lambda db: db.execute(query).all()):
        by_slot.setdefault(row.slot_id, []).append(row)
    named = dict(database.read(lambda db: db.execute(sa.select(slot.c.id, slot.c.success_run_id)).all()))
    for number, runs in by_slot.items():
        assert [each.attempt for each in runs] == list(range(1, len(runs) + 1))
        assert [each.id for each in runs] == sorted(each.id for each in runs)
        succeeded = [each.id for each in runs if each.status == RunStatus.SUCCESS]
        assert succeeded == [named[number]] if succeeded else named[number] is None
