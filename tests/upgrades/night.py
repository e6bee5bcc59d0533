"""A night in which everything has happened: a row in every table, a slot in every state, a run in every status.

It is played with the code of a release over the database of that release, and its tables are kept as they are then.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import sqlalchemy as sa

from conductor_server.engine import operations
from conductor_server.engine.operations import Operator
from conductor_server.model.definition import Concurrency, Definition, Matrix, Read, Retry
from conductor_server.model.states import (
    Catchup,
    Frequency,
    Outcome,
    RetryKind,
    RunStatus,
    SlotState,
    StartPolicy,
    WindowRule,
)
from conductor_server.store import agents, heartbeats, incarnations, logs, matrices, schema
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease
from tests.support.build import HOUR, MINUTE, account, at, definition, members, reads
from tests.support.world import World

AGENT = "etl-1"
PLUGIN_SOURCE = "spark"
SOURCES = ("shell", "cron", "stored_procedure", "ml_command", "python", PLUGIN_SOURCE)
HELD = "load@acme/2026-11-20"
"""What the agent still runs when the release is replaced; it is reported to the one after."""
LOST = "load@globex/2026-11-20"
"""What its agent is lost with, three times."""

ACCOUNTS = (
    account("acme", timezone="Europe/London"),
    account("globex", timezone="+05:30", max_running=3),
    account("initech", timezone="America/New_York"),
)
MATRICES = (
    Matrix(name="keyword", parent="account", members=members("acme", "shoes", "socks")),
    Matrix(name="region", members=members("", "emea", "apac")),
)
BEGINNING = dt.date(2026, 11, 20)
DEFINITIONS: tuple[Definition, ...] = tuple(
    replace(each, starts_on=each.starts_on or BEGINNING)
    for each in (
        definition("load", priority=5, timeout=2 * HOUR, spec={"argv": ["load", "${account.token}"]}),
        definition(
            "sync",
            source="cron",
            reads_from=reads("load"),
            spec={"project": "shop", "command": "sync", "arguments": ["--day", "${window.label}"]},
            pools=("warehouse",),
            concurrency=Concurrency(definition=4, account=1),
        ),
        definition(
            "aggregate",
            source="stored_procedure",
            reads_from=reads("sync"),
            start_policy=StartPolicy.AFTER_SUCCESS_AND_RERUNS,
            spec={
                "database": "${env:WAREHOUSE}",
                "procedure": "agg.run",
                "parameters": {"day": "${window.start}"},
            },
        ),
        definition(
            "forecast",
            source="ml_command",
            frequency=Frequency.WEEKLY,
            reads_from=(Read(table="aggregate", window=WindowRule.OVERLAP),),
            retry=Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=5, base=MINUTE, factor=2.0, cap=HOUR),
            spec={"interpreter": "python", "script": "forecast.py"},
        ),
        definition("rank", source="python", matrix="keyword", spec={"callable": "rank:main"}),
        definition(
            "regional", source=PLUGIN_SOURCE, matrix="region", spec={"jar": "regional.jar", "cores": 4}
        ),
        definition("apology", reads_from=reads("load"), start_policy=StartPolicy.AFTER_FAILURE),
        definition(
            "ledger",
            matrix="default",
            frequency=Frequency.HOURLY,
            reads_from=reads("ledger"),
            starts_on=at("2026-11-20T20:00"),
        ),
        definition(
            "often", matrix="default", frequency=Frequency.CRON, cron="0 */3 * * *", catchup=Catchup.LATEST
        ),
        definition(
            "closing", matrix="default", frequency=Frequency.MONTHLY, reads_from=reads("load"), delay=HOUR
        ),
        definition("once", matrix="default", frequency=Frequency.ONE_OFF, starts_on=dt.date(2026, 11, 20)),
        definition("going", writes_to=(), retry=Retry(attempts=1)),
    )
)


def declare(world: World) -> None:
    """What the files list, in this night and after it."""
    world.declare(*DEFINITIONS, accounts=ACCOUNTS, matrices=MATRICES, pools={"warehouse": 2})


def play(world: World) -> None:
    """From noon to the night after, and stop in the middle."""
    world.write(lambda db: matrices.install(db, sources=(PLUGIN_SOURCE,), timezone="UTC", now=world.now))
    world.write(lambda db: incarnations.serve(db, token="first", now=world.now))
    _register(world)
    declare(world)
    world.tick()
    world.live(until=world.now + 17 * HOUR + 30 * MINUTE, every=50 * MINUTE)
    _everything_happens(world)
    world.declare(*DEFINITIONS[: len(DEFINITIONS) // 2])  # more than a fifth goes: it waits for consent
    world.tick(after=dt.timedelta(seconds=5))
    _ensure_complete(world)


def _register(world: World) -> None:
    registration = agents.Registration(
        name=AGENT,
        instance="a4b1",
        host="etl",
        pid=4711,
        version="0.1.0",
        capacities=dict.fromkeys(SOURCES[:-1], 50),
    )
    now = world.now
    world.write(
        lambda db: agents.register(db, registration, take_over=False, alive_since=now - 10 * MINUTE, now=now)
    )


def _everything_happens(world: World) -> None:
    held = {name: lease for source in SOURCES for name, lease in _claim(world, source).items()}
    _tell(world, held[HELD])
    for slot, lease in held.items():
        if slot in (HELD, LOST):
            continue
        if slot.startswith("going@acme"):
            world.finish(lease, Outcome.FAILED, agent=AGENT, error="exit code 3\nno such file")
        elif slot.startswith("going@initech"):
            world.write(lambda db, lease=lease: _cancel(world, db, lease))  # type: ignore[misc]
            world.finish(lease, Outcome.CANCELLED, agent=AGENT, error="an operator asked for it")
        elif slot.startswith("ledger"):
            world.finish(lease, Outcome.RELEASED, agent=AGENT)
        else:
            world.finish(lease, agent=AGENT)
    for _ in range(3):  # its agent is lost, again and again
        _wait(world, held[HELD], minutes=16)
        world.finish(held[LOST], agent=AGENT)  # late, and kept
        _wait(world, held[HELD], minutes=16)
        held |= _claim(world, "shell")
    world.finish(Lease(run_id=held[HELD].run_id, epoch=99), agent="stray")  # fenced, and kept
    _claim(world, "shell", count=3)
    world.beat(held[HELD], agent=AGENT)


def _claim(world: World, source: str, count: int = 100) -> dict[str, Lease]:
    return world.claim(count, source=source, agent=AGENT)


def _tell(world: World, lease: Lease) -> None:
    """Progress, a checkpoint and output of a run."""
    beat = Beat(lease=lease, progress={"fraction": 0.5, "message": "half"}, checkpoint=b"\x00row 4711")
    chunk = logs.Chunk(run_id=lease.run_id, stream="stdout", offset=0, data="halfway: ½\n".encode())

    def work(db: sa.Connection) -> None:
        heartbeats.beat(db, AGENT, [beat], now=world.now)
        logs.append(db, chunk)

    world.write(work)


def _cancel(world: World, db: sa.Connection, lease: Lease) -> None:
    operations.cancel(db, lease.run_id, Operator(name="night watch", now=world.now))


def _wait(world: World, held: Lease, *, minutes: int) -> None:
    """Only that run is heard of meanwhile."""
    for _ in range(minutes // 4):
        world.live(until=world.now + 4 * MINUTE)
        world.beat(held, agent=AGENT)


def _ensure_complete(world: World) -> None:
    """A night that leaves something out would prove nothing about it."""
    empty = [name for name, table in schema.metadata.tables.items() if not world.count(table)]
    assert not empty, f"nothing is in {empty}"
    states = set(world.read(lambda db: db.execute(sa.select(schema.slot.c.state)).scalars().all()))
    assert set(SlotState) == states, f"no slot is {set(SlotState) - states}"
    statuses = set(world.read(lambda db: db.execute(sa.select(schema.run.c.status)).scalars().all()))
    assert set(RunStatus) == statuses, f"no run is {set(RunStatus) - statuses}"
