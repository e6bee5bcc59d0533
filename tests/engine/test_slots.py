"""Which slots there are: by frequency, zone, start and end, and for which members."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from conductor_server.model.definition import Matrix
from conductor_server.model.states import Frequency, SlotState
from conductor_server.policy import planning
from tests.support.build import DAY, HOUR, account, at, definition, members, reads
from tests.support.world import World


def labels(world: World, name: str) -> list[str]:
    return [slot.partition("/")[2] for slot in world.states(name)]


HOURLY = {"frequency": Frequency.HOURLY, "ends_on": at("2026-11-20T15:00")}
WEEKLY = {"frequency": Frequency.WEEKLY, "starts_on": at("2026-11-01")}
MONTHLY = {"frequency": Frequency.MONTHLY, "starts_on": dt.date(2026, 9, 2)}
ONE_OFF = {"frequency": Frequency.ONE_OFF}
FAR_OFF = {"frequency": Frequency.ONE_OFF, "starts_on": dt.date(2027, 1, 1)}
CRON = {"frequency": Frequency.CRON, "cron": "30 6,18 * * *", "ends_on": dt.date(2026, 11, 22)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(HOURLY, "2026-11-20T12 2026-11-20T13 2026-11-20T14", id="hourly"),
        pytest.param({}, "2026-11-21 2026-11-22", id="daily"),
        pytest.param(WEEKLY, "2026-W45 2026-W46 2026-W47", id="weekly"),
        pytest.param(MONTHLY, "2026-10 2026-11", id="monthly"),
        pytest.param(ONE_OFF, "once", id="one-off"),
        pytest.param(FAR_OFF, "", id="one-off-beyond-the-horizon"),
        pytest.param(CRON, "2026-11-20T18:30 2026-11-21T06:30 2026-11-21T18:30", id="cron"),
        pytest.param(
            {"starts_on": dt.date(2026, 11, 20)}, "2026-11-20 2026-11-21 2026-11-22", id="start-in-the-past"
        ),
        pytest.param({"ends_on": dt.date(2026, 11, 22)}, "2026-11-21", id="ends-on"),
        pytest.param({"matrix": "default"}, "2026-11-21 2026-11-22", id="default-matrix"),
    ],
)
def test_slots_from_the_start_to_the_horizon(world: World, said: dict[str, Any], expected: str) -> None:
    world.declare(definition("job", **said), accounts=[account()])

    world.tick()

    assert labels(world, "job") == expected.split()


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        pytest.param("America/New_York", "2026-03-08", 23, id="spring"),
        pytest.param("America/New_York", "2026-11-01", 25, id="autumn"),
        pytest.param("Australia/Lord_Howe", "2026-10-04", 24, id="half-an-hour-shift"),
        pytest.param("UTC", "2026-03-08", 24, id="utc"),
    ],
)
def test_a_day_needs_as_many_hours_as_it_has(world: World, timezone: str, day: str, hours: int) -> None:
    """The report is due when its day is over there, and waits for every hour of it."""
    world.clock.leap(at(day) - 2 * DAY - world.now)
    hourly = definition("hour", frequency=Frequency.HOURLY)
    daily = definition("day", reads_from=reads("hour"))
    world.declare(hourly, daily, accounts=[account(timezone=timezone)])
    world.tick()

    world.tick(after=3 * DAY + 16 * HOUR)

    assert len(world.needs(f"day@acme/{day}")) == hours
    assert sum(name.startswith(f"hour@acme/{day}") for name in world.run_all()) == hours
    assert world.state(f"day@acme/{day}") is SlotState.SUCCEEDED


def test_a_day_waits_for_its_last_hour(world: World) -> None:
    hourly = definition("hour", frequency=Frequency.HOURLY)
    daily = definition("day", reads_from=reads("hour"))
    world.declare(hourly, daily, accounts=[account(timezone="America/New_York")])
    world.tick()
    world.tick(after=2 * DAY)

    world.run_all(failing={"hour@acme/2026-11-21T23"})

    assert world.state("day@acme/2026-11-21") is SlotState.OPEN


def test_a_day_between_the_hours_of_utc_needs_all_25_that_overlap_it(world: World) -> None:
    """The hours are those of UTC, the day is Kolkata's, half an hour off."""
    hourly = definition("hour", frequency=Frequency.HOURLY, matrix="default")
    daily = definition("day", reads_from=reads("hour"))
    world.declare(hourly, daily, accounts=[account(timezone="Asia/Kolkata")])
    world.tick()
    world.tick(after=2 * DAY)

    assert len(world.needs("day@acme/2026-11-21")) == 25
    world.run_all(failing={"hour/2026-11-21T18"})
    assert world.due_states("day") == {"day@acme/2026-11-21": SlotState.OPEN}  # its last half hour is missing
    world.rerun("hour/2026-11-21T18")

    assert world.run_all() == ["hour/2026-11-21T18", "day@acme/2026-11-21"]


def test_members_that_join_have_slots_from_then_on(world: World) -> None:
    world.declare(definition("job"), accounts=[account("acme")])
    world.tick()
    world.tick(after=DAY)

    world.set_accounts(account("acme"), account("bolt", starts_on=None))
    world.tick(after=HOUR)

    assert {name for name in world.states() if "bolt" in name} == {
        "job@bolt/2026-11-22",
        "job@bolt/2026-11-23",
    }


def test_members_that_leave_take_their_slots_along(world: World) -> None:
    everyone = [account(f"a{number}") for number in range(5)]
    world.declare(definition("job"), accounts=everyone)
    world.tick()

    world.set_accounts(*everyone[1:])
    world.tick()

    assert {name.partition("/")[0] for name in world.states()} == {f"job@a{number}" for number in range(1, 5)}


def test_a_member_that_comes_late_still_gets_what_is_done_once(world: World) -> None:
    world.declare(definition("job", frequency=Frequency.ONE_OFF), accounts=[account("acme")])
    world.run_all()

    world.set_accounts(account("acme"), account("bolt", starts_on=None))
    world.tick(after=30 * DAY)

    assert world.run_all() == ["job@bolt/once"]


def test_a_long_past_is_worked_off_in_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "WINDOWS_MAX", 7)
    hourly = definition(
        "hour", frequency=Frequency.HOURLY, starts_on=at("2026-11-18"), ends_on=at("2026-11-20")
    )
    world.declare(hourly, accounts=[account()])

    first = world.tick_once()
    assert first.more
    world.tick()

    assert len(world.states("hour")) == 48
    assert world.tick().changed == {}


def test_the_horizon_moves_with_time(world: World) -> None:
    world.declare(definition("job"), accounts=[account()])
    world.tick()

    world.tick(after=3 * DAY)

    assert labels(world, "job")[-1] == "2026-11-25"


def test_keywords_live_below_their_accounts(world: World) -> None:
    keywords = Matrix(name="keyword", parent="account", members=members("acme", "shoes", "hats"))
    world.declare(
        definition("bid", matrix="keyword"), accounts=[account(timezone="Asia/Tokyo")], matrices=[keywords]
    )

    world.tick()

    assert [*world.states()][:2] == ["bid@acme:hats/2026-11-21", "bid@acme:shoes/2026-11-21"]


def test_members_whose_parent_is_not_there_yet_come_when_it_does(world: World) -> None:
    keywords = Matrix(name="keyword", parent="account", members=members("bolt", "nuts"))
    world.declare(definition("bid", matrix="keyword"), accounts=[account("acme")], matrices=[keywords])
    world.tick()
    assert world.states() == {}

    world.declare(
        definition("bid", matrix="keyword"), accounts=[account("acme"), account("bolt")], matrices=[keywords]
    )
    world.tick()

    assert "bid@bolt:nuts/2026-11-21" in world.states()
