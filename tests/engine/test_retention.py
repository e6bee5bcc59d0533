"""What was decided long ago goes; what somebody still needs stays."""

from __future__ import annotations

import pytest

from conductor_server.engine.step import EngineSettings
from conductor_server.model.definition import Retry
from conductor_server.model.states import SlotState
from conductor_server.store import agents, schema
from conductor_server.store.agents import Registration
from conductor_server.store.database import Database
from tests.support.build import DAY, HOUR, account, definition, reads
from tests.support.world import World


@pytest.fixture
def world(database: Database) -> World:
    """Keeps what was decided for five days."""
    return World(database, settings=EngineSettings(slots_create_extra=DAY, retention=5 * DAY, batch=2))


def test_old_slots_go_with_their_runs(world: World) -> None:
    world.declare(definition("job", ends_on=(world.now + 2 * DAY).date()), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    assert world.run_all() == ["job@acme/2026-11-21"]

    world.tick(after=5 * DAY)
    assert list(world.states()) == ["job@acme/2026-11-21"]
    world.tick(after=HOUR)

    assert world.states() == {}
    assert world.count(schema.run) == 0


def test_what_an_undecided_child_needs_stays(world: World) -> None:
    ends_on = (world.now + 2 * DAY).date()
    world.declare(
        definition("load", ends_on=ends_on),
        definition("fails", ends_on=ends_on, retry=Retry(attempts=1)),
        definition("report", ends_on=ends_on, reads_from=reads("load", "fails")),
        accounts=[account()],
    )
    world.tick()
    world.tick(after=36 * HOUR)
    world.run_all(failing={"fails@acme/2026-11-21"})

    world.tick(after=30 * DAY)

    assert world.states() == {
        "load@acme/2026-11-21": SlotState.SUCCEEDED,
        "fails@acme/2026-11-21": SlotState.FAILED,
        "report@acme/2026-11-21": SlotState.OPEN,
    }


def test_what_retention_took_opens_nothing_that_it_had_decided(world: World) -> None:
    """A child that was skipped on account of a parent stays skipped when the parent is gone."""
    missed = definition("parent", ends_on=(world.now + 2 * DAY).date())
    world.declare(
        missed,
        definition("child", ends_on=(world.now + 2 * DAY).date(), reads_from=reads("parent")),
        accounts=[account()],
    )
    world.tick()
    slot = schema.slot
    world.tick(after=36 * HOUR)
    [lease] = world.claim().values()
    world.finish(lease)
    skipped = slot.update().where(slot.c.id == world.slot_id("parent@acme/2026-11-21"))
    world.write(
        lambda db: db.execute(skipped.values(state=SlotState.SKIPPED, decided_at=world.now - 3 * DAY))
    )
    world.tick()
    assert world.state("child@acme/2026-11-21") is SlotState.SKIPPED

    world.tick(after=3 * DAY)

    assert world.states() == {"child@acme/2026-11-21": SlotState.SKIPPED}


def test_batches_go_until_nothing_is_left(world: World) -> None:
    everyone = [account(f"a{number}") for number in range(7)]
    world.declare(definition("job", ends_on=(world.now + 2 * DAY).date()), accounts=everyone)
    world.tick()
    world.tick(after=36 * HOUR)
    world.run_all()

    world.clock.advance(6 * DAY)

    assert world.tick_once().more
    world.tick()
    assert world.states() == {}


def test_agents_that_are_long_gone_are_forgotten(world: World) -> None:
    registration = Registration(
        name="etl-1", instance="1", host="db1", pid=7, version="0.1.0", capacities={"shell": 5}
    )
    world.write(
        lambda db: agents.register(
            db, registration, take_over=False, alive_since=world.now - HOUR, now=world.now
        )
    )

    world.tick(after=6 * DAY)

    assert world.read(agents.all_agents) == []


def test_nothing_goes_where_retention_is_not_set(database: Database) -> None:
    world = World(database)
    world.declare(definition("job", ends_on=(world.now + 2 * DAY).date()), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    world.run_all()

    world.tick(after=999 * DAY)

    assert list(world.states()) == ["job@acme/2026-11-21"]
