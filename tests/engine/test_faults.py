"""A row that is broken already, in the store: it stops itself and what needs it, says so, and all others go on."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from conductor_server.model.definition import Account, Definition, Retry
from conductor_server.model.states import Catchup, Frequency, RunStatus, SlotState, StartPolicy
from conductor_server.store import faults, schema
from conductor_server.store.database import Database
from tests.support.build import DAY, HOUR, account, definition, reads
from tests.support.world import World

TABLE = schema.definition

BROKEN = [
    pytest.param({"frequency": 99}, id="unknown-frequency"),
    pytest.param({"frequency": int(Frequency.CRON), "expression": "at tea time"}, id="no-cron-expression"),
    pytest.param({"frequency": int(Frequency.CRON), "expression": "0 0 31 2 *"}, id="never-ticks"),
    pytest.param({"start_policy": 99}, id="unknown-start-policy"),
    pytest.param({"retry_kind": 99}, id="unknown-retry-policy"),
    pytest.param({"retry_parameters": {}}, id="no-retry-parameters"),
    pytest.param({"retry_parameters": ["what"]}, id="retry-parameters-of-another-shape"),
    pytest.param({"catchup": 99}, id="unknown-catchup"),
    pytest.param({"delay_s": 1e300}, id="endless-delay"),
    pytest.param({"delay_s": -1.0}, id="negative-delay"),
    pytest.param({"timeout_s": 1e300}, id="endless-timeout"),
    pytest.param({"catchup_max_age_s": float("inf")}, id="infinite-age"),
    pytest.param({"starts_on": "yesterday"}, id="no-start"),
    pytest.param({"ends_on": "2026-13-01"}, id="no-end"),
]


@pytest.fixture
def night(world: World) -> World:
    """Two nights of two families that have nothing to do with one another: a, b and x, y, z."""
    world.declare(
        definition("a"),
        definition("b", reads_from=reads("a")),
        definition("x"),
        definition("y", reads_from=reads("x")),
        definition("z", reads_from=reads("y")),
        accounts=[account()],
    )
    world.tick()
    world.clock.advance(36 * HOUR)
    assert len(world.run_all()) == 5
    return world


def break_row(world: World, name: str, **values: Any) -> None:
    world.meddle(lambda db: db.execute(sa.update(TABLE).where(TABLE.c.name == name).values(**values)))


def held(world: World) -> dict[str, str]:
    rows = world.read(lambda db: db.execute(sa.select(TABLE.c.name, TABLE.c.held)).all())
    return {row.name: row.held for row in rows if row.held}


@pytest.mark.parametrize("values", BROKEN)
def test_a_broken_definition_stops_itself_and_who_reads_from_it_until_it_is_mended(
    night: World, values: dict[str, Any]
) -> None:
    runs = night.count(schema.run)
    break_row(night, "x", **values)
    night.clock.advance(DAY)

    assert night.run_all() == ["a@acme/2026-11-22", "b@acme/2026-11-22"]

    assert held(night).keys() == {"x", "y"}
    assert night.state("z@acme/2026-11-22") is SlotState.OPEN
    done = night.tick_once(full=True)
    assert [fault.partition(":")[0] for fault in done.faults] == ["definition x is set aside"]
    assert not done.problems
    assert not done.changed
    assert len(night.events("definition.set_aside")) == 1
    assert len(night.events("definition.held")) == 1

    night.read_again()  # what its source declares is written anew

    assert night.run_all() == ["x@acme/2026-11-22", "y@acme/2026-11-22", "z@acme/2026-11-22"]
    assert night.count(schema.run) == runs + 5
    assert held(night) == {}
    assert sorted(night.events("definition.restored")) == ["x goes on", "y goes on"]


def test_a_read_with_an_unknown_window_rule(night: World) -> None:
    night.meddle(lambda db: db.execute(sa.update(schema.definition_reads).values(window_rule=99)))

    night.clock.advance(DAY)

    assert night.run_all() == ["a@acme/2026-11-22", "x@acme/2026-11-22"]
    assert held(night).keys() == {"b", "y", "z"}


def test_an_edge_with_an_unknown_rule_is_written_anew(night: World) -> None:
    night.meddle(lambda db: db.execute(sa.update(schema.dependency).values(window_rule=99, member_rule=99)))
    night.meddle(lambda db: db.execute(sa.update(schema.calendar_relation).values(window_rule=99)))

    night.clock.advance(DAY)

    assert len(night.run_all()) == 5
    assert held(night) == {}


def test_a_broken_calendar_stops_who_is_planned_by_it(night: World) -> None:
    other = definition("hourly", frequency=Frequency.HOURLY, matrix="default")
    night.declare(*night.declared["files"].definitions, other)
    night.tick()
    daily = schema.calendar.c.frequency == Frequency.DAILY
    night.meddle(lambda db: db.execute(sa.update(schema.calendar).where(daily).values(frequency=99)))

    night.clock.advance(DAY)
    ran = night.run_all()

    assert {name.partition("/")[0] for name in ran} == {"hourly"}
    assert held(night).keys() == {"a", "b", "x", "y", "z"}


def test_an_unknown_zone_stops_its_members_and_who_waits_for_all(night: World) -> None:
    total = definition("total", matrix="default", reads_from=reads("a"))
    night.declare(
        *night.declared["files"].definitions, total, accounts=[account(), account("lost"), account("found")]
    )
    night.tick()
    night.clock.advance(DAY)
    night.run_all()
    lost = schema.member.c.token == "lost"
    night.meddle(lambda db: db.execute(sa.update(schema.member).where(lost).values(timezone="Mars/Olympus")))

    night.clock.advance(3 * DAY)
    ran = night.run_all()

    assert {"a@acme/2026-11-25", "b@found/2026-11-25"} <= set(ran)
    assert "a@lost/2026-11-25" not in night.states()
    assert not any(name.startswith("total") for name in ran), "a barrier must not overlook a member"
    assert "needs slots of a for members" in held(night)["total"]
    done = night.tick_once(full=True)
    assert any("'Mars/Olympus'" in fault for fault in done.faults)


def test_text_that_is_no_json_in_sqlite(sqlite: Database) -> None:
    """PostgreSQL lets nobody store such a thing."""
    world = World(sqlite)
    world.declare(definition("a"), definition("x"), accounts=[account()])
    world.tick()
    broken = "UPDATE command_definition SET retry_parameters = '{oh' WHERE name = 'x'"
    world.meddle(lambda db: db.execute(sa.text(broken)))

    world.clock.advance(36 * HOUR)

    assert world.run_all() == ["a@acme/2026-11-21"]
    assert held(world).keys() == {"x"}


def test_a_source_whose_declarations_no_database_takes_stops_itself(world: World) -> None:
    world.declare(definition("a"), accounts=[account()], source="files")
    hostile = Definition(
        name="x",
        source="no such source",
        retry=Retry(),
        start_policy=StartPolicy.AFTER_SUCCESS,
        catchup=Catchup.ALL,
    )
    world.declare(hostile, accounts=[Account(token="nul\0", timezone="Mars/Olympus")], source="plugin")

    done = world.tick_once(full=True)
    world.clock.advance(36 * HOUR)

    assert any("nothing of plugin was applied" in problem for problem in done.problems), done.problems
    assert world.run_all() == ["a@acme/2026-11-21"]


def test_what_was_claimed_already_of_a_definition_set_aside_goes_on(night: World) -> None:
    night.clock.advance(DAY)
    night.tick()
    claimed = night.claim()
    break_row(night, "x", frequency=99)
    night.tick()

    night.finish(claimed["x@acme/2026-11-22"])

    assert night.runs("x@acme/2026-11-22") == [RunStatus.SUCCESS]
    assert night.state("x@acme/2026-11-22") is SlotState.SUCCEEDED


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"n": float("nan")}, id="not-a-number"),
        pytest.param({"deep": [{"n": float("inf")}]}, id="infinite"),
        pytest.param(["argv"], id="no-mapping"),
        pytest.param("argv", id="text"),
    ],
)
def test_specs_that_no_agent_can_be_given(spec: Any) -> None:
    with pytest.raises(ValueError, match=r"no number of JSON|no mapping"):
        faults.check_spec(spec)
