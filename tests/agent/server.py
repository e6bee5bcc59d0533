"""A small server for the agent's tests: a real one over gRPC, which hands out what it is given and remembers.

It commits nothing; it is the other end of the wire, not a second implementation of the rules.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc

from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from conductor_proto.v1.agent_service_pb2_grpc import AgentServiceServicer, add_AgentServiceServicer_to_server

HEARTBEAT = 0.1  # seconds
PATIENCE = 30.0  # seconds until a test that waits for a signal gives up


class SmallServer(AgentServiceServicer):
    """Runs that wait are pushed where there is room for them; everything that arrives is kept."""

    def __init__(self, token: str = "secret") -> None:
        self.token = token
        self.waiting: list[run_pb2.ClaimedRun] = []
        self.granted: dict[int, run_pb2.ClaimedRun] = {}
        self.registrations: list[wire.RegisterRequest] = []
        self.reports: list[wire.Completion] = []
        self.held: list[wire.HeartbeatRequest] = []
        self.progress: dict[int, list[run_pb2.Progress]] = {}
        self.checkpoints: dict[int, bytes] = {}
        self.logs: dict[tuple[int, str], bytes] = {}
        self.closed_logs: set[tuple[int, str]] = set()
        self.answer_reports = True
        self.pushed_with_next: list[run_pb2.ClaimedRun] = []  # whether or not there is room for them
        self.disposition = wire.DISPOSITION_APPLIED
        self.verdict = wire.VERDICT_CONTINUE
        self.refuse_registration: tuple[grpc.StatusCode, str] | None = None
        self._sessions = itertools.count(1)
        self._changed = asyncio.Condition()
        self._pushes: list[asyncio.Queue[wire.HeartbeatResponse]] = []

    # --- what tests do

    async def give(self, run: run_pb2.ClaimedRun) -> int:
        """Makes a run ready; its id."""
        self.waiting.append(run)
        await self._tell()
        return run.lease.run_id

    async def judge(self, run_id: int, verdict: wire.Verdict.ValueType, reason: str) -> None:
        """Sends a verdict unasked, on every heartbeat stream."""
        lease = self.granted[run_id].lease
        answer = wire.HeartbeatResponse(
            verdicts=[wire.RunVerdict(lease=lease, verdict=verdict, reason=reason)]
        )
        for queue in self._pushes:
            queue.put_nowait(answer)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something that arrived has made the condition true."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def report_of(self, run_id: int) -> wire.Completion:
        """The first report of a run, once it has come."""
        await self.until(lambda: any(report.lease.run_id == run_id for report in self.reports))
        return next(report for report in self.reports if report.lease.run_id == run_id)

    async def log_of(self, run_id: int, stream: str, text: str) -> str:
        """What has come of a stream, once it holds a text."""
        key = (run_id, stream)
        await self.until(lambda: text.encode() in self.logs.get(key, b""))
        return self.logs[key].decode()

    def reports_by_run(self) -> Counter[int]:
        """How many different reports there are of each run."""
        return Counter(
            run_id for run_id, _ in {(report.lease.run_id, report.completion_id) for report in self.reports}
        )

    # --- what agents call

    async def Register(
        self, request: wire.RegisterRequest, context: grpc.aio.ServicerContext
    ) -> wire.RegisterResponse:  # type: ignore[override,type-arg]
        metadata = dict(context.invocation_metadata() or ())
        if metadata.get("authorization") != f"Bearer {self.token}":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is not known")
        self.registrations.append(request)
        if self.refuse_registration is not None:
            await context.abort(*self.refuse_registration)
        answer = wire.RegisterResponse(
            session=next(self._sessions),
            protocol=1,
            verdicts=[wire.RunVerdict(lease=lease, verdict=self.verdict) for lease in request.held],
            server="small",
        )
        answer.heartbeat_interval.FromMilliseconds(int(HEARTBEAT * 1000))
        await self._tell()
        return answer

    async def ClaimRun(
        self, requests: AsyncIterator[wire.ClaimRunRequest], _: object
    ) -> AsyncIterator[wire.ClaimRunResponse]:  # type: ignore[override]
        demand = Counter[str]()
        pushed = 0

        async def read() -> None:
            async for request in requests:
                in_flight = pushed - request.received  # stated before the agent had them
                demand.clear()
                demand.update({free.source: free.runs - in_flight for free in request.free})
                await self._tell()

        reading = asyncio.create_task(read())
        try:
            while True:
                async with self._changed:
                    await self._changed.wait_for(lambda: self._ready(demand) is not None)
                    run = self._ready(demand)
                    assert run is not None
                    self.waiting.remove(run)
                    self.granted[run.lease.run_id] = run
                    demand[run.source] -= 1
                    pushed += 1
                yield wire.ClaimRunResponse(runs=[run, *self.pushed_with_next])
                self.pushed_with_next.clear()
        finally:
            reading.cancel()

    def _ready(self, demand: Counter[str]) -> run_pb2.ClaimedRun | None:
        return next((run for run in self.waiting if demand[run.source] > 0), None)

    async def Heartbeat(
        self, requests: AsyncIterator[wire.HeartbeatRequest], _: object
    ) -> AsyncIterator[wire.HeartbeatResponse]:  # type: ignore[override]
        queue: asyncio.Queue[wire.HeartbeatResponse] = asyncio.Queue()
        self._pushes.append(queue)

        async def read() -> None:
            async for request in requests:
                self.held.append(request)
                for beat in request.runs:
                    if beat.HasField("progress"):
                        self.progress.setdefault(beat.lease.run_id, []).append(beat.progress)
                    if beat.HasField("checkpoint"):
                        self.checkpoints[beat.lease.run_id] = beat.checkpoint
                await self._tell()

        reading = asyncio.create_task(read())
        try:
            while True:
                yield await queue.get()
        finally:
            self._pushes.remove(queue)
            reading.cancel()

    async def Complete(
        self, requests: AsyncIterator[wire.CompleteRequest], _: object
    ) -> AsyncIterator[wire.CompleteResponse]:  # type: ignore[override]
        async for request in requests:
            self.reports.extend(request.completions)
            await self._tell()
            if self.answer_reports:
                yield wire.CompleteResponse(
                    acks=[
                        wire.CompletionAck(completion_id=report.completion_id, disposition=self.disposition)
                        for report in request.completions
                    ]
                )

    async def PushLogs(
        self, requests: AsyncIterator[wire.PushLogsRequest], _: object
    ) -> AsyncIterator[wire.PushLogsResponse]:  # type: ignore[override]
        async for request in requests:
            key = (request.lease.run_id, request.stream)
            had = self.logs.get(key, b"")
            if request.offset == len(had):
                self.logs[key] = had + request.data
            await self._tell()
            yield wire.PushLogsResponse(
                run_id=key[0],
                stream=key[1],
                next_offset=len(self.logs.get(key, b"")),
                closed=key in self.closed_logs,
            )

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def serving(servicer: SmallServer, port: int = 0) -> AsyncIterator[int]:
    """Serves on the loopback; the port. Streams still open at the end are cut."""
    # agents ping every 20 s; by default a server takes more than one in 300 s for an attack
    server = grpc.aio.server(options=[("grpc.http2.min_ping_interval_without_data_ms", 10_000)])
    add_AgentServiceServicer_to_server(servicer, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(grace=None)
