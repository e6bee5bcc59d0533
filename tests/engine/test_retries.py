"""After a failure: again, later, or never; and the failures that are not the command's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from conductor_server.engine.step import EngineSettings
from conductor_server.model.definition import Retry
from conductor_server.model.states import Outcome, RetryKind, RunStatus, SlotState
from conductor_server.policy.retry import JITTER_BUCKETS, RetrySettings
from conductor_server.store.database import Database
from tests.support.build import DAY, HOUR, MINUTE, account, definition
from tests.support.world import World

SLOT = "job@acme/2026-11-21"

SETTINGS = EngineSettings(
    slots_create_extra=2 * DAY, retries=RetrySettings(attempts_max=4, extended_attempts_max=6)
)

STANDARD = Retry()
EXTENDED = Retry(kind=RetryKind.STANDARD_EXTENDED)
BACKOFF = Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=5, base=MINUTE, factor=3, cap=10 * MINUTE)
DEADLINE = Retry(kind=RetryKind.UNTIL_DEADLINE, deadline=35 * MINUTE)
PASSED = Retry(kind=RetryKind.UNTIL_DEADLINE)


def night(database: Database, retry: Retry, **said: Any) -> World:
    """One slot that has just become due and has its first run."""
    world = World(database, settings=SETTINGS)
    world.declare(definition("job", retry=retry, **said), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    return world


def minutes_between_tries(world: World, *, of: dt.timedelta = 2 * HOUR) -> list[float]:
    """Every run fails at once; how long it took until the next one was there, in minutes."""
    waits: list[float] = []
    failed_at = world.now
    until = world.now + of
    while world.now < until:
        for slot, lease in world.claim().items():
            if slot == SLOT:
                waits.append((world.now - failed_at) / MINUTE)
                world.finish(lease, Outcome.FAILED)
                failed_at = world.now
        world.tick(after=MINUTE)
        if world.state(SLOT) is SlotState.FAILED:
            break
    return waits[1:]


@pytest.mark.parametrize(
    ("retry", "waits"),
    [
        pytest.param(STANDARD, [10, 10, 10], id="standard"),
        pytest.param(EXTENDED, [10, 10, 10, 10, 10], id="standard-extended"),
        pytest.param(BACKOFF, [1, 3, 9, 10], id="exponential-backoff"),
        pytest.param(DEADLINE, [10, 10, 10], id="until-deadline"),
        pytest.param(PASSED, [], id="until-deadline-passed"),
    ],
)
def test_how_often_and_how_far_apart(database: Database, retry: Retry, waits: list[float]) -> None:
    world = night(database, retry)

    assert minutes_between_tries(world) == waits
    assert world.state(SLOT) is SlotState.FAILED


def test_jitter_spreads_the_retries_of_many_slots(database: Database) -> None:
    world = World(database)
    retry = Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=3, base=8 * MINUTE, jitter=1.0)
    accounts = [account(f"a{number}") for number in range(JITTER_BUCKETS)]
    world.declare(definition("job", retry=retry), accounts=accounts)
    world.tick()
    world.tick(after=36 * HOUR)
    for lease in world.claim().values():
        world.finish(lease, Outcome.FAILED)

    at_once = [len(world.claim())]
    for _ in range(JITTER_BUCKETS):
        world.tick(after=MINUTE)
        at_once.append(len(world.claim()))

    assert at_once == [0] + [1] * JITTER_BUCKETS


def test_a_success_ends_the_series(database: Database) -> None:
    world = night(database, STANDARD)
    for _ in range(3):
        world.finish(world.claim()[SLOT], Outcome.FAILED)
        world.tick(after=10 * MINUTE)

    world.finish(world.claim()[SLOT])

    assert world.state(SLOT) is SlotState.SUCCEEDED
    assert world.slot(SLOT).failures == 0
    assert world.runs(SLOT) == [RunStatus.FAILED] * 3 + [RunStatus.SUCCESS]


def test_a_rerun_begins_a_new_series(database: Database) -> None:
    world = night(database, STANDARD)
    minutes_between_tries(world)

    world.rerun(SLOT)

    assert len(minutes_between_tries(world)) == 3
    assert len(world.runs(SLOT)) == 8


def test_a_live_run_cannot_be_rerun(database: Database) -> None:
    world = night(database, STANDARD)

    assert world.rerun(SLOT) is None
    assert world.runs(SLOT) == [RunStatus.WAITING]


def test_what_an_agent_gives_back_is_tried_at_once_and_costs_nothing(database: Database) -> None:
    world = night(database, Retry(attempts=1))

    for _ in range(5):
        world.finish(world.claim()[SLOT], Outcome.RELEASED)
        world.tick()

    assert world.slot(SLOT).failures == 0
    assert world.runs(SLOT)[-1] is RunStatus.WAITING


def test_an_exhausted_slot_tells_its_children(database: Database) -> None:
    world = night(database, Retry(attempts=2))

    minutes_between_tries(world)

    assert world.slot(SLOT).reason == "failed 2 times in a row, as often as its policy allows"


# ------------------------------------------------------------------------------------------------ lost agents


def lose_an_agent(world: World) -> None:
    """It claims the run and is never heard of again."""
    assert SLOT in world.claim()
    world.live(until=world.now + 10 * MINUTE + MINUTE)


def test_a_command_that_kills_its_agents_is_put_in_quarantine(database: Database) -> None:
    world = night(database, STANDARD)

    for lost in range(1, 4):
        lose_an_agent(world)
        assert world.slot(SLOT).losses == lost
        world.live(until=world.now + 10 * MINUTE)

    assert world.state(SLOT) is SlotState.QUARANTINED
    assert world.slot(SLOT).reason == "3 agents in a row were lost while running it, or did not stop it"
    assert world.runs(SLOT) == [RunStatus.TIMEOUT] * 3


def test_a_failure_in_between_shows_that_it_does_not_kill_them(database: Database) -> None:
    world = night(database, EXTENDED)

    for _ in range(2):
        lose_an_agent(world)
        lose_an_agent_later = world.now + 10 * MINUTE
        world.live(until=lose_an_agent_later)
    world.finish(world.claim()[SLOT], Outcome.FAILED)
    world.live(until=world.now + 10 * MINUTE)
    lose_an_agent(world)

    assert world.state(SLOT) is SlotState.ACTIVE
    assert world.slot(SLOT).losses == 1


def test_a_slot_leaves_quarantine_by_a_rerun(database: Database) -> None:
    world = night(database, STANDARD)
    for _ in range(3):
        lose_an_agent(world)
        world.live(until=world.now + 10 * MINUTE)

    world.rerun(SLOT)
    world.finish(world.claim()[SLOT])

    assert world.state(SLOT) is SlotState.SUCCEEDED
