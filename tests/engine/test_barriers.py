"""Slots of ``default`` that need the parents of all members: they are not counted while a parent is in their way.

Every settled tick is followed by a full pass, which counts: it must not find anything that was overlooked.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from conductor_server.engine import operations
from conductor_server.engine.operations import Operator
from conductor_server.model.definition import Definition, Retry
from conductor_server.model.states import Outcome, SlotState, StartPolicy
from conductor_server.store import barriers, schema
from conductor_server.store.database import Database
from conductor_server.store.leases import Lease
from tests.support.build import HOUR, account, definition, reads
from tests.support.world import SETTINGS, World

OPEN, ACTIVE, SUCCEEDED, SKIPPED = SlotState.OPEN, SlotState.ACTIVE, SlotState.SUCCEEDED, SlotState.SKIPPED
ACCOUNTS = ("acme", "blue", "cyan")
ACME, BLUE, CYAN = (f"load@{name}/2026-11-21" for name in ACCOUNTS)
ONE_TRY = Retry(attempts=1)
TOTAL = "total/2026-11-21"
LOAD = definition("load", retry=ONE_TRY)


def total(policy: StartPolicy = StartPolicy.AFTER_SUCCESS) -> Definition:
    return definition("total", matrix="default", reads_from=reads("load"), start_policy=policy)


class Agency(World):
    """An agent takes whatever waits, and finishes what the test says, in its order."""

    held: dict[str, Lease]

    def done(self, *slots: str) -> None:
        """These have succeeded, each in a pass of its own."""
        for slot in slots:
            self.held |= self.claim()
            self.finish(self.held.pop(slot))
            self.tick()


@pytest.fixture
def world(database: Database) -> Agency:
    world = Agency(database, settings=replace(SETTINGS, many_parents=len(ACCOUNTS)))
    world.held = {}
    return world


def begin(
    world: Agency, *others: Definition, load: Definition = LOAD, child: Definition | None = None
) -> None:
    world.declare(load, child or total(), *others, accounts=[account(name) for name in ACCOUNTS])
    world.tick()
    world.tick(after=36 * HOUR)


def consumed(world: Agency) -> int:
    column = schema.slot.c.consumed
    query = sa.select(column).where(schema.slot.c.id == world.slot_id(TOTAL))
    return world.read(lambda db: db.execute(query).scalar_one())


def test_the_last_parent_starts_it_without_a_count(world: Agency) -> None:
    begin(world)
    assert world.count(schema.barrier) == 1

    world.done(ACME, CYAN)
    assert world.state(TOTAL) is OPEN
    world.done(BLUE)

    assert world.state(TOTAL) is ACTIVE
    assert consumed(world) == barriers.NOT_COUNTED
    assert world.count(schema.barrier) == 0


def test_a_parent_that_has_not_succeeded_is_in_the_way(world: Agency) -> None:
    begin(world)
    world.done(ACME, CYAN)
    world.finish(world.held.pop(BLUE), Outcome.FAILED)
    world.tick()
    assert (world.state(BLUE), world.state(TOTAL)) == (SlotState.FAILED, OPEN)
    number, by = world.slot_id(BLUE), Operator(name="nora", now=world.now)
    world.write(lambda db: operations.discard(db, number, BLUE, by))
    world.tick()
    assert (world.state(BLUE), world.state(TOTAL)) == (SlotState.CANCELLED, OPEN)

    world.rerun(BLUE)
    world.tick()
    world.done(BLUE)

    assert world.state(TOTAL) is ACTIVE


def test_a_skipped_parent_is_counted(world: Agency) -> None:
    alarm = definition("load", reads_from=reads("seed"), start_policy=StartPolicy.AFTER_FAILURE)
    begin(world, definition("seed"), load=alarm)

    world.done("seed@blue/2026-11-21")

    assert (world.state(BLUE), world.state(TOTAL)) == (SKIPPED, SKIPPED)


def test_a_new_account_is_waited_for(world: Agency) -> None:
    begin(world)
    world.done(ACME, CYAN)
    world.set_accounts(*(account(name) for name in (*ACCOUNTS, "dune")))
    world.tick()

    world.done(BLUE)
    assert world.state(TOTAL) is OPEN
    world.done("load@dune/2026-11-21")

    assert world.state(TOTAL) is ACTIVE


def test_what_is_held_up_otherwise_does_not_start(world: Agency) -> None:
    begin(world)
    world.declare(LOAD, replace(total(), active=False))
    world.tick()
    world.done(ACME, BLUE, CYAN)
    assert world.state(TOTAL) is OPEN

    world.declare(LOAD, total())
    world.tick()

    assert world.state(TOTAL) is ACTIVE


def test_one_that_wants_reruns_is_counted_when_it_starts(world: Agency) -> None:
    begin(world, child=total(StartPolicy.AFTER_SUCCESS_AND_RERUNS))

    world.done(ACME, BLUE, CYAN)

    assert world.state(TOTAL) is ACTIVE
    assert consumed(world) > 0


def test_who_comes_to_want_reruns_wants_those_to_come(world: Agency) -> None:
    begin(world)
    world.done(ACME, BLUE, CYAN)
    world.done(TOTAL)
    assert consumed(world) == barriers.NOT_COUNTED

    world.declare(LOAD, total(StartPolicy.AFTER_SUCCESS_AND_RERUNS))
    world.tick()
    assert world.state(TOTAL) is SUCCEEDED
    world.rerun(ACME)
    world.done(ACME)

    assert world.state(TOTAL) is ACTIVE
