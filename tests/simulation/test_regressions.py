"""What seeds have found, told as the short story behind it."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_agent.core import Core
from conductor_agent.model import Completion, Ending, Outcome
from conductor_server.engine.reconciler import STEPS, reconcile_once
from conductor_server.engine.step import StepResult, Tick
from conductor_server.model.states import Disposition, RunStatus
from tests.agent.runs import a_run
from tests.support.build import HOUR, MINUTE, account, definition
from tests.support.world import World


def test_who_comes_after_the_newest_member_has_gone_gets_slots_too(world: World) -> None:
    """Seed 220: the arrival number of a removed account was given out again, and plans had seen it."""
    world.declare(definition("job"), accounts=[account("acme"), account("bolt")])
    world.tick()
    world.declare(definition("job"), accounts=[account("acme")])
    world.tick()
    world.consent("accounts of files", count=1)
    world.tick()
    assert not [slot for slot in world.states() if "bolt" in slot]

    world.declare(definition("job"), accounts=[account("acme"), account("coal")])
    world.tick()

    states = world.states()
    assert len([slot for slot in states if "coal" in slot]) == len(
        [slot for slot in states if "acme" in slot]
    )


def test_nobody_ends_the_run_of_another(world: World) -> None:
    """The stray messages: with a run's id and epoch any agent could report its end."""
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    slot, lease = next(iter(world.claim(1).items()))

    recorded = world.finish(lease, agent="somebody")

    assert recorded.disposition is Disposition.FENCED
    assert "is not held by agent somebody" in recorded.reason
    assert world.runs(slot) == [RunStatus.RUNNING]


def test_a_pass_that_stood_still_gives_nobody_up(world: World) -> None:
    """Seed 0: a server that was stopped in the midst of a pass took its agents for lost."""
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    slot, _ = next(iter(world.claim(1).items()))

    def stand_still(_db: sa.Connection, _tick: Tick) -> StepResult:
        world.clock.advance(20 * MINUTE)
        return StepResult()

    reconcile_once(world.database, world.clock, world.settings, steps=(*STEPS, stand_still))
    world.tick(after=MINUTE / 60)

    assert world.runs(slot) == [RunStatus.RUNNING]
    world.live(until=world.now + 2 * MINUTE)
    assert world.runs(slot) == [RunStatus.TIMEOUT], "the time that it is given ends"


def test_a_push_that_is_repeated_after_the_end_starts_nothing() -> None:
    """Seed 94: the run had been reported and answered, and so was not held any more."""
    core, run = Core(limits={"shell": 1}), a_run()
    core.claimed([run])
    core.ended(Completion(lease=run.lease, completion_id="end", ending=Ending(outcome=Outcome.SUCCEEDED)))
    core.answered(["end"])

    assert core.claimed([run]) == []
    assert core.idle
