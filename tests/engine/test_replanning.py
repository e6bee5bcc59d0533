"""Schedules that change while they are in use: what has begun stays, and the rest goes on from there."""

from __future__ import annotations

import datetime as dt

from conductor_server.engine.step import EngineSettings
from conductor_server.model.states import Frequency, SlotState, WindowRule
from conductor_server.store import schema
from conductor_server.store.database import Database
from tests.support.build import DAY, HOUR, MINUTE, account, at, definition, reads
from tests.support.world import World

SUCCEEDED, OPEN = SlotState.SUCCEEDED, SlotState.OPEN


def begun(world: World) -> dict[str, SlotState]:
    return {slot: state for slot, state in world.states().items() if state is not OPEN}


# ------------------------------------------------------------------------------------------------ accounts


def test_an_account_that_moves_goes_on_there_with_the_next_window(world: World) -> None:
    world.declare(definition("job"), accounts=[account(timezone="UTC")])
    world.tick()
    world.tick(after=DAY)  # the 21st, noon

    world.set_accounts(account(timezone="America/New_York"))
    world.tick()

    assert world.windows("job") == {
        "2026-11-21": at("2026-11-21"),  # of UTC, and under way
        "2026-11-22": at("2026-11-22T05:00"),
        "2026-11-23": at("2026-11-23T05:00"),
    }


def test_a_move_runs_nothing_twice(world: World) -> None:
    world.declare(definition("job", starts_on=dt.date(2026, 11, 10)), accounts=[account(timezone="UTC")])
    done = world.run_all()

    world.set_accounts(account(timezone="Asia/Tokyo"))

    assert len(done) == 10
    assert world.run_all() == []


def test_the_window_under_way_is_finished_in_the_old_zone_with_its_parents(world: World) -> None:
    world.declare(
        definition("load"), definition("report", reads_from=reads("load")), accounts=[account(timezone="UTC")]
    )
    world.tick()
    world.tick(after=20 * HOUR)  # 21st, 08:00
    world.set_accounts(account(timezone="America/New_York"))
    world.tick()

    assert world.needs("report@acme/2026-11-21") == ["load@acme/2026-11-21"]
    world.tick(after=16 * HOUR)
    assert world.run_all() == ["load@acme/2026-11-21", "report@acme/2026-11-21"]
    world.tick(after=DAY + 5 * HOUR)
    assert world.run_all() == ["load@acme/2026-11-22", "report@acme/2026-11-22"]


def test_what_was_done_once_is_not_done_again_after_a_move(world: World) -> None:
    once = definition("migrate", frequency=Frequency.ONE_OFF, starts_on=dt.date(2026, 11, 20))
    world.declare(once, accounts=[account(timezone="UTC")])
    assert world.run_all() == ["migrate@acme/once"]

    world.set_accounts(account(timezone="America/New_York"))
    world.tick(after=DAY)

    assert world.run_all() == []


def test_an_earlier_start_adds_what_lies_before(world: World) -> None:
    world.declare(
        definition("job", starts_on=dt.date(2026, 11, 1)), accounts=[account(starts_on=dt.date(2026, 11, 18))]
    )
    assert len(world.run_all()) == 2

    world.set_accounts(account(starts_on=dt.date(2026, 11, 16)))

    assert world.run_all() == ["job@acme/2026-11-16", "job@acme/2026-11-17"]


def test_a_later_start_takes_back_what_has_not_begun(world: World) -> None:
    world.declare(definition("job"), accounts=[account()])
    world.tick()

    world.set_accounts(account(starts_on=dt.date(2026, 11, 22)))
    world.tick()

    assert list(world.states()) == ["job@acme/2026-11-22"]


def test_maintenance_and_limits_of_an_account_replan_nothing(world: World) -> None:
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    before = {slot: world.slot_id(slot) for slot in world.states()}

    kolkata = dt.timezone(dt.timedelta(hours=5, minutes=30))
    until = at("2026-11-22").astimezone(kolkata)
    world.set_accounts(account(maintenance_until=until, max_running=3))
    world.tick()
    world.read_again()

    assert world.tick().changed == {}  # the same instant, however it is written
    assert {slot: world.slot_id(slot) for slot in world.states()} == before


def test_one_accounts_move_brings_back_nothing_that_retention_took(database: Database) -> None:
    world = World(database, settings=EngineSettings(slots_create_extra=DAY, retention=5 * DAY))
    world.declare(
        definition("job", starts_on=dt.date(2026, 11, 17)), accounts=[account("acme"), account("bolt")]
    )
    world.run_all()
    world.live(until=world.now + 10 * MINUTE)
    world.tick(after=7 * DAY)
    world.run_all()
    assert world.count(schema.run) == 14

    world.set_accounts(account("acme"), account("bolt", timezone="Asia/Tokyo"))

    assert world.run_all() == []


# ------------------------------------------------------------------------------------------------ definitions


def test_another_frequency_begins_where_the_last_one_ends_that_has_begun(world: World) -> None:
    world.declare(definition("job", starts_on=dt.date(2026, 11, 18)), accounts=[account()])
    world.run_all()

    hourly = definition("job", starts_on=dt.date(2026, 11, 18), frequency=Frequency.HOURLY)
    world.declare(hourly)
    order = world.run_all()

    assert len(order) == 12
    assert (order[0], order[-1]) == ("job@acme/2026-11-20T00", "job@acme/2026-11-20T11")
    assert world.state("job@acme/2026-11-19") is SUCCEEDED


def test_children_still_need_what_the_old_frequency_left_undone(world: World) -> None:
    start = dt.date(2026, 11, 19)
    report = definition("report", reads_from=reads("load", window=WindowRule.OVERLAP), starts_on=start)
    world.declare(definition("load", starts_on=start), report, accounts=[account()])
    world.tick()
    held = world.claim()

    world.declare(definition("load", starts_on=start, frequency=Frequency.HOURLY), report)
    world.tick()

    assert world.needs("report@acme/2026-11-19") == ["load@acme/2026-11-19"]
    assert world.state("report@acme/2026-11-19") is OPEN
    world.finish(held["load@acme/2026-11-19"])
    assert "report@acme/2026-11-19" in world.run_all()
    assert len(world.needs("report@acme/2026-11-20")) == 24


def test_back_to_the_old_frequency(world: World) -> None:
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.declare(definition("job", frequency=Frequency.HOURLY))
    world.tick(after=26 * HOUR)  # 21st, 14:00
    assert len(world.run_all()) == 26

    world.declare(definition("job"))
    world.tick(after=3 * DAY)

    assert world.run_all() == ["job@acme/2026-11-22", "job@acme/2026-11-23"]


def test_what_waits_for_its_inputs_does_not_get_lost_with_its_frequency(world: World) -> None:
    world.declare(
        definition("load"),
        definition("job", reads_from=reads("load")),
        accounts=[account("acme"), account("bolt")],
    )
    world.tick()
    world.tick(after=36 * HOUR)
    held = world.claim()
    world.finish(held["load@bolt/2026-11-21"])
    world.tick()  # that of bolt has begun; that of acme waits

    world.declare(definition("load"), definition("job", reads_from=reads("load"), frequency=Frequency.HOURLY))
    world.tick()

    assert world.state("job@acme/2026-11-21") is OPEN
    world.finish(held["load@acme/2026-11-21"])
    assert "job@acme/2026-11-21" in world.run_all()


def test_another_end(world: World) -> None:
    world.declare(definition("job", ends_on=dt.date(2026, 11, 22)), accounts=[account()])
    world.tick()
    assert list(world.states()) == ["job@acme/2026-11-21"]

    world.declare(definition("job"))
    world.tick()
    assert list(world.states()) == ["job@acme/2026-11-21", "job@acme/2026-11-22"]

    world.declare(definition("job", ends_on=dt.date(2026, 11, 21)))
    world.tick()
    assert world.states() == {}


def test_an_earlier_start_of_a_definition(world: World) -> None:
    world.declare(definition("job", starts_on=dt.date(2026, 11, 19)), accounts=[account()])
    assert world.run_all() == ["job@acme/2026-11-19"]

    world.declare(definition("job", starts_on=dt.date(2026, 11, 17)))

    assert world.run_all() == ["job@acme/2026-11-17", "job@acme/2026-11-18"]


def test_another_matrix(world: World) -> None:
    world.declare(definition("job", matrix="default"), accounts=[account()])
    world.tick()

    world.declare(definition("job", matrix="account"))
    world.tick()

    assert list(world.states()) == ["job@acme/2026-11-21", "job@acme/2026-11-22"]


def test_a_change_that_is_none_of_the_schedule_keeps_every_slot(world: World) -> None:
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    before = {slot: world.slot_id(slot) for slot in world.states()}

    world.declare(definition("job", priority=9, timeout=HOUR, description="better"))

    assert world.tick().changed == {"ensure_definitions_exist": 1}
    assert {slot: world.slot_id(slot) for slot in world.states()} == before
