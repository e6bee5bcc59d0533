"""Windows that closed while nobody was there: run, skipped with a reason, or both; never silently missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from conductor_server.model.states import Catchup, Frequency, SlotState
from conductor_server.policy import planning
from conductor_server.store import members
from conductor_server.store.database import Database
from tests.support.build import DAY, HOUR, MINUTE, account, at, definition, reads
from tests.support.world import SETTINGS, World

RUN, SKIPPED = SlotState.SUCCEEDED, SlotState.SKIPPED


@pytest.fixture
def world(database: Database) -> World:
    """A world in which only hours without an engine are an outage, so that days pass quickly."""
    return World(database, settings=replace(SETTINGS, outage_gap=6 * HOUR))


def daily(catchup: Catchup, **said: Any) -> Any:
    return definition("job", catchup=catchup, **said)


def due(world: World) -> list[SlotState]:
    return list(world.due_states("job").values())


@pytest.mark.parametrize(
    ("catchup", "expected"),
    [
        pytest.param(Catchup.ALL, [RUN, RUN, RUN, RUN], id="all"),
        pytest.param(Catchup.LATEST, [RUN, SKIPPED, SKIPPED, RUN], id="latest"),
        pytest.param(Catchup.NONE, [RUN, SKIPPED, SKIPPED, SKIPPED], id="none"),
    ],
)
def test_after_an_outage(world: World, catchup: Catchup, expected: list[SlotState]) -> None:
    """Down from noon of the 22nd to noon of the 25th; the horizon had been planned up to the 24th."""
    world.declare(daily(catchup), accounts=[account()])
    world.tick()
    world.live(until=at("2026-11-22T12:00"), every=6 * HOUR)
    world.run_all()

    world.clock.advance(3 * DAY)
    world.run_all()

    assert due(world) == expected


@pytest.mark.parametrize(
    ("catchup", "expected"),
    [
        pytest.param(Catchup.ALL, [RUN, RUN, RUN], id="all"),
        pytest.param(Catchup.LATEST, [SKIPPED, SKIPPED, RUN], id="latest"),
        pytest.param(Catchup.NONE, [SKIPPED, SKIPPED, SKIPPED], id="none"),
    ],
)
def test_at_a_start_in_the_past(world: World, catchup: Catchup, expected: list[SlotState]) -> None:
    world.declare(daily(catchup, starts_on=dt.date(2026, 11, 17)), accounts=[account()])

    world.run_all()

    assert due(world) == expected


@pytest.mark.parametrize(
    ("catchup", "expected"),
    [
        pytest.param(Catchup.ALL, 3, id="all"),
        pytest.param(Catchup.LATEST, 1, id="latest"),
        pytest.param(Catchup.NONE, 0, id="none"),
    ],
)
def test_an_account_that_joins_with_a_past(world: World, catchup: Catchup, expected: int) -> None:
    """What others are still waiting for is not touched."""
    world.declare(daily(catchup, starts_on=dt.date(2026, 11, 17)), accounts=[account("acme", starts_on=None)])
    world.tick()

    world.set_accounts(account("acme", starts_on=None), account("bolt", starts_on=dt.date(2026, 11, 1)))
    order = world.run_all()

    assert len(order) == expected
    assert len(world.due_states()) == 3


def test_the_latest_of_a_long_past_is_the_last_of_all_portions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "WINDOWS_MAX", 10)
    hourly = definition("job", frequency=Frequency.HOURLY, catchup=Catchup.LATEST, starts_on=at("2026-11-18"))
    world.declare(hourly, accounts=[account()])

    assert world.run_all() == ["job@acme/2026-11-20T11"]
    assert due(world).count(SKIPPED) == 59


def test_what_was_waiting_before_an_outage_was_not_missed(world: World) -> None:
    """It had its chance; that its parent came late is another matter."""
    parent = definition("parent", catchup=Catchup.ALL)
    world.declare(parent, daily(Catchup.NONE, reads_from=reads("parent")), accounts=[account()])
    world.tick()
    world.live(until=at("2026-11-22T00:01"), every=6 * HOUR)
    assert world.state("job@acme/2026-11-21") is SlotState.OPEN

    world.clock.advance(10 * DAY)
    world.run_all()

    assert due(world)[:2] == [RUN, SKIPPED]


def test_catching_up_is_announced(world: World) -> None:
    world.declare(daily(Catchup.ALL, starts_on=dt.date(2026, 11, 17)), accounts=[account()])
    world.tick()

    assert world.events("slots.catchup") == ["catching up 3 windows, from 2026-11-17 to 2026-11-19"]


def test_what_is_skipped_says_why(world: World) -> None:
    world.declare(daily(Catchup.NONE, starts_on=dt.date(2026, 11, 19)), accounts=[account()])
    world.tick()

    skipped = world.slot("job@acme/2026-11-19")
    assert skipped.reason == "missed, and its definition says catchup: none"
    assert skipped.decided_at == world.now
    assert world.events("slots.catchup") == ["1 slots of missed windows skipped (catchup: none)"]


def test_children_of_what_was_missed_are_skipped_too(world: World) -> None:
    parent = definition("parent", catchup=Catchup.NONE, starts_on=dt.date(2026, 11, 19))
    world.declare(
        parent,
        definition("job", reads_from=reads("parent"), starts_on=dt.date(2026, 11, 19)),
        accounts=[account()],
    )
    world.tick()

    assert due(world) == [SKIPPED]


def test_whoever_waits_longer_than_the_maximal_age_is_skipped(world: World) -> None:
    world.declare(
        definition("parent"),
        daily(Catchup.ALL, reads_from=reads("parent"), catchup_max_age=HOUR),
        accounts=[account()],
    )
    world.tick()
    world.live(until=at("2026-11-22T00:59"), every=6 * HOUR)
    assert due(world) == [SlotState.OPEN]

    world.tick(after=2 * MINUTE)

    assert due(world) == [SKIPPED]
    assert world.slot("job@acme/2026-11-21").reason == "not begun within the definition's catchup_max_age"


def test_a_delay_postpones_what_is_due(world: World) -> None:
    world.declare(definition("job", delay=2 * HOUR), definition("now"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR + 119 * MINUTE)
    assert list(world.claim()) == ["now@acme/2026-11-21"]

    world.tick(after=MINUTE)

    assert list(world.claim()) == ["job@acme/2026-11-21"]


def test_an_outage_is_remembered_until_it_has_been_seen_to(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first pass after it fails: the second must not take what was missed for what is due."""
    world.declare(daily(Catchup.NONE), accounts=[account()])
    world.tick()
    world.clock.advance(3 * DAY)
    with monkeypatch.context() as broken:
        broken.setattr(members, "zones", lambda _: 1 / 0)
        failed = world.tick_once(failing={"ensure_slots_exist", "ensure_runs_exist"})
    assert any("ensure_slots_exist: " in problem for problem in failed.problems)

    world.run_all()

    assert set(due(world)) == {SKIPPED}


def test_what_falls_due_while_the_leader_changes_is_late_and_not_missed(database: Database) -> None:
    """Twenty seconds around midnight without an engine, where little silence is allowed."""
    world = World(database, settings=replace(SETTINGS, outage_gap=dt.timedelta(seconds=10)))
    world.declare(daily(Catchup.NONE), accounts=[account()])
    world.tick()
    world.tick(after=at("2026-11-21T23:59:50") - world.now)
    world.tick(after=dt.timedelta(seconds=20))

    assert due(world) == [SlotState.ACTIVE]
    assert "no engine was at work" in world.events("engine.gap")[-1], "agents are given time all the same"
