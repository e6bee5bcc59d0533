"""AgentService: Register, and the four long-lived streams. Each method parses, calls, formats.

Every stream reads and writes at the same time: a task reads what the agent says, the method itself yields what there is
to answer. Either side may end it at any moment; whatever was under way heals itself (see the proto's comments).
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import sqlalchemy as sa

from conductor_proto.v1 import agent_service_pb2 as pb
from conductor_proto.v1.agent_service_pb2_grpc import AgentServiceServicer
from conductor_server.engine.clock import Clock
from conductor_server.engine.step import EngineSettings
from conductor_server.model.errors import ConductorError, StaleSessionError
from conductor_server.rpc import agent_convert as convert
from conductor_server.rpc.agent_requests import NO_RECOVERY, Recovery, Registered, register
from conductor_server.rpc.caller import caller
from conductor_server.rpc.claims import ClaimDesk, ClaimStream
from conductor_server.rpc.group_commit import GroupCommit
from conductor_server.rpc.sessions import Session, Sessions
from conductor_server.rpc.spec_messages import SpecMessages
from conductor_server.rpc.status import translated_async, translated_stream
from conductor_server.store.database import Database

PROTOCOL = 1

SKEW_IS_NEWS = dt.timedelta(seconds=0.5)
"""So much a clock has to move against ours to be written down anew."""

Context = grpc.aio.ServicerContext[Any, Any]


class AgentService(AgentServiceServicer):
    """What agents call."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: EngineSettings,
        *,
        commits: GroupCommit,
        desk: ClaimDesk,
        sessions: Sessions,
        wake_engine: Callable[[], None],
        registered: Callable[[str, int], None],
        server_name: str,
        recovery: Recovery = NO_RECOVERY,
    ) -> None:
        """``registered`` is called with every agent and session that was opened, for other servers to know."""
        self._database = database
        self._clock = clock
        self._settings = settings
        self._commits = commits
        self._desk = desk
        self._sessions = sessions
        self._wake_engine = wake_engine
        self._registered = registered
        self._server_name = server_name
        self._recovery = recovery
        self._specs = SpecMessages(database)

    @translated_async
    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        if not request.protocol_min <= PROTOCOL <= request.protocol_max:
            raise ConductorError(
                f"agent {request.agent} speaks protocols {request.protocol_min} to {request.protocol_max}, "
                f"this server speaks {PROTOCOL}: upgrade the older of the two"
            )
        registration = convert.registration(request)
        by = caller()
        held = [convert.lease(lease) for lease in request.held]
        opened: Registered = await self._write(
            lambda db: register(
                db,
                registration,
                held,
                by=by,
                take_over=request.take_over,
                now=self._clock.now(),
                heartbeat_interval=self._settings.heartbeat_interval,
                recovery=self._recovery,
            )
        )
        self._sessions.open(
            Session(
                number=opened.session,
                agent=request.agent,
                source_ids=opened.source_ids,
                credential=by.id,
            )
        )
        self._desk.supersede(request.agent, opened.session)
        self._registered(request.agent, opened.session)
        self._wake_engine()
        return pb.RegisterResponse(
            session=opened.session,
            protocol=PROTOCOL,
            heartbeat_interval=convert.duration(self._settings.heartbeat_interval),
            lease_timeout=convert.duration(self._settings.timeout),
            verdicts=[convert.verdict(lease, *answer) for lease, answer in opened.verdicts.items()],
            server=self._server_name,
            store=self._recovery.incarnation.store,
            store_incarnation=self._recovery.incarnation.token,
        )

    @translated_stream
    async def ClaimRun(
        self, requests: AsyncIterator[pb.ClaimRunRequest], context: Context
    ) -> AsyncIterator[pb.ClaimRunResponse]:
        first = await anext(aiter(requests), None)
        if first is None:
            return
        by = caller()
        session = await self._sessions.get(first.session, by=by)
        stream = ClaimStream(
            agent=session.agent,
            session=session.number,
            source_ids=session.source_ids,
            accounts=by.reach.accounts,
        )

        async def read() -> None:
            stream.state(*convert.free(first))
            self._desk.wake()
            async for request in requests:
                stream.state(*convert.free(request))
                self._desk.wake()

        self._desk.add(stream)
        try:
            async with _reading(read(), stream.outbox):
                while (runs := await stream.outbox.get()) is not None:
                    if isinstance(runs, StaleSessionError):
                        raise runs
                    specs = await self._specs.of(runs)
                    # A definition that was removed since the claim has taken its runs with it.
                    yield pb.ClaimRunResponse(
                        runs=[
                            convert.claimed_run(run, specs[run.definition_id])
                            for run in runs
                            if run.definition_id in specs
                        ]
                    )
        finally:
            self._desk.remove(stream)

    @translated_stream
    async def Heartbeat(
        self, requests: AsyncIterator[pb.HeartbeatRequest], context: Context
    ) -> AsyncIterator[pb.HeartbeatResponse]:
        by = caller()
        outbox: asyncio.Queue[pb.HeartbeatResponse | None] = asyncio.Queue()
        listening: list[Session] = []
        skew = Skew()

        async def read() -> None:
            async for request in requests:
                session = await self._sessions.get(request.session, by=by)
                if not listening:
                    listening.append(session)
                    self._sessions.listen(session, outbox)
                verdicts = await self._commits.beat(
                    session.agent,
                    session.number,
                    convert.beats(request),
                    skew=skew.news(convert.clock(request), now=self._clock.now()),
                )
                await outbox.put(convert.heartbeat_response(verdicts))

        try:
            async with _reading(read(), outbox):
                while (answer := await outbox.get()) is not None:
                    yield answer
        finally:
            for session in listening:
                self._sessions.stop_listening(session, outbox)

    @translated_stream
    async def Complete(
        self, requests: AsyncIterator[pb.CompleteRequest], context: Context
    ) -> AsyncIterator[pb.CompleteResponse]:
        by = caller()
        outbox: asyncio.Queue[pb.CompleteResponse | None] = asyncio.Queue()

        async def record(request: pb.CompleteRequest) -> None:
            session = await self._sessions.get(request.session, by=by)
            told = convert.reports(request, agent=session.agent)
            recorded = await self._commits.record([each.report for each in told])
            self._wake_engine()
            self._desk.wake()
            await outbox.put(pb.CompleteResponse(acks=convert.acks(told, recorded)))

        async def read() -> None:
            # Several messages may be under way: they meet in one transaction.
            async with asyncio.TaskGroup() as group:
                async for request in requests:
                    group.create_task(record(request))

        async with _reading(read(), outbox):
            while (answer := await outbox.get()) is not None:
                yield answer

    @translated_stream
    async def PushLogs(
        self, requests: AsyncIterator[pb.PushLogsRequest], context: Context
    ) -> AsyncIterator[pb.PushLogsResponse]:
        by = caller()
        async for request in requests:
            session = await self._sessions.get(request.session, by=by)
            appended = await self._commits.keep(
                session.agent, convert.lease(request.lease), convert.chunk(request)
            )
            yield pb.PushLogsResponse(
                run_id=request.lease.run_id,
                stream=request.stream,
                next_offset=appended.next_offset,
                closed=appended.closed,
            )

    async def _write(self, work: Callable[[sa.Connection], Any]) -> Any:
        return await asyncio.wrap_future(self._database.submit(work))


class Skew:
    """How far the clock at the other end of a stream is off: news where it is another than was told last."""

    def __init__(self) -> None:
        self._told: dt.timedelta | None = None

    def news(self, clock: dt.datetime | None, *, now: dt.datetime) -> dt.timedelta | None:
        """``None`` where there is none: a message's way takes its time, and each takes another."""
        if clock is None or (self._told is not None and abs(clock - now - self._told) < SKEW_IS_NEWS):
            return None
        self._told = clock - now
        return self._told


@asynccontextmanager
async def _reading(reader: Awaitable[None], outbox: asyncio.Queue[Any]) -> AsyncIterator[None]:
    """Read a stream beside writing it. ``None`` in the outbox says that the other side has finished.

    What goes wrong in reading ends the stream with that error.
    """
    task = asyncio.ensure_future(reader)
    task.add_done_callback(lambda _: outbox.put_nowait(None))
    try:
        yield
        await task
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
