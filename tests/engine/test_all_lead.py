"""Several engines at work on one database, without any election: they do no harm."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from conductor_server.engine.reconciler import Pass, reconcile_once
from conductor_server.engine.step import Step
from conductor_server.engine.steps.ensure_definition_dependencies_exist import (
    ensure_definition_dependencies_exist,
)
from conductor_server.engine.steps.ensure_definitions_exist import ensure_definitions_exist
from conductor_server.engine.steps.ensure_runs_exist import ensure_runs_exist
from conductor_server.engine.steps.ensure_slots_exist import ensure_slots_exist
from conductor_server.model.definition import Definition
from conductor_server.model.states import Outcome, RunStatus, SlotState
from conductor_server.store import schema
from conductor_server.store.database import Database
from tests.support.build import HOUR, account, definition, reads
from tests.support.world import World

ENGINES = 3
SLOT = "@acme/2026-11-21"


def daily(name: str, **said: Any) -> Definition:
    return definition(name, starts_on=dt.date(2026, 11, 21), ends_on=dt.date(2026, 11, 22), **said)


def one(world: World, *steps: Step, reads: bool = False) -> Pass:
    """Those steps of one engine's pass; ``reads``: it has read what was declared."""
    readings = tuple(world.declared.values()) if reads else ()
    return reconcile_once(world.database, world.clock, world.settings, readings, steps)


def test_nothing_starts_by_a_graph_that_is_half_there(world: World) -> None:
    """One engine declares a child while another is between its steps: it must not take the child for an orphan."""
    parent, child = daily("load"), daily("count", reads_from=reads("load"))
    world.declare(parent, accounts=[account()])
    world.tick(after=36 * HOUR)
    world.declare(parent, child)

    one(world, ensure_definitions_exist, reads=True)
    late = one(world, ensure_slots_exist, ensure_runs_exist)
    assert late.failed == {"ensure_runs_exist"}
    assert "the graph does not follow them yet" in late.problems[0]
    one(world, ensure_definition_dependencies_exist)
    assert one(world, ensure_runs_exist).failed == {"ensure_runs_exist"}, "its windows are not related"
    one(world, ensure_slots_exist)
    assert not one(world, ensure_runs_exist).failed
    assert world.runs(f"count{SLOT}") == []

    world.declare(parent, daily("count"))  # and when it is an orphan indeed
    world.tick()
    assert world.runs(f"count{SLOT}") == [RunStatus.WAITING]


class Crowd(World):
    """Engines in threads of their own, as long as the block lasts."""

    def __enter__(self) -> Crowd:
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(ENGINES)
        self.passes: Counter[int] = Counter()
        self.problems: list[str] = []
        self._working = [self._pool.submit(self._work, number) for number in range(ENGINES)]
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown()
        for each in self._working:
            each.result()

    def _work(self, number: int) -> None:
        while not self._ended.is_set():
            done = reconcile_once(self.database, self.clock, self.settings, tuple(self.declared.values()))
            self.problems += done.problems
            self.passes[number] += 1

    def work(self, *, failing: str = "") -> list[str]:
        """Claim and end what there is, once. Answers the slots."""
        held = self.claim()
        for slot, lease in held.items():
            failed = bool(failing) and slot.startswith(failing)
            self.finish(lease, Outcome.FAILED if failed else Outcome.SUCCEEDED)
        return list(held)

    def succeeded(self) -> list[str]:
        return [slot for slot, state in self.due_states().items() if state is SlotState.SUCCEEDED]

    def until(self, passes: int) -> None:
        """Every engine has begun and ended so many passes from now on."""
        wanted = {number: self.passes[number] + passes + 1 for number in range(ENGINES)}
        while not all(self.passes[number] >= least for number, least in wanted.items()):
            for each in self._working:
                assert not each.done(), each.result()


@pytest.mark.timeout(240)
def test_three_engines_make_every_run_once_and_none_too_early(postgresql: Database) -> None:
    world = Crowd(postgresql)
    chain = [daily("step0"), *(daily(f"step{n}", reads_from=reads(f"step{n - 1}")) for n in (1, 2, 3))]
    gone = daily("gone", reads_from=reads("step0"))
    world.declare(chain[0], gone, accounts=[account(f"a{number}") for number in range(4)])
    world.clock.advance(36 * HOUR)
    claimed: Counter[str] = Counter()
    with world:
        for length in range(1, len(chain) + 1):  # definitions come while the engines work
            world.declare(*chain[:length], gone)
            world.until(1)
            claimed.update(world.work(failing="step1"))
        world.declare(*chain)  # and go
        world.until(1)
        world.clock.advance(HOUR)  # those that failed are retried
        while len(world.succeeded()) < 16:
            world.until(1)
            claimed.update(world.work())
    expected = Counter({f"step{n}@a{m}/2026-11-21": 2 if n == 1 else 1 for n in range(4) for m in range(4)})
    assert {slot: n for slot, n in claimed.items() if not slot.startswith("gone")} == expected
    assert set(world.due_states()) == set(expected)
    assert [each for each in world.problems if "the graph does not follow" not in each] == []
    assert started_too_early(world) == []


def started_too_early(world: World) -> list[tuple[object, ...]]:
    """Runs that were created before a slot that theirs needs had succeeded. All windows here are of one day."""
    run, slot, edge = schema.run, schema.slot, schema.dependency
    parent, parent_run = schema.slot.alias("parent"), schema.run.alias("parent_run")
    succeeded_before = (
        sa.select(1)
        .where(
            parent_run.c.slot_id == parent.c.id,
            parent_run.c.status == RunStatus.SUCCESS,
            parent_run.c.id < run.c.id,
        )
        .exists()
    )
    query = (
        sa.select(run.c.id, slot.c.id, parent.c.id)
        .join(slot, slot.c.id == run.c.slot_id)
        .join(edge, edge.c.child_id == slot.c.definition_id)
        .join(
            parent,
            (parent.c.definition_id == edge.c.parent_id)
            & (parent.c.member_id == slot.c.member_id)
            & (parent.c.window_id == slot.c.window_id),
        )
        .where(~succeeded_before)
    )
    return [tuple(row) for row in world.read(lambda db: db.execute(query).all())]
