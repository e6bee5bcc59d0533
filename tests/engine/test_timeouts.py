"""Silent agents are given up, but never for a time in which nobody could have heard them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from conductor_server.engine.reconciler import reconcile_once
from conductor_server.engine.step import StepResult, Tick
from conductor_server.model.states import Disposition, Outcome, RunStatus, SlotState, Verdict
from conductor_server.policy.retry import LOSSES_MAX
from conductor_server.store import schema
from conductor_server.store.database import Database
from conductor_server.store.leases import Lease
from tests.support.build import DAY, HOUR, MINUTE, account, definition
from tests.support.world import SETTINGS, World

SLOT = "job@acme/2026-11-21"
SECOND = dt.timedelta(seconds=1)


class Running(World):
    """One run is with an agent, since just now."""

    held: Lease


@pytest.fixture
def running(database: Database) -> Running:
    world = Running(database)
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    world.held = world.claim()[SLOT]
    world.live(until=world.now + 2 * MINUTE)  # the outage that the jump above looked like is forgotten
    assert world.beat(world.held) == [Verdict.CONTINUE]
    return world


def test_ten_minutes_of_silence(running: Running) -> None:
    running.live(until=running.now + 10 * MINUTE)
    assert running.runs(SLOT) == [RunStatus.RUNNING]

    running.tick(after=SECOND)

    assert running.runs(SLOT) == [RunStatus.TIMEOUT]
    assert running.events("run.timeout") == ["agent agent was not heard of"]


def test_a_heartbeat_is_enough(running: Running) -> None:
    for _ in range(3):
        running.live(until=running.now + 9 * MINUTE)
        assert running.beat(running.held) == [Verdict.CONTINUE]

    assert running.runs(SLOT) == [RunStatus.RUNNING]


def test_who_was_given_up_is_told_so(running: Running) -> None:
    running.live(until=running.now + 11 * MINUTE)

    assert running.beat(running.held) == [Verdict.LEASE_LOST]


@pytest.mark.parametrize("away", [20 * MINUTE, 30 * HOUR], ids=["minutes", "a-day"])
def test_after_an_outage_agents_get_time_to_report(running: Running, away: dt.timedelta) -> None:
    running.tick(after=away)
    running.live(until=running.now + 50 * SECOND)

    assert running.beat(running.held) == [Verdict.CONTINUE]
    running.live(until=running.now + 5 * MINUTE)

    assert running.runs(SLOT) == [RunStatus.RUNNING]
    assert "no engine was at work since" in running.events("engine.gap")[-1]


def test_after_the_grace_whoever_is_still_silent_is_given_up(running: Running) -> None:
    running.tick(after=20 * MINUTE)
    running.live(until=running.now + 61 * SECOND)

    assert running.runs(SLOT) == [RunStatus.TIMEOUT]


def test_a_clock_that_leaps_ahead_times_nobody_out(running: Running) -> None:
    running.clock.leap(3 * HOUR)
    running.tick()

    assert running.beat(running.held) == [Verdict.CONTINUE]
    running.live(until=running.now + 5 * MINUTE)

    assert running.runs(SLOT) == [RunStatus.RUNNING]


def test_a_clock_that_was_wrong_for_a_while_leaves_nothing_behind(running: Running) -> None:
    """Forty days ahead and back: the grace of then must not last for forty days now, nor the heartbeat."""
    running.clock.leap(40 * DAY)
    running.tick()
    running.beat(running.held)
    running.clock.leap(-40 * DAY)
    running.tick()
    assert "the clock was set back by 40 days" in running.events("engine.gap")[-1]

    running.live(until=running.now + 12 * MINUTE)

    assert running.runs(SLOT)[0] is RunStatus.TIMEOUT


def test_a_clock_that_is_set_back_makes_no_slot_twice(running: Running) -> None:
    before = running.count(schema.slot)

    running.clock.leap(-2 * DAY)
    running.tick()

    assert running.count(schema.slot) == before


def test_a_long_pass_is_no_outage(running: Running) -> None:
    """What counts is the time between passes: in one that takes minutes an engine was at work."""
    gaps = running.events("engine.gap")

    def ensure_nothing_slowly(_db: sa.Connection, _tick: Tick) -> StepResult:
        running.clock.advance(90 * SECOND)
        return StepResult()

    reconcile_once(running.database, running.clock, running.settings, steps=(ensure_nothing_slowly,))
    running.tick(after=5 * SECOND)

    assert running.events("engine.gap") == gaps


def test_a_cancelled_run_whose_agent_is_lost_is_cancelled(running: Running) -> None:
    run = schema.run
    running.write(lambda db: db.execute(run.update().values(cancel_requested_at=running.now)))

    running.live(until=running.now + 11 * MINUTE)

    assert running.state(SLOT) is SlotState.CANCELLED


def test_where_little_silence_is_allowed_a_short_absence_counts(database: Database) -> None:
    """Half a minute of silence allowed, forty seconds without a server; agents take a while to dial again."""
    settings = replace(SETTINGS, timeout=30 * SECOND, heartbeat_interval=SECOND, outage_gap=10 * SECOND)
    world = Running(database, settings=settings)
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    world.held = world.claim()[SLOT]
    world.tick(after=5 * SECOND)

    world.tick(after=40 * SECOND)
    world.tick(after=9 * SECOND)
    world.tick(after=9 * SECOND)

    assert world.beat(world.held) == [Verdict.CONTINUE]
    assert world.runs(SLOT) == [RunStatus.RUNNING]


HUNG = 5 * MINUTE + SETTINGS.timeout
"""After so long a run that may take five minutes is overdue, in the presence of servers."""


@pytest.fixture
def hung(database: Database) -> Running:
    """A run that may take five minutes, of an agent that goes on and on without stopping it."""
    world = Running(database)
    world.declare(definition("job", timeout=5 * MINUTE), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    world.live(until=world.now + 2 * MINUTE)
    world.held = world.claim()[SLOT]
    return world


def beat_until(world: Running, until: dt.datetime) -> None:
    while world.now < until:
        world.live(until=min(until, world.now + 5 * MINUTE))
        world.beat(world.held)


def test_a_hung_run_is_taken_from_an_agent_that_lives(hung: Running) -> None:
    beat_until(hung, hung.now + HUNG)
    assert hung.runs(SLOT) == [RunStatus.RUNNING]

    hung.tick(after=SECOND)
    hung.tick_once(full=True)

    assert hung.runs(SLOT) == [RunStatus.TIMEOUT]
    assert hung.events("run.timeout") == ["agent agent did not stop it after its timeout of 0:05:00"]
    run = schema.run
    [error] = hung.read(lambda db: db.execute(sa.select(run.c.error)).scalars().all())
    assert error == "it ran far beyond its timeout of 0:05:00, and agent agent did not stop it"
    assert hung.beat(hung.held) == [Verdict.LEASE_LOST]


def test_it_is_tried_again_but_not_for_ever(hung: Running) -> None:
    for attempt in range(1, LOSSES_MAX + 1):
        beat_until(hung, hung.now + HUNG + 2 * hung.settings.full_pass_interval)
        assert hung.runs(SLOT) == [RunStatus.TIMEOUT] * attempt
        if attempt < LOSSES_MAX:
            assert hung.state(SLOT) is SlotState.ACTIVE
            hung.live(until=hung.now + hung.settings.retries.delay)
            hung.held = hung.claim()[SLOT]

    assert hung.state(SLOT) is SlotState.QUARANTINED


def test_its_report_comes_late(hung: Running) -> None:
    beat_until(hung, hung.now + HUNG + 2 * hung.settings.full_pass_interval)

    assert hung.finish(hung.held, Outcome.TIMED_OUT).disposition is Disposition.LATE


@pytest.mark.parametrize(
    ("absent", "leap"),
    [
        pytest.param(2 * HOUR, 0 * HOUR, id="no-server-was-there"),
        pytest.param(0 * HOUR, 2 * HOUR, id="the-clock-leapt"),
    ],
)
def test_time_in_which_nobody_could_hear_of_its_end_does_not_count(
    hung: Running, absent: dt.timedelta, leap: dt.timedelta
) -> None:
    hung.clock.leap(leap)
    hung.tick(after=absent)
    assert hung.beat(hung.held) == [Verdict.CONTINUE]

    beat_until(hung, hung.now + HUNG)

    assert hung.runs(SLOT) == [RunStatus.RUNNING]


def test_a_run_without_a_timeout_may_go_on(running: Running) -> None:
    beat_until(running, running.now + HOUR)

    assert running.runs(SLOT) == [RunStatus.RUNNING]
