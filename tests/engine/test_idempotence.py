"""What is as it should be is not written again: a second pass changes no row, whatever came before."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from conductor_server.engine.reconciler import STEPS
from conductor_server.engine.step import Step, Tick
from conductor_server.model.definition import Matrix, Retry
from conductor_server.model.states import Frequency, RetryKind, StartPolicy
from conductor_server.store import schema
from tests.support.build import DAY, HOUR, MINUTE, account, definition, members, reads
from tests.support.world import World


@pytest.fixture
def busy(world: World) -> World:
    """Something of everything, after a day and a half: succeeded, failed, running and waiting, in three zones."""
    backoff = Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=2, base=MINUTE)
    world.declare(
        definition("once", frequency=Frequency.ONE_OFF, matrix="default"),
        definition("hour", frequency=Frequency.HOURLY, retry=backoff),
        definition("day", reads_from=reads("hour", "once", "day")),
        definition("bid", matrix="keyword", reads_from=reads("day")),
        definition("week", frequency=Frequency.WEEKLY, matrix="default", reads_from=reads("bid", "day")),
        definition("alarm", reads_from=reads("day"), start_policy=StartPolicy.AFTER_FIRST_FAILURE),
        definition(
            "tick", frequency=Frequency.CRON, cron="*/30 8-18 * * 1-5", starts_on=dt.date(2026, 11, 20)
        ),
        accounts=[
            account("acme", timezone="America/New_York", max_running=3),
            account("bolt", timezone="Asia/Kolkata", maintenance_until=world.now + DAY),
            account("corp", timezone="+05:45"),
        ],
        matrices=[Matrix(name="keyword", parent="account", members=members("acme", "shoes", "hats"))],
        pools={"warehouse": 2},
    )
    world.tick()
    world.tick(after=36 * HOUR)
    held = list(world.claim(9).items())
    world.run_all(failing={slot for slot, _ in held[:4]})
    return world


def test_a_second_pass_changes_nothing(busy: World) -> None:
    busy.tick()
    before = rows(busy)

    again = busy.tick_once()

    assert again.changed == {}
    assert rows(busy) == before


def test_reading_the_sources_again_changes_nothing(busy: World) -> None:
    busy.tick()
    busy.read_again()

    assert busy.tick_once().changed == {}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_step_that_has_done_its_work_writes_nothing(busy: World, step: Step) -> None:
    tick = Tick(now=busy.now, settings=busy.settings, readings=tuple(busy.declared.values()))
    busy.tick()

    def written(db: sa.Connection) -> int:
        before = _changes(db)
        assert step(db, tick).changed == 0
        return _changes(db) - before

    assert busy.write(written) == 0


def _changes(db: sa.Connection) -> int:
    """Rows that this transaction has written so far, temporary tables apart."""
    if db.dialect.name == "sqlite":
        return (
            0  # its counter includes temporary tables; ``changed`` and the rows themselves are compared above
        )
    statement = sa.text(
        "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables"
        " WHERE schemaname = 'public'"
    )
    return int(db.execute(statement).scalar_one())


def rows(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the store."""
    return world.read(
        lambda db: {
            table.name: [tuple(row) for row in db.execute(sa.select(table).order_by(*table.primary_key))]
            for table in schema.metadata.sorted_tables
        }
    )
