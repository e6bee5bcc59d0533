"""Two at once on PostgreSQL: whoever comes second waits, looks again, and finds that it is too late."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest
import sqlalchemy as sa

from conductor_server.model.states import Disposition, Outcome, RunStatus, SlotState
from conductor_server.store import completions, heartbeats, members, runs, timeouts
from conductor_server.store.completions import Report
from conductor_server.store.database import Database, Work
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease
from tests.support.build import DAY, HOUR, MINUTE, account, definition
from tests.support.world import World

T = TypeVar("T")
SLOT = "job@acme/2026-11-21"


class Race(World):
    """The run of ``SLOT`` is held; ``second`` does its work while a first transaction is open."""

    lease: Lease

    def second(self, first: Work[object], second: Callable[[], T]) -> T:
        """``first`` has done its work and not committed; ``second`` starts, waits for it, and then goes on."""
        with ThreadPoolExecutor(1) as pool, self.database.engine.connect() as db:
            first(db)
            future: Future[T] = pool.submit(second)
            self._wait_until_blocked(future)
            db.commit()
            return future.result(timeout=30)

    def _wait_until_blocked(self, future: Future[T]) -> None:
        """Until some session of this database waits for a lock, as the database says."""
        waiting = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while not future.done() and not self.read(lambda db: db.execute(waiting).scalar_one()):
            pass


@pytest.fixture
def race(postgresql: Database) -> Race:
    world = Race(postgresql)
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    world.lease = world.claim()[SLOT]
    world.clock.advance(HOUR)
    return world


def give_up(race: Race) -> Work[int]:
    before = race.now - 10 * MINUTE

    def work(db: sa.Connection) -> int:
        silent = timeouts.silent_since(db, before, limit=10)
        return len(timeouts.give_up_silent(db, silent, before=before, now=race.now))

    return work


def complete(race: Race) -> Work[Disposition]:
    report = Report(
        agent="agent",
        lease=race.lease,
        completion_id="one",
        outcome=Outcome.SUCCEEDED,
        exit_code=0,
        error="",
        result=None,
        checkpoint=None,
    )
    return lambda db: completions.complete(db, [report], now=race.now)[0].disposition


def test_a_timeout_comes_before_the_report(race: Race) -> None:
    disposition = race.second(give_up(race), lambda: race.write(complete(race)))

    assert disposition is Disposition.LATE
    assert race.runs(SLOT) == [RunStatus.TIMEOUT]
    assert race.state(SLOT) is SlotState.ACTIVE


def test_the_report_comes_before_a_timeout(race: Race) -> None:
    given_up = race.second(complete(race), lambda: race.write(give_up(race)))

    assert given_up == 0
    assert race.runs(SLOT) == [RunStatus.SUCCESS]
    assert race.slot(SLOT).failures == 0


def test_a_heartbeat_comes_before_a_timeout(race: Race) -> None:
    beat = Beat(lease=race.lease)
    given_up = race.second(
        lambda db: heartbeats.beat(db, "agent", [beat], now=race.now), lambda: race.write(give_up(race))
    )

    assert given_up == 0
    assert race.runs(SLOT) == [RunStatus.RUNNING]


def test_the_same_report_twice_at_once(race: Race) -> None:
    disposition = race.second(complete(race), lambda: race.write(complete(race)))

    assert disposition is Disposition.DUPLICATE
    assert race.runs(SLOT) == [RunStatus.SUCCESS]


def test_two_operators_ask_for_a_rerun_at_once(race: Race) -> None:
    race.finish(race.lease)
    number = race.slot_id(SLOT)

    def rerun(db: sa.Connection) -> int | None:
        return runs.rerun(db, number, now=race.now)

    second = race.second(rerun, lambda: race.write(rerun))

    assert second is None
    assert race.runs(SLOT) == [RunStatus.SUCCESS, RunStatus.WAITING]
    assert race.slot(SLOT).attempts == 2


def test_an_engine_retries_what_an_operator_reruns(race: Race) -> None:
    """The engine waits for the operator's run, and then leaves the slot alone."""
    race.finish(race.lease, Outcome.FAILED)
    race.clock.advance(11 * MINUTE)
    number = race.slot_id(SLOT)

    race.second(lambda db: runs.rerun(db, number, now=race.now), race.tick)

    assert race.runs(SLOT) == [RunStatus.FAILED, RunStatus.WAITING]
    assert race.slot(SLOT).attempts == 2
    assert race.tick().changed == {}


def test_a_member_that_is_added_while_slots_are_planned_gets_its_own(race: Race) -> None:
    """Arrivals are numbered in the order of their commits: a plan's watermark passes nobody by."""

    def add(token: str) -> Work[int]:
        newcomer = [(account(token), race.now - 40 * DAY)]
        return lambda db: members.add_accounts(db, newcomer, source_token="manual", now=race.now)

    race.second(add("slow"), lambda: race.write(add("quick")))
    race.tick()

    assert {f"job@{token}/2026-11-21" for token in ("slow", "quick")} <= race.states().keys()
