"""Looking at a world as the pages do."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from conductor_server.model.states import Condition
from conductor_server.store import agents, conditions, overview, slot_pages
from conductor_server.store.agents import Registration
from conductor_server.store.conditions import Moment
from conductor_server.store.slot_pages import ShownSlot, SlotQuery
from tests.support.build import MINUTE
from tests.support.world import World


def register(world: World, capacity: int) -> None:
    """An agent comes up now."""
    registration = Registration(
        name="agent", instance="1", host="host", pid=1, version="1", capacities={"shell": capacity}
    )
    world.write(
        lambda db: agents.register(db, registration, take_over=True, alive_since=world.now, now=world.now)
    )


def moment(db: sa.Connection, world: World) -> Moment:
    return conditions.moment(
        db, now=world.now, alive_since=world.now - MINUTE, retries=world.settings.retries, sight=None
    )


def pages(world: World, query: SlotQuery | None = None, *, limit: int = 1000) -> Iterator[list[ShownSlot]]:
    """Page after page, each read in a transaction of its own."""
    after = None
    while True:
        shown, after = world.database.read(
            lambda db, after=after: slot_pages.page(
                db, moment(db, world), query or SlotQuery(), after=after, limit=limit
            ),
            scratch=True,
        )
        yield shown
        if after is None:
            return


def shown(world: World, query: SlotQuery | None = None) -> dict[str, ShownSlot]:
    return {slot.name: slot for page in pages(world, query) for slot in page}


def conditions_of(world: World, query: SlotQuery | None = None) -> dict[str, Condition]:
    return {name: slot.condition for name, slot in shown(world, query).items()}


def counted(world: World, *, window_label: str = "") -> dict[Condition, int]:
    def work(db: sa.Connection) -> dict[Condition, int]:
        counts = overview.counts(db, moment(db, world), window_label=window_label)
        return dict(overview.all_together(counts))

    return world.database.read(work, scratch=True)
