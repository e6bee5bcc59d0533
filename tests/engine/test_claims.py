"""Who gets which runs: by priority, then accounts in turn, then age, and never beyond a limit."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from conductor_server.engine import operations
from conductor_server.engine.operations import Operator
from conductor_server.model.definition import Account, Concurrency
from conductor_server.model.states import Frequency, RunStatus, SlotState
from conductor_server.rpc import agent_requests
from conductor_server.store import claims, matrices, members, schema
from conductor_server.store.agents import Registration
from conductor_server.store.claims import Claim
from conductor_server.store.database import Database
from conductor_server.store.leases import Lease
from tests.support.build import DAY, HOUR, MINUTE, OWNER, account, at, definition
from tests.support.world import World


def due(world: World, *declared: Any, accounts: Sequence[Account] = (), **others: Any) -> None:
    """Everything of 21 November has a waiting run."""
    world.declare(*declared, accounts=accounts or several(1), **others)
    world.tick()
    world.tick(after=36 * HOUR)


def test_higher_priority_first_then_the_older_window(world: World) -> None:
    due(world, definition("low"), definition("high", priority=5))
    world.tick(after=DAY)

    assert list(world.claim(3)) == ["high@a0/2026-11-21", "high@a0/2026-11-22", "low@a0/2026-11-21"]
    assert list(world.claim()) == ["low@a0/2026-11-22"]


def test_only_runs_of_the_agents_source(world: World) -> None:
    due(world, definition("job"), definition("model", source="ml_command"))

    assert list(world.claim(source="ml_command")) == ["model@a0/2026-11-21"]
    assert world.claim(source="cron") == {}


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        pytest.param(0, "busy late busy late busy late busy late busy busy", id="behind-a-backlog"),
        pytest.param(3, "busy late busy late busy late busy late busy", id="wherever-the-queue-stands"),
        pytest.param(7, "busy late late late late", id="alone-after-the-others"),
        pytest.param(8, "late late late late", id="when-nothing-waits"),
    ],
)
def test_accounts_take_turns(world: World, claimed: int, expected: str) -> None:
    """Who comes late waits for one run of each other account, not for all that these have waiting from two days."""
    jobs = [definition(f"job{number}") for number in range(4)]
    due(world, *jobs, accounts=[account("busy")])
    world.tick(after=DAY)
    assert len(world.claim(claimed)) == claimed

    world.set_accounts(account("busy"), account("late", starts_on=at("2026-11-22T00:00").date()))
    world.tick()

    order = [slot.partition("@")[2].partition("/")[0] for slot in world.claim(len(expected.split()))]
    assert order == expected.split()


def test_what_comes_in_bits_does_not_come_before_others(world: World) -> None:
    """Each pass adds a run to the backlog of an account: every one has a turn of its own."""
    world.declare(definition("job", frequency=Frequency.HOURLY), accounts=[account("busy")])
    world.tick()
    for _ in range(5):
        world.tick(after=HOUR)
    world.set_accounts(account("busy"), account("late"))
    world.tick(after=HOUR)

    owners = [slot.partition("@")[2].partition("/")[0] for slot in world.claim(3)]
    assert owners == ["busy", "late", "busy"]


@pytest.mark.parametrize("bounded", [False, True], ids=["any-agent", "an-account's-agent"])
def test_what_waits_is_read_in_the_order_of_its_index(world: World, *, bounded: bool) -> None:
    """Neither a scan nor a sort, whatever the planner knows of the table: here it takes it for empty."""
    due(world, definition("job"))
    given = {"source": 4, "now": world.now, "wanted": 100} | ({"accounts": ["a0"]} if bounded else {})

    plan = explained(world, claims._waiting(within_accounts=bounded), given)

    assert "command_run_waiting_idx" in plan
    assert not any(
        word in plan for word in ("Seq Scan on command_run", "SCAN command_run ", "Sort", "ORDER BY")
    )


def explained(world: World, statement: sa.Select[Any], parameters: dict[str, Any]) -> str:
    """How the database carries it out."""
    explain = "EXPLAIN QUERY PLAN " if world.database.is_sqlite else "EXPLAIN "

    def work(db: sa.Connection) -> str:
        sent: list[Any] = []
        sa.event.listen(db, "before_cursor_execute", lambda *sending: sent.append(sending[2:4]))
        db.execute(statement, parameters)
        [(text, values)] = sent
        return "\n".join(str(row[-1]) for row in db.exec_driver_sql(explain + text, values))

    return world.write(work)


def several(number: int, **said: Any) -> list[Account]:
    return [account(f"a{n}", **said) for n in range(number)]


# ------------------------------------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("said", "others", "granted"),
    [
        pytest.param({"concurrency": Concurrency(definition=3)}, {}, 3, id="definition"),
        pytest.param({"concurrency": Concurrency(account=1)}, {}, 4, id="definition-of-each-account"),
        pytest.param({"pools": ("warehouse",)}, {"pools": {"warehouse": 5}}, 5, id="pool"),
        pytest.param(
            {"pools": ("small", "large")}, {"pools": {"small": 2, "large": 9}}, 2, id="smaller-pool"
        ),
        pytest.param({"pools": ("closed",)}, {"pools": {"closed": 0}}, 0, id="closed-pool"),
        pytest.param({"concurrency": Concurrency(definition=0)}, {}, 0, id="definition-at-zero"),
        pytest.param({"concurrency": Concurrency(account=0)}, {}, 0, id="accounts-at-zero"),
        pytest.param({}, {"accounts": several(4, max_running=1)}, 4, id="account"),
    ],
)
def test_limits_are_exact(world: World, said: dict[str, Any], others: dict[str, Any], granted: int) -> None:
    """Two windows of four accounts wait: eight runs."""
    due(world, definition("job", **said), **({"accounts": several(4)} | others))
    world.tick(after=DAY)

    held = world.claim()
    assert len(held) == granted
    assert world.claim() == {}

    for lease in held.values():
        world.finish(lease)
    assert len(world.claim()) == min(granted, 8 - granted)


def test_who_is_at_a_limit_does_not_hold_up_those_behind(world: World) -> None:
    due(
        world,
        definition("narrow", priority=9, concurrency=Concurrency(definition=1)),
        definition("wide"),
        accounts=several(3),
    )

    held = world.claim(3)

    assert [slot.partition("@")[0] for slot in held] == ["narrow", "wide", "wide"]


def test_one_account_at_its_limit_does_not_hold_up_others(world: World) -> None:
    accounts = [account("busy", max_running=1), account("free")]
    due(world, definition("a"), definition("b"), accounts=accounts)

    assert sorted(world.claim()) == ["a@busy/2026-11-21", "a@free/2026-11-21", "b@free/2026-11-21"]


def test_limits_hold_when_many_claim_at_once(postgresql: Database) -> None:
    world = World(postgresql)
    due(world, definition("job", pools=("warehouse",)), accounts=several(40), pools={"warehouse": 7})

    granted = claim_at_once(world, agents=8, each=10)

    assert len(granted) == 7
    assert len(set(granted)) == 7


def test_nobody_gets_a_run_that_another_has(postgresql: Database) -> None:
    world = World(postgresql)
    due(world, definition("job"), accounts=several(60))

    granted = claim_at_once(world, agents=8, each=10)

    assert len(granted) == 60
    assert len(set(granted)) == 60


def claim_at_once(world: World, *, agents: int, each: int) -> list[int]:
    source_id = world.read(matrices.source_ids)["shell"]

    def claim(number: int) -> list[int]:
        wish = Claim(agent=f"agent-{number}", session=1, source_id=source_id, runs=each)
        return [lease.run_id for lease in world.write(lambda db: claims.claim(db, wish, now=world.now))]

    with ThreadPoolExecutor(agents) as pool:
        return [run for runs in pool.map(claim, range(agents)) for run in runs]


# ------------------------------------------------------------------------------------------------ not now


def test_maintenance_holds_an_account_up_until_its_end(world: World) -> None:
    until = at("2026-11-22T06:00")
    due(world, definition("job"), accounts=[account("closed", maintenance_until=until), account("open")])
    assert list(world.claim()) == ["job@open/2026-11-21"]

    world.tick(after=6 * HOUR)

    assert list(world.claim()) == ["job@closed/2026-11-21"]


def test_maintenance_that_begins_holds_up_what_waits_already(world: World) -> None:
    due(world, definition("job"))
    world.write(lambda db: members.set_maintenance(db, "a0", world.now + HOUR))
    assert world.claim() == {}

    world.clock.advance(HOUR)

    assert list(world.claim()) == ["job@a0/2026-11-21"]


def test_a_paused_definition_starts_nothing_until_it_goes_on(world: World) -> None:
    due(world, definition("job"))
    operator = Operator(name="", now=world.now)
    world.write(lambda db: operations.set_active(db, "job", operator, active=False))
    assert world.claim() == {}
    world.tick(after=DAY)
    assert world.count(schema.run) == 1

    world.write(lambda db: operations.set_active(db, "job", operator, active=True))
    world.tick()

    assert list(world.claim()) == ["job@a0/2026-11-21", "job@a0/2026-11-22"]


def test_an_inactive_definition_starts_nothing(world: World) -> None:
    due(world, definition("job", active=False))

    assert world.claim() == {}
    assert world.count(schema.run) == 0


def test_a_running_run_goes_on_while_its_definition_is_paused(world: World) -> None:
    due(world, definition("job"))
    [lease] = world.claim().values()

    world.write(lambda db: operations.set_active(db, "job", Operator(name="", now=world.now), active=False))
    world.finish(lease)

    assert world.runs("job@a0/2026-11-21") == [RunStatus.SUCCESS]


@pytest.mark.parametrize("comes_back", ["another", "the same"])
def test_a_command_that_takes_its_agent_with_it_is_tried_three_times(world: World, comes_back: str) -> None:
    """The agent comes back under its name and with nothing left. A process that only dials again has lost nothing."""
    due(world, definition("poison"))
    held: Sequence[Lease] = ()

    def register(number: int) -> None:
        instance = f"process {number}" if comes_back == "another" else "process"
        capacities = {"shell": 4}
        agent = Registration(
            name="agent", instance=instance, host="h", pid=1, version="0", capacities=capacities
        )
        world.write(
            lambda db: agent_requests.register(
                db, agent, held, by=OWNER, take_over=True, now=world.now, heartbeat_interval=MINUTE
            )
        )

    register(0)
    for number in range(1, 5):
        world.tick()
        world.claim()
        register(number)
    world.tick()

    slot = world.slot("poison@a0/2026-11-21")
    assert slot.failures == 0, "an agent that was lost is no attempt"
    assert slot.state == (SlotState.QUARANTINED if comes_back == "another" else SlotState.ACTIVE)
