"""Events: in their order, from where a reader left off."""

from __future__ import annotations

from conductor_server.store import events
from conductor_server.store.events import Event
from tests.support.build import DAY
from tests.support.world import World


def some(world: World, *kinds: str) -> None:
    batch = [Event(kind=kind, subject="job", message=f"{kind} happened", actor="tests") for kind in kinds]
    world.write(lambda db: events.append(db, batch, now=world.now))


def test_a_reader_goes_on_from_where_it_was(world: World) -> None:
    some(world, "a", "b")
    [first, second] = world.read(lambda db: events.after(db, 0))
    some(world, "c")

    news = world.read(lambda db: events.after(db, second.id))

    assert [first.kind, second.kind] == ["a", "b"]
    assert [(event.kind, event.message, event.actor, event.at) for event in news] == [
        ("c", "c happened", "tests", world.now)
    ]
    assert world.read(events.newest_id) == news[0].id


def test_a_reader_takes_so_many_at_a_time(world: World) -> None:
    some(world, "a", "b", "c")

    assert [event.kind for event in world.read(lambda db: events.after(db, 0, limit=2))] == ["a", "b"]


def test_the_oldest_go_first_and_numbers_do_not_come_back(world: World) -> None:
    some(world, "a", "b")
    newest = world.read(events.newest_id)
    world.clock.advance(DAY)

    assert world.write(lambda db: events.delete_before(db, world.now, limit=1)) == 1
    assert world.write(lambda db: events.delete_before(db, world.now, limit=5)) == 1
    assert world.read(events.newest_id) == 0
    some(world, "c")

    assert world.read(events.newest_id) > newest
