"""Servers that take the lead from each other: the rule of ``policy/leadership`` over the real row."""

from __future__ import annotations

import datetime as dt

import pytest

from conductor_server.engine.leader import Candidate, Election
from conductor_server.engine.reconciler import reconcile_once
from conductor_server.model.errors import NotLeadingError
from conductor_server.model.states import RunStatus
from conductor_server.policy.leadership import Terms
from conductor_server.store import leadership
from tests.support.build import HOUR, MINUTE, account, definition
from tests.support.world import World

TERMS = Terms(lease_s=15, renew_s=3)
SECOND = dt.timedelta(seconds=1)
SLOT = "job@acme/2026-11-21"


def server(world: World, name: str, terms: Terms = TERMS) -> Election:
    return Election(
        world.database,
        world.clock,
        Candidate(holder=name, server=f"server {name}"),
        terms,
        grace=MINUTE,
        on_change=lambda: None,
    )


async def pass_time(world: World, *awake: Election, seconds: int) -> None:
    for _ in range(seconds):
        world.clock.advance(SECOND)
        for each in awake:
            await each.turn()


async def test_a_silent_leader_is_replaced_and_its_pass_is_refused(world: World) -> None:
    a, b = server(world, "a"), server(world, "b")
    await a.turn()
    await b.turn()
    assert (a.epoch, b.epoch) == (1, None)
    assert b.store() is None
    stale = a.store()
    assert stale is not None
    assert a.store() is stale, "the same for a whole epoch"

    await pass_time(world, a, b, seconds=20)
    assert (a.epoch, b.epoch) == (1, None), "it has renewed"
    await pass_time(world, b, seconds=11)
    assert (a.epoch, b.epoch) == (None, None), "it has stopped by its own clock, and nobody is in a hurry"
    await pass_time(world, b, seconds=5)
    assert b.epoch == 2

    with pytest.raises(NotLeadingError):
        reconcile_once(stale, world.clock, world.settings)
    await a.turn()
    assert (a.epoch, a.store()) == (None, None)
    assert world.events("leader.changed") == [
        "server a leads in epoch 1",
        "server b leads in epoch 2: server a gave no sign of life for 15 s",
    ]


async def test_a_refused_write_is_enough_to_step_down(world: World) -> None:
    a, b = server(world, "a"), server(world, "b")
    await a.turn()
    store = a.store()
    assert store is not None
    seen = world.read(leadership.load)
    world.write(lambda db: leadership.take(db, seen, holder="b", server="server b"))
    with pytest.raises(NotLeadingError):
        reconcile_once(store, world.clock, world.settings)
    assert a.store() is None
    assert b.store() is None


async def test_whoever_stops_in_order_is_replaced_at_once(world: World) -> None:
    a, b = server(world, "a"), server(world, "b")
    await a.turn()
    await b.turn()
    await a.resign()
    assert a.store() is None
    await b.turn()
    assert b.epoch == 2
    await a.resign()
    assert world.read(leadership.load).holder == "b", "what is another's is not given up"


async def test_the_server_of_a_file_leads_whoever_was_there_before(world: World) -> None:
    await server(world, "killed").turn()
    only = server(world, "new", Terms(sole=True))
    await only.turn()
    assert only.epoch == 2
    world.clock.advance(HOUR)
    assert only.epoch == 2


async def test_nobody_is_given_up_just_after_the_lead_has_changed(world: World) -> None:
    """The agent has been silent for almost too long: it was connected to the server that is gone."""
    a, b = server(world, "a"), server(world, "b")
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    held = world.claim()[SLOT]
    await a.turn()
    world.live(until=world.now + 10 * MINUTE - SECOND)
    await a.resign()
    await b.turn()
    world.live(until=world.now + 50 * SECOND)
    assert world.runs(SLOT) == [RunStatus.RUNNING]
    world.live(until=world.now + 20 * SECOND)
    assert world.runs(SLOT) == [RunStatus.TIMEOUT]
    assert held
