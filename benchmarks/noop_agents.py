"""Agents that speak the real wire and execute nothing: a run has succeeded when it arrives, or goes on for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

import grpc

from benchmarks.laboratory import Server
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from conductor_proto.v1.agent_service_pb2_grpc import AgentServiceStub

if TYPE_CHECKING:
    from conductor_proto.v1.agent_service_pb2_grpc import (
        AgentServiceAsyncStub,
    )  # exists for type checkers only

T = TypeVar("T")

HeartbeatStream: TypeAlias = "grpc.aio.StreamStreamCall[wire.HeartbeatRequest, wire.HeartbeatResponse]"

SOURCE = "shell"

SAMPLE_SECONDS_MAX = 60.0
"""A sample that lasts longer hangs."""


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """In the one loop of this process: gRPC polls for all of them, and complains of those that are closed."""
    return _runner().run(work)


class Fleet:
    """Agents in this process that stand still between two calls of ``drain``: one connection to each of the servers,
    which serve the same number of agents. Fleets on one database need names."""

    def __init__(self, *servers: Server, agents: int, capacity: int, name: str = "noop") -> None:
        self._servers = servers
        self._agents = agents
        self._capacity = capacity
        self._name = name

    def __enter__(self) -> Self:
        in_loop(self._open())
        return self

    def __exit__(self, *_error: Any) -> None:
        in_loop(self._close())

    def drain(self, runs: int) -> float:
        """Claim, complete and have acknowledged that many, the same by each agent. Answers runs per second."""
        each, rest = divmod(runs, self._agents)
        assert each > 0, "fewer runs than agents"
        assert rest == 0, "every agent has the same to do"
        began = time.perf_counter()
        in_loop(self._work_off(each))
        return runs / (time.perf_counter() - began)

    async def _open(self) -> None:
        self._channels = [grpc.aio.insecure_channel(server.address) for server in self._servers]
        stubs: Sequence[AgentServiceAsyncStub] = [AgentServiceStub(channel) for channel in self._channels]
        metadata = (("authorization", f"Bearer {self._servers[0].token}"),)
        self._fleet: Sequence[NoopAgent] = await asyncio.gather(
            *(
                NoopAgent.registered(
                    stubs[number % len(stubs)],
                    metadata,
                    name=f"{self._name}-{number}",
                    capacity=self._capacity,
                )
                for number in range(self._agents)
            )
        )
        self._serving = [asyncio.create_task(agent.serve()) for agent in self._fleet]

    async def _close(self) -> None:
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for channel in self._channels:
            await channel.close()

    async def _work_off(self, each: int) -> None:
        async with asyncio.timeout(SAMPLE_SECONDS_MAX):
            working = asyncio.gather(*(agent.work_off(each) for agent in self._fleet))
            await until_one_ends(working, *self._serving)


class Holders:
    """Agents that claim ``each`` runs and keep them: all they do is to say, every interval, that these are alive."""

    def __init__(self, server: Server, *, agents: int, each: int) -> None:
        self._server = server
        self._agents = agents
        self._each = each
        self._interval = 0.0

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._runner.run(self._open())
        return self

    def __exit__(self, *_error: Any) -> None:
        self._runner.run(self._channel.close())
        self._runner.close()

    def beat(self, *, intervals: int) -> float:
        """So many heartbeats of each agent, evenly spread. Answers how many seconds that took.

        Raises ``TimeoutError`` when one is not answered within an interval.
        """
        began = time.perf_counter()
        self._runner.run(self._beat(intervals))
        return time.perf_counter() - began

    async def _open(self) -> None:
        options = [("grpc.max_concurrent_streams", 4 * self._agents)]
        self._channel = grpc.aio.insecure_channel(self._server.address, options=options)
        stub: AgentServiceAsyncStub = AgentServiceStub(self._channel)
        metadata = (("authorization", f"Bearer {self._server.token}"),)
        self._streams = [
            await self._holding(stub, metadata, name=f"holder-{number}") for number in range(self._agents)
        ]

    async def _holding(
        self, stub: AgentServiceAsyncStub, metadata: tuple[tuple[str, str], ...], *, name: str
    ) -> tuple[HeartbeatStream, wire.HeartbeatRequest]:
        """Its stream, and the message for all that it holds."""
        opened = await register(stub, metadata, name=name, capacity=self._each)
        self._interval = opened.heartbeat_interval.ToTimedelta().total_seconds()
        claims = stub.ClaimRun(metadata=metadata)
        await claims.write(room_for(self._each, session=opened.session, received=0))
        held: list[run_pb2.Lease] = []
        while len(held) < self._each:
            pushed = await claims.read()
            assert isinstance(pushed, wire.ClaimRunResponse), "the claim stream ended"
            held += [run.lease for run in pushed.runs]
        claims.cancel()
        beats = [wire.RunBeat(lease=lease) for lease in held]
        return stub.Heartbeat(metadata=metadata), wire.HeartbeatRequest(session=opened.session, runs=beats)

    async def _beat(self, intervals: int) -> None:
        seconds = self._interval

        async def one(number: int, stream: HeartbeatStream, message: wire.HeartbeatRequest) -> None:
            await asyncio.sleep(seconds * number / self._agents)
            for _ in range(intervals):
                next_one = asyncio.ensure_future(asyncio.sleep(seconds))
                async with asyncio.timeout(seconds):
                    await stream.write(message)
                    answer = await stream.read()
                assert isinstance(answer, wire.HeartbeatResponse), "the heartbeat stream ended"
                assert not answer.verdicts, answer
                await next_one

        await asyncio.gather(*(one(number, *stream) for number, stream in enumerate(self._streams)))


class NoopAgent:
    """One agent with a ClaimRun and a Complete stream. ``capacity`` bounds the runs that it holds at once."""

    def __init__(
        self,
        claims: grpc.aio.StreamStreamCall[wire.ClaimRunRequest, wire.ClaimRunResponse],
        reports: grpc.aio.StreamStreamCall[wire.CompleteRequest, wire.CompleteResponse],
        *,
        session: int,
        capacity: int,
    ) -> None:
        self._claims = claims
        self._reports = reports
        self._session = session
        self._capacity = capacity
        self._wanted = 0
        self._received = 0
        self._acknowledged = 0
        self._finished = asyncio.Event()

    @classmethod
    async def registered(
        cls, stub: AgentServiceAsyncStub, metadata: tuple[tuple[str, str], ...], *, name: str, capacity: int
    ) -> Self:
        opened = await register(stub, metadata, name=name, capacity=capacity)
        return cls(
            stub.ClaimRun(metadata=metadata),
            stub.Complete(metadata=metadata),
            session=opened.session,
            capacity=capacity,
        )

    async def serve(self) -> None:
        """Report what is claimed and count what is acknowledged, until the server ends a stream."""
        async with asyncio.TaskGroup() as streams:
            streams.create_task(self._report())
            streams.create_task(self._count())

    async def work_off(self, runs: int) -> None:
        """Until that many more runs are acknowledged; then it wants none."""
        self._finished.clear()
        self._wanted += runs
        await self._state_room()
        await self._finished.wait()

    async def _state_room(self) -> None:
        held = self._received - self._acknowledged
        room = min(self._capacity - held, self._wanted - self._received)
        await self._claims.write(room_for(room, session=self._session, received=self._received))

    async def _report(self) -> None:
        async for pushed in self._claims:
            self._received += len(pushed.runs)
            completions = [success(run.lease) for run in pushed.runs]
            await self._reports.write(wire.CompleteRequest(session=self._session, completions=completions))

    async def _count(self) -> None:
        async for answer in self._reports:
            for ack in answer.acks:
                assert ack.disposition == wire.DISPOSITION_APPLIED, ack
            self._acknowledged += len(answer.acks)
            if self._acknowledged == self._wanted:
                self._finished.set()
            elif self._received < self._wanted:
                await self._state_room()


async def register(
    stub: AgentServiceAsyncStub, metadata: tuple[tuple[str, str], ...], *, name: str, capacity: int
) -> wire.RegisterResponse:
    request = wire.RegisterRequest(
        agent=name,
        instance=name,
        protocol_min=1,
        protocol_max=1,
        capacities=[wire.SourceCapacity(source=SOURCE, runs=capacity)],
    )
    return await stub.Register(request, metadata=metadata)


def room_for(runs: int, *, session: int, received: int) -> wire.ClaimRunRequest:
    free = [wire.SourceCapacity(source=SOURCE, runs=runs)]
    return wire.ClaimRunRequest(session=session, free=free, received=received)


def success(lease: run_pb2.Lease) -> wire.Completion:
    return wire.Completion(
        lease=lease,
        completion_id=f"{lease.run_id}-{lease.epoch}",
        outcome=run_pb2.OUTCOME_SUCCEEDED,
        exit_code=0,
    )


async def until_one_ends(*work: asyncio.Future[Any] | Coroutine[Any, Any, Any]) -> None:
    """Wait for the first to end, which is normally the first of them; raises what ended it."""
    futures = [asyncio.ensure_future(each) for each in work]
    done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()
