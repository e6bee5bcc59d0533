"""A pass: what fails stops itself and what relies on it, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from conductor_server.engine.reconciler import NEEDS, STEPS, reconcile_once
from conductor_server.engine.step import Step, StepResult, Tick
from conductor_server.model.errors import StoreUnavailableError
from conductor_server.store import matrices, schema
from conductor_server.store.database import Database
from tests.support.build import DAY, HOUR, account, definition, reads
from tests.support.world import World


def broken(step: Step) -> Step:
    """Does its work, and then fails: nothing of it may stay."""

    def failing(db: sa.Connection, tick: Tick) -> StepResult:
        step(db, tick)
        raise RuntimeError("the power went out")

    failing.__name__ = step.__name__
    return failing


@pytest.mark.parametrize("culprit", STEPS, ids=lambda step: step.__name__)
def test_a_step_that_fails_is_made_good_by_the_next_pass(world: World, culprit: Step) -> None:
    world.declare(definition("a"), definition("b", reads_from=reads("a")), accounts=[account()])
    readings = tuple(world.declared.values())
    steps = tuple(broken(step) if step is culprit else step for step in STEPS)

    done = reconcile_once(world.database, world.clock, world.settings, readings, steps)
    world.read_again()
    world.tick()

    assert culprit.__name__ in done.failed
    assert f"{culprit.__name__}: the power went out" in done.problems
    world.tick(after=36 * HOUR)
    assert world.run_all() == ["a@acme/2026-11-21", "b@acme/2026-11-21"]


def test_nothing_starts_while_it_is_unknown_what_it_needs(world: World) -> None:
    """A new dependency is stored, but not which windows it is about."""
    world.declare(definition("a"), definition("b"), accounts=[account()])
    world.tick()
    world.clock.advance(36 * HOUR)
    world.declare(definition("a"), definition("b", reads_from=reads("a")))
    plan = next(step for step in STEPS if step.__name__ == "ensure_slots_exist")
    steps = tuple(broken(step) if step is plan else step for step in STEPS)

    reconcile_once(world.database, world.clock, world.settings, tuple(world.declared.values()), steps)

    assert world.count(schema.run) == 0
    world.tick()
    assert list(world.claim()) == ["a@acme/2026-11-21"]


def test_what_a_step_needs_are_steps() -> None:
    names = {step.__name__ for step in STEPS}

    assert names.issuperset(NEEDS)
    assert names.issuperset(*NEEDS.values())


def test_a_database_that_does_not_answer_ends_the_pass(world: World) -> None:
    def ensure_the_database_is_away(_db: sa.Connection, _tick: Tick) -> StepResult:
        raise StoreUnavailableError("the database does not answer")

    with pytest.raises(StoreUnavailableError):
        reconcile_once(world.database, world.clock, world.settings, steps=(ensure_the_database_is_away,))


def test_an_outage_is_announced_once_however_often_its_first_pass_is_begun(world: World) -> None:
    """Found by the crash sweep."""

    def ensure_the_database_is_away(_db: sa.Connection, _tick: Tick) -> StepResult:
        raise StoreUnavailableError("the database does not answer")

    world.tick()
    world.clock.advance(12 * HOUR)

    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            reconcile_once(world.database, world.clock, world.settings, steps=(ensure_the_database_is_away,))
    world.tick()

    assert len(world.events("engine.gap")) == 1


def test_engines_that_work_at_once_make_nothing_twice(postgresql: Database) -> None:
    """Leaders are an optimisation: constraints are what makes two of them harmless."""
    world = World(postgresql)
    everyone = [account(f"a{number}") for number in range(20)]
    world.declare(definition("a"), definition("b", reads_from=reads("a")), accounts=everyone)
    world.tick()

    def reconcile(_: int) -> None:
        reconcile_once(world.database, world.clock, world.settings)

    for _ in range(4):
        world.clock.advance(DAY)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(reconcile, range(4)))
        world.run_all()

    slots, runs = world.count(schema.slot), world.count(schema.run)
    assert slots == 2 * 20 * 6
    assert runs == 2 * 20 * 3
    assert {row.attempts for row in world.read(lambda db: db.execute(schema.slot.select()).all())} == {0, 1}


def test_the_beginning_is_installed_once(world: World) -> None:
    before = world.count(schema.member), world.count(schema.source), world.count(schema.matrix)

    world.write(lambda db: matrices.install(db, sources=("snowflake",), timezone="UTC", now=world.now))
    world.write(lambda db: matrices.install(db, sources=("snowflake",), timezone="UTC", now=world.now))

    assert (world.count(schema.member), world.count(schema.source) - 1, world.count(schema.matrix)) == before
    assert world.read(matrices.source_ids)["snowflake"] == 100
