"""Group commit and the claim desk: shared transactions, and one mistake that stays one."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from conductor_proto.v1 import agent_service_pb2 as pb
from conductor_proto.v1.agent_service_pb2_grpc import AgentServiceStub, add_AgentServiceServicer_to_server
from conductor_server.model.errors import StaleSessionError, StoreUnavailableError
from conductor_server.model.states import Outcome, RunStatus, Verdict
from conductor_server.rpc.agent_service import AgentService
from conductor_server.rpc.claims import BATCH_MAX, ClaimDesk, ClaimStream
from conductor_server.rpc.group_commit import GROUP_MAX, GroupCommit
from conductor_server.rpc.sessions import Sessions
from conductor_server.store import agents, assignments, matrices, schema
from conductor_server.store.claims import Claim
from conductor_server.store.completions import Report
from conductor_server.store.database import Database
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease
from conductor_server.store.logs import Chunk
from tests.support.build import account, at, definition
from tests.support.clock import VirtualClock
from tests.support.world import World

LOST_AFTER = dt.timedelta(seconds=20)
PATIENCE_S = 30.0


@pytest.fixture
def world(database: Database) -> World:
    """Two hundred and fifty runs that wait, and an agent ``agent`` in session ``session_of(world)``."""
    world = World(database)
    world.declare(
        definition("load", starts_on=world.now.date() - dt.timedelta(days=1)),
        accounts=[account(f"a{n}") for n in range(250)],
    )
    world.tick()
    register(world)
    return world


def register(world: World, name: str = "agent") -> int:
    registration = agents.Registration(
        name=name, instance="i", host="h", pid=1, version="1", capacities={"shell": 500}
    )
    now = world.now
    return world.write(lambda db: agents.register(db, registration, take_over=True, alive_since=now, now=now))


def session_of(world: World, name: str = "agent") -> int:
    return world.read(lambda db: agents.sessions(db, {name}))[name]


def wish(world: World, runs: int = 1, *, session: int | None = None) -> Claim:
    source = world.read(matrices.source_ids)["shell"]
    number = session_of(world) if session is None else session
    return Claim(agent="agent", session=number, source_id=source, runs=runs)


def report(lease: Lease, outcome: Outcome = Outcome.SUCCEEDED) -> Report:
    return Report(
        agent="agent",
        lease=lease,
        completion_id=f"c{lease.run_id}",
        outcome=outcome,
        exit_code=0,
        error="",
        result=None,
        checkpoint=None,
    )


@asynccontextmanager
async def running(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        assert not task.done(), "it works until it is cancelled"
        task.cancel()
        await asyncio.wait({task})


async def together(commits: GroupCommit, asked: Sequence[Awaitable[Any]]) -> list[Any]:
    """Ask for all of it before anything is committed; the answers, errors among them."""
    tasks = [asyncio.ensure_future(each) for each in asked]
    await asyncio.sleep(0)  # each has put its request into the queue
    async with running(commits.run()), asyncio.timeout(PATIENCE_S):
        return await asyncio.gather(*tasks, return_exceptions=True)


def commits_of(database: Database) -> list[int]:
    """Grows by one with every transaction that is committed."""
    seen: list[int] = []
    sa.event.listen(database.engine, "commit", lambda _: seen.append(1))
    return seen


async def test_what_is_asked_together_is_committed_together(world: World) -> None:
    commits = GroupCommit(world.database, world.clock, lost_after=LOST_AFTER)
    claim = wish(world)
    transactions = commits_of(world.database)
    answers = await together(commits, [commits.claim(claim) for _ in range(40)])

    assert len(transactions) == 1
    assert len({run.lease for runs in answers for run in runs}) == 40


async def test_a_flood_takes_several_transactions(world: World) -> None:
    commits = GroupCommit(world.database, world.clock, lost_after=LOST_AFTER)
    transactions = commits_of(world.database)
    chunks = [
        commits.keep("one", Lease(run_id=0, epoch=0), Chunk(run_id=0, stream="stdout", offset=0, data=b""))
        for _ in range(GROUP_MAX + 1)
    ]
    assert all(answer.closed for answer in await together(commits, chunks))
    assert len(transactions) == 2


async def test_reports_of_a_group_make_room_for_its_claims(database: Database) -> None:
    world = World(database)
    world.declare(
        definition("load", starts_on=world.now.date() - dt.timedelta(days=1), pools=("one",)),
        accounts=[account("a"), account("b")],
        pools={"one": 1},
    )
    world.tick()
    register(world)
    [first] = world.claim().values()
    assert world.claim() == {}
    commits = GroupCommit(database, world.clock, lost_after=LOST_AFTER)
    runs, recorded = await together(commits, [commits.claim(wish(world)), commits.record([report(first)])])
    assert recorded[0].status is RunStatus.SUCCESS
    assert len(runs) == 1


async def test_one_bad_request_does_not_take_the_others_with_it(world: World) -> None:
    [lease, other] = list(world.claim(2).values())
    commits = GroupCommit(world.database, world.clock, lost_after=LOST_AFTER)
    session = session_of(world)
    unspeakable = Beat(lease=lease, progress={"message": object()})  # type: ignore[dict-item]
    bad, good, recorded = await together(
        commits,
        [
            commits.beat("agent", session, [unspeakable, Beat(lease=other)]),
            commits.beat("agent", session, [Beat(lease=lease), Beat(lease=other)]),
            commits.record([report(other)]),
        ],
    )
    assert isinstance(bad, Exception)
    assert [verdict for verdict, _ in good.values()] == [Verdict.CONTINUE, Verdict.CONTINUE]
    assert recorded[0].status is RunStatus.SUCCESS


async def test_a_request_whose_stream_has_ended_is_not_carried_out(world: World) -> None:
    commits = GroupCommit(world.database, world.clock, lost_after=LOST_AFTER)
    claim = wish(world)
    given_up = asyncio.ensure_future(commits.claim(claim))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait({given_up})
    [runs] = await together(commits, [commits.claim(claim)])
    assert len(runs) == 1
    assert len(world.claim(1000)) == 249


async def test_an_old_session_changes_nothing(world: World) -> None:
    old = session_of(world)
    [lease] = world.claim(1).values()
    register(world)
    world.clock.advance(2 * LOST_AFTER)
    commits = GroupCommit(world.database, world.clock, lost_after=LOST_AFTER)
    answers = await together(
        commits, [commits.claim(wish(world, session=old)), commits.beat("agent", old, [])]
    )
    assert [type(answer) for answer in answers] == [StaleSessionError, StaleSessionError]
    run = schema.run
    query = sa.select(run.c.id).where(run.c.status == RunStatus.RUNNING)
    assert world.read(lambda db: db.execute(query).scalars().all()) == [lease.run_id]


async def test_a_database_that_does_not_answer_ends_calls_and_not_the_work() -> None:
    database = Database("postgresql://127.0.0.1:1/nobody?connect_timeout=5")
    commits = GroupCommit(database, VirtualClock(at("2026-11-20")), lost_after=LOST_AFTER)
    async with running(commits.run()), asyncio.timeout(PATIENCE_S):
        for _ in range(2):
            with pytest.raises(StoreUnavailableError):
                await commits.record([])
    database.close()


# ------------------------------------------------------------------------------------------------ the claim desk


def stream(world: World, free: int, *, session: int | None = None, agent: str = "agent") -> ClaimStream:
    source = world.read(matrices.source_ids)["shell"]
    number = session_of(world) if session is None else session
    opened = ClaimStream(agent=agent, session=number, source_ids={"shell": source})
    opened.state({"shell": free}, 0)
    return opened


async def received(opened: ClaimStream, count: int) -> None:
    found = 0
    async with asyncio.timeout(PATIENCE_S):
        while found < count:
            found += len(await opened.outbox.get())  # type: ignore[arg-type]
    assert found == count


async def test_a_stream_of_an_old_session_is_ended_and_takes_nothing_from_the_others(world: World) -> None:
    old = session_of(world)
    register(world)
    commits = GroupCommit(world.database, world.clock, lost_after=LOST_AFTER)
    desk = ClaimDesk(commits)
    stale, good = stream(world, 5, session=old), stream(world, BATCH_MAX + 50)
    for each in (stale, good):
        desk.add(each)
    desk.wake()
    async with running(commits.run()), running(desk.run()):
        await received(
            good, BATCH_MAX + 50
        )  # one push cannot hold them: it is served again without a wake-up
        assert isinstance(stale.outbox.get_nowait(), StaleSessionError)
        assert stale.outbox.empty()


async def test_the_desk_survives_what_it_does_not_expect(world: World) -> None:
    commits = GroupCommit(world.database, world.clock, lost_after=LOST_AFTER)
    desk = ClaimDesk(commits)
    broken = stream(world, 5, session=1, agent=["no", "name"])  # type: ignore[arg-type]
    good = stream(world, 5)
    desk.add(broken)
    desk.add(good)
    desk.wake()
    async with running(commits.run()), running(desk.run()):
        await received(good, 5)
        desk.remove(broken)
        good.state({"shell": 5}, 5)
        desk.wake()
        await received(good, 5)


class Desk(ClaimDesk):
    """Tells of the streams that are opened."""

    def __init__(self, commits: GroupCommit) -> None:
        super().__init__(commits)
        self.opened: asyncio.Queue[ClaimStream] = asyncio.Queue()

    def add(self, stream: ClaimStream) -> None:
        self.opened.put_nowait(stream)
        super().add(stream)


async def test_runs_removed_between_claim_and_push_do_not_end_the_stream(world: World) -> None:
    lasting = definition("lasting", starts_on=world.now.date() - dt.timedelta(days=1))
    world.declare(*world.declared["files"].definitions, lasting)
    world.tick()
    desk = Desk(GroupCommit(world.database, world.clock, lost_after=LOST_AFTER))
    service = AgentService(
        world.database,
        world.clock,
        world.settings,
        commits=GroupCommit(world.database, world.clock, lost_after=LOST_AFTER),
        desk=desk,
        sessions=Sessions(world.database),
        wake_engine=lambda: None,
        registered=lambda agent, session: None,
        server_name="test",
    )
    server = grpc.aio.server()
    add_AgentServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with asyncio.timeout(PATIENCE_S), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        claims: Any = AgentServiceStub(channel).ClaimRun()
        await claims.write(pb.ClaimRunRequest(session=session_of(world)))
        opened = await desk.opened.get()
        held = list(world.claim(500).values())
        assigned = world.read(lambda db: assignments.of(db, held))
        gone = schema.definition.c.name == "load"
        world.write(lambda db: db.execute(sa.delete(schema.definition).where(gone)))
        opened.push(assigned)
        pushed = await claims.read()
        assert {run.definition for run in pushed.runs} == {"lasting"}
        assert len(pushed.runs) == 250
        claims.cancel()
    await server.stop(None)
