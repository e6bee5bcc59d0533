"""From the moment that a parent's completion is acknowledged until its child's run is at the agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import grpc

from benchmarks.frame import Benchmark, Measured, Target, shared
from benchmarks.laboratory import Kind, Laboratory, Server
from benchmarks.noop_agents import in_loop, register, room_for, success, until_one_ends
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from conductor_proto.v1.agent_service_pb2_grpc import AgentServiceStub

if TYPE_CHECKING:
    from conductor_proto.v1.agent_service_pb2_grpc import (
        AgentServiceAsyncStub,
    )  # exists for type checkers only

ACCOUNTS = 300
PER_SECOND = 100
LAST_CHILD_SECONDS_MAX = 30.0

_ONE_OFF: dict[str, Any] = {
    "source": "shell",
    "matrix": "account",
    "frequency": "one_off",
    "starts_on": "2020-01-01",
    "shell": {"argv": ["true"]},
}
CHAIN = [
    _ONE_OFF | {"name": "parent", "writes_to": ["made"]},
    _ONE_OFF | {"name": "child", "reads_from": ["made"]},
]


@shared
def latencies(laboratory: Laboratory, kind: Kind) -> Sequence[float]:
    """Milliseconds, one for each account."""
    accounts = laboratory.scaled(ACCOUNTS)
    with laboratory.server(kind, definitions=CHAIN, accounts=accounts) as server:
        server.wait_for_waiting_runs(accounts)
        return in_loop(_measured(server, accounts))


async def _measured(server: Server, accounts: int) -> Sequence[float]:
    metadata = (("authorization", f"Bearer {server.token}"),)
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub: AgentServiceAsyncStub = AgentServiceStub(channel)
        opened = await register(stub, metadata, name="latency", capacity=2 * accounts)
        watch = _Watch(
            stub.ClaimRun(metadata=metadata), stub.Complete(metadata=metadata), session=opened.session
        )
        async with asyncio.timeout(accounts / PER_SECOND + LAST_CHILD_SECONDS_MAX):
            await until_one_ends(watch.complete_parents(accounts), watch.claim(), watch.acknowledge())
    return watch.latencies()


class _Watch:
    """An agent that completes parents at a steady rate, and notes when their children arrive."""

    def __init__(
        self,
        claims: grpc.aio.StreamStreamCall[wire.ClaimRunRequest, wire.ClaimRunResponse],
        reports: grpc.aio.StreamStreamCall[wire.CompleteRequest, wire.CompleteResponse],
        *,
        session: int,
    ) -> None:
        self._claims = claims
        self._reports = reports
        self._session = session
        self._parents: asyncio.Queue[run_pb2.ClaimedRun] = asyncio.Queue()
        self._account_of: dict[str, str] = {}
        self._acknowledged: dict[str, float] = {}
        self._arrived: dict[str, float] = {}
        self._changed = asyncio.Event()

    async def complete_parents(self, accounts: int) -> None:
        """Until every child has arrived."""
        await self._claims.write(room_for(2 * accounts, session=self._session, received=0))
        began = time.perf_counter()
        for number in range(accounts):
            run = await self._parents.get()
            await asyncio.sleep(began + number / PER_SECOND - time.perf_counter())
            report = success(run.lease)
            self._account_of[report.completion_id] = run.member.token
            await self._reports.write(wire.CompleteRequest(session=self._session, completions=[report]))
        while len(self._arrived) < accounts or len(self._acknowledged) < accounts:
            self._changed.clear()
            await self._changed.wait()

    async def claim(self) -> None:
        async for pushed in self._claims:
            now = time.perf_counter()
            for run in pushed.runs:
                if run.definition == "parent":
                    self._parents.put_nowait(run)
                else:
                    self._arrived[run.member.token] = now
            self._changed.set()

    async def acknowledge(self) -> None:
        async for answer in self._reports:
            now = time.perf_counter()
            for ack in answer.acks:
                self._acknowledged[self._account_of[ack.completion_id]] = now
            self._changed.set()

    def latencies(self) -> Sequence[float]:
        """A child may overtake its parent's acknowledgement: then it took no time."""
        return [
            max(0.0, self._arrived[account] - acknowledged) * 1000
            for account, acknowledged in self._acknowledged.items()
        ]


def _row(kind: Kind, percentile: int, at_most: float) -> Benchmark:
    return Benchmark(
        name=f"ready-latency-p{percentile}-{kind}",
        meaning=f"parent's completion acknowledged → child's run at the agent, {PER_SECOND} a second",
        unit="ms",
        target=Target(of="value", at_most=at_most),
        measure=lambda laboratory: Measured(
            value=quantiles(latencies(laboratory, kind), n=100, method="inclusive")[percentile - 1]
        ),
    )


ROWS: Sequence[Benchmark] = (
    _row("postgresql", 50, at_most=10),
    _row("postgresql", 99, at_most=50),
    _row("sqlite", 50, at_most=10),
    _row("sqlite", 99, at_most=50),
)
