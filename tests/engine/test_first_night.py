"""The whole way of a night, once, before the details."""

from __future__ import annotations

from conductor_server.model.states import SlotState
from tests.support.build import DAY, account, definition, reads
from tests.support.world import World


def test_slots_are_created_claimed_in_order_and_succeed(world: World) -> None:
    load = definition("load")
    aggregate = definition("aggregate", reads_from=reads("load"))
    world.declare(aggregate, load, accounts=[account("acme"), account("bolt")])
    world.tick()

    world.tick(after=DAY + DAY / 2)
    order = world.run_all()

    assert order == [
        "load@acme/2026-11-21",
        "load@bolt/2026-11-21",
        "aggregate@acme/2026-11-21",
        "aggregate@bolt/2026-11-21",
    ]
    assert set(world.due_states().values()) == {SlotState.SUCCEEDED}


def test_a_second_pass_changes_nothing(world: World) -> None:
    world.declare(definition("load"), accounts=[account()])
    world.tick()

    assert world.tick().changed == {}
