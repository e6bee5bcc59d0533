"""Pages of slots: complete, in order, and each slot with the condition that people would name."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from conductor_server.engine import operations
from conductor_server.engine.operations import Operator
from conductor_server.model.definition import Concurrency, Retry
from conductor_server.model.errors import NotFoundError
from conductor_server.model.states import Condition, Outcome, RetryKind, StartPolicy, WindowRule
from conductor_server.store import definitions, members, schema, slot_pages
from conductor_server.store.database import Database
from conductor_server.store.slot_pages import SlotQuery
from tests.store.seeing import conditions_of, counted, pages, register, shown
from tests.support.build import HOUR, account, definition, reads
from tests.support.world import World

ONCE = Retry(kind=RetryKind.STANDARD, attempts=1)
YESTERDAY = SlotQuery(window_label="2026-11-19")


@pytest.fixture
def chain(database: Database) -> World:
    """Three levels for two accounts, one due night, and no agent yet."""
    world = World(database)
    world.declare(
        definition("load", retry=ONCE, starts_on=dt.date(2026, 11, 19)),
        definition("clean", reads_from=reads("load"), starts_on=dt.date(2026, 11, 19)),
        definition("report", reads_from=reads("clean"), starts_on=dt.date(2026, 11, 19)),
        accounts=[account("acme"), account("globex")],
    )
    world.tick()
    return world


def fail(world: World, *slots: str) -> None:
    held = world.claim()
    for slot, lease in held.items():
        world.finish(lease, Outcome.FAILED if slot in slots else Outcome.SUCCEEDED, error="no such file")
    world.tick()


def test_one_accounts_failure_holds_up_no_other(chain: World) -> None:
    register(chain, 2)
    fail(chain, "load@acme/2026-11-19")

    assert conditions_of(chain) == {
        "load@acme/2026-11-19": Condition.FAILED,
        "clean@acme/2026-11-19": Condition.BLOCKED,
        "report@acme/2026-11-19": Condition.BLOCKED,
        "load@globex/2026-11-19": Condition.SUCCEEDED,
        "clean@globex/2026-11-19": Condition.QUEUED,
        "report@globex/2026-11-19": Condition.WAITING_FOR_INPUTS,
    }
    assert shown(chain)["report@acme/2026-11-19"].reason == "load@acme/2026-11-19 has failed"

    chain.run_all()
    assert conditions_of(chain)["report@globex/2026-11-19"] is Condition.SUCCEEDED
    assert conditions_of(chain)["report@acme/2026-11-19"] is Condition.BLOCKED


def test_counts_agree_with_the_pages(chain: World) -> None:
    fail(chain, "load@acme/2026-11-19")

    everything = conditions_of(chain, SlotQuery(include_not_due=True))
    assert counted(chain) == Counter(everything.values())
    assert counted(chain)[Condition.NOT_DUE] > 0
    assert counted(chain, window_label="2026-11-19") == Counter(conditions_of(chain, YESTERDAY).values())


@pytest.mark.parametrize("condition", list(Condition), ids=str)
def test_a_search_by_condition_finds_exactly_those(chain: World, condition: Condition) -> None:
    fail(chain, "load@acme/2026-11-19")

    everything = conditions_of(chain, SlotQuery(include_not_due=True))
    found = conditions_of(chain, SlotQuery(include_not_due=True, conditions=[condition]))
    assert found == {name: each for name, each in everything.items() if each is condition}


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 7, 1000])
def test_pages_hold_every_slot_once_newest_window_first(chain: World, limit: int) -> None:
    chain.live(until=chain.now + dt.timedelta(hours=26), every=HOUR)

    got = list(pages(chain, limit=limit))

    slots = [slot for page in got for slot in page]
    assert [len(page) for page in got[:-1]] == [limit] * (len(got) - 1)
    assert 1 <= len(got[-1]) <= limit
    assert len({slot.id for slot in slots}) == len(slots) == 12
    assert slots == sorted(slots, key=lambda slot: (-slot.window.end.timestamp(), slot.id))


def test_a_filter_by_account_finds_its_slots_only(chain: World) -> None:
    assert set(conditions_of(chain, SlotQuery(account="acme", definition="load"))) == {"load@acme/2026-11-19"}


def test_a_parent_that_does_not_exist_blocks_and_is_named(chain: World) -> None:
    number = chain.slot_id("load@acme/2026-11-19")
    chain.write(lambda db: db.execute(schema.slot.delete().where(schema.slot.c.id == number)))

    found = shown(chain)
    assert found["clean@acme/2026-11-19"].condition is Condition.BLOCKED
    assert found["report@acme/2026-11-19"].reason == (
        "clean@acme/2026-11-19 needs a slot that does not exist: conductor-cli slots show clean@acme/2026-11-19"
    )
    assert found["clean@globex/2026-11-19"].condition is Condition.WAITING_FOR_INPUTS


def test_waiting_states_are_told_apart(chain: World) -> None:
    load = "load@acme/2026-11-19"
    assert conditions_of(chain)[load] is Condition.NO_AGENT

    register(chain, 2)
    assert conditions_of(chain)[load] is Condition.QUEUED

    chain.write(lambda db: members.set_maintenance(db, "acme", chain.now + HOUR))
    assert conditions_of(chain)[load] is Condition.MAINTENANCE
    assert conditions_of(chain)["load@globex/2026-11-19"] is Condition.QUEUED

    chain.write(lambda db: definitions.set_paused(db, "load", paused=True))
    assert conditions_of(chain)[load] is Condition.PAUSED

    chain.write(lambda db: definitions.set_paused(db, "load", paused=False))
    chain.write(lambda db: members.set_maintenance(db, "acme", None))
    [lease] = chain.claim(1).values()
    assert shown(chain)[load].condition is Condition.RUNNING
    assert shown(chain)[load].reason == "attempt 1 runs on agent since 2026-11-20 12:00:00Z"

    chain.finish(lease, Outcome.FAILED)
    assert conditions_of(chain)[load] is Condition.RETRYING
    chain.tick()
    assert conditions_of(chain)[load] is Condition.FAILED

    by = Operator(name="ann", now=chain.now)
    chain.write(lambda db: operations.discard(db, chain.slot_id(load), load, by))
    assert conditions_of(chain)[load] is Condition.CANCELLED
    assert conditions_of(chain)["clean@acme/2026-11-19"] is Condition.BLOCKED


def test_a_limit_that_is_used_up_is_named(database: Database) -> None:
    world = World(database)
    world.declare(
        definition("load", concurrency=Concurrency(definition=1), starts_on=dt.date(2026, 11, 19)),
        accounts=[account("acme"), account("globex")],
    )
    world.tick()
    register(world, 2)
    world.claim(1)

    waiting = shown(world)["load@globex/2026-11-19"]
    assert waiting.condition is Condition.WAITING_FOR_CAPACITY
    assert waiting.reason == "load is at its limit: 1 of 1 places are taken"


def test_a_failed_slot_blocks_every_later_one_where_the_definition_says_previous(database: Database) -> None:
    world = World(database)
    world.declare(
        definition(
            "ledger",
            reads_from=reads("ledger", window=WindowRule.PREVIOUS),
            retry=ONCE,
            starts_on=dt.date(2026, 11, 16),
        ),
        accounts=[account("acme")],
    )
    world.tick()
    fail(world, "ledger@acme/2026-11-16")

    found = shown(world)
    assert [found[f"ledger@acme/2026-11-{day}"].condition for day in (16, 17, 18, 19)] == [
        Condition.FAILED,
        Condition.BLOCKED,
        Condition.BLOCKED,
        Condition.BLOCKED,
    ]
    assert found["ledger@acme/2026-11-19"].reason == "ledger@acme/2026-11-16 has failed"


def test_a_serial_slot_waits_for_its_turn(database: Database) -> None:
    world = World(database)
    world.declare(
        definition("ledger", reads_from=reads("ledger"), starts_on=dt.date(2026, 11, 18)),
        accounts=[account("acme")],
    )
    world.tick()

    assert conditions_of(world) == {
        "ledger@acme/2026-11-18": Condition.NO_AGENT,
        "ledger@acme/2026-11-19": Condition.WAITING_FOR_CAPACITY,
    }


def test_a_barrier_is_blocked_by_one_account_and_names_it(database: Database) -> None:
    world = World(database)
    start = dt.date(2026, 11, 19)
    world.declare(
        definition("load", retry=ONCE, starts_on=start),
        definition("total", matrix="default", reads_from=reads("load"), starts_on=start),
        definition(
            "alarm", reads_from=reads("load"), start_policy=StartPolicy.AFTER_FAILURE, starts_on=start
        ),
        accounts=[account("acme"), account("globex")],
    )
    world.tick()
    fail(world, "load@globex/2026-11-19")

    found = shown(world)
    assert found["total/2026-11-19"].condition is Condition.BLOCKED
    assert found["total/2026-11-19"].reason == "load@globex/2026-11-19 has failed"
    assert found["total/2026-11-19"].member == found["total/2026-11-19"].account == ""
    assert found["alarm@globex/2026-11-19"].condition is Condition.NO_AGENT
    assert found["alarm@acme/2026-11-19"].condition is Condition.SKIPPED


@pytest.mark.parametrize("by_name", [True, False], ids=["name", "number"])
def test_a_slot_is_found(chain: World, by_name: bool) -> None:
    name = "clean@acme/2026-11-19"
    number = chain.slot_id(name)
    asked = name if by_name else str(number)
    assert chain.read(lambda db: slot_pages.find_named(db, asked, sight=None)) == (number, name)


@pytest.mark.parametrize(
    "name", ["", "clean", "clean@acme", "clean/2026-11-19", "x@acme/2026-11-19", "9" * 30]
)
def test_a_slot_that_is_not_there(chain: World, name: str) -> None:
    with pytest.raises(NotFoundError, match="there is no slot"):
        chain.read(lambda db: slot_pages.find(db, name, sight=None))
