"""One session: the four streams, from Register's answer until the first of the three that matter ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
import structlog

from conductor_agent import convert
from conductor_agent.agent import Agent
from conductor_agent.model import Run
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2

if TYPE_CHECKING:
    from conductor_proto.v1.agent_service_pb2_grpc import (
        AgentServiceAsyncStub,
    )  # exists for type checkers only

_log = structlog.get_logger()
_LOGS_AGAIN_AFTER = 1.0  # seconds
_REPORTS_AT_ONCE = 64
_SHORTEST_INTERVAL = 0.05  # seconds; a server that says 0 must not be drowned
_LONGEST_INTERVAL = 60.0  # one that says for ever would time out all that runs here

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What Register said. ``heartbeat_interval`` is in seconds."""

    number: int
    heartbeat_interval: float
    metadata: tuple[tuple[str, str], ...]


async def run_session(
    agent: Agent, session: Session, control: AgentServiceAsyncStub, bulk: AgentServiceAsyncStub
) -> None:
    """Runs the streams until one of claims, heartbeats and reports ends; then the session is over as a whole.

    Raises the ``AioRpcError`` that ended it, if one did. Trouble with logs stays with the logs.
    """
    vital = [
        asyncio.create_task(_claim(agent, session, control)),
        asyncio.create_task(_heartbeat(agent, session, control)),
        asyncio.create_task(_report(agent, session, control)),
    ]
    streams = [*vital, asyncio.create_task(_push_logs(agent, session, bulk))]
    # no task group: in 3.11 one that is cancelled while a task fails forgets the cancellation
    try:
        ended, _ = await asyncio.wait(vital, return_when=asyncio.FIRST_COMPLETED)
        for stream in ended:
            if not stream.cancelled():  # gRPC's own way to say that the call was cut
                stream.result()
    finally:
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)


async def _claim(agent: Agent, session: Session, stub: AgentServiceAsyncStub) -> None:
    agent.claim_stream_opened()

    async def statements() -> AsyncIterator[wire.ClaimRunRequest]:
        while True:
            agent.demand_changed.clear()
            demand = agent.demand()
            yield wire.ClaimRunRequest(
                session=session.number,
                free=[wire.SourceCapacity(source=name, runs=runs) for name, runs in demand.free.items()],
                received=demand.received,
            )
            await agent.demand_changed.wait()

    def pushed(answer: wire.ClaimRunResponse) -> None:
        if answer.runs:
            agent.claimed([_read_run(run) for run in answer.runs])

    await _converse(stub.ClaimRun(metadata=session.metadata), statements(), pushed)


def _read_run(message: run_pb2.ClaimedRun) -> Run:
    try:
        return convert.run_from_wire(message)
    except (
        Exception
    ) as error:  # the boundary of a run: whatever a server pushes, the others are not to suffer
        _log.error("a run cannot be read", run=message.lease.run_id, error=str(error))
        return convert.faulty_run(message, error)


async def _heartbeat(agent: Agent, session: Session, stub: AgentServiceAsyncStub) -> None:
    async def beats() -> AsyncIterator[wire.HeartbeatRequest]:
        while True:
            runs = [convert.beat_to_wire(beat) for beat in agent.beats()]
            yield wire.HeartbeatRequest(
                session=session.number, runs=runs, clock=convert.clock_to_wire(agent.now())
            )
            await asyncio.sleep(min(max(_SHORTEST_INTERVAL, session.heartbeat_interval), _LONGEST_INTERVAL))

    def judged(answer: wire.HeartbeatResponse) -> None:
        agent.judged([convert.judgement_from_wire(verdict) for verdict in answer.verdicts])

    await _converse(stub.Heartbeat(metadata=session.metadata), beats(), judged)


async def _report(agent: Agent, session: Session, stub: AgentServiceAsyncStub) -> None:
    async def reports() -> AsyncIterator[wire.CompleteRequest]:
        while True:
            agent.reports_ready.clear()
            completions = [convert.completion_to_wire(completion) for completion in agent.reports()]
            for first in range(0, len(completions), _REPORTS_AT_ONCE):
                batch = completions[first : first + _REPORTS_AT_ONCE]
                yield wire.CompleteRequest(session=session.number, completions=batch)
            await agent.reports_ready.wait()

    def answered(answer: wire.CompleteResponse) -> None:
        for ack in answer.acks:
            if ack.disposition != wire.DISPOSITION_APPLIED:
                _log.info("report answered", disposition=_word(ack.disposition), reason=ack.reason)
        agent.answered([ack.completion_id for ack in answer.acks])

    await _converse(stub.Complete(metadata=session.metadata), reports(), answered)


def _word(disposition: wire.Disposition.ValueType) -> str:
    """The disposition's word; of one that a later server has made up, its number."""
    if disposition not in wire.Disposition.values():
        return str(disposition)
    return wire.Disposition.Name(disposition).removeprefix("DISPOSITION_").lower()


async def _push_logs(agent: Agent, session: Session, stub: AgentServiceAsyncStub) -> None:
    while True:
        try:
            call = stub.PushLogs(metadata=session.metadata)
            await _converse(call, agent.logs.pieces(session.number), agent.logs.answered)
        except grpc.aio.AioRpcError as error:
            _log.warning("logs are not being pushed", code=error.code().name, reason=error.details())
        await asyncio.sleep(_LOGS_AGAIN_AFTER)


async def _converse(
    call: grpc.aio.StreamStreamCall[_Request, _Answer],
    messages: AsyncIterator[_Request],
    handle: Callable[[_Answer], None],
) -> None:
    """Sends the messages and handles the answers until the server ends the stream.

    Written by hand because gRPC swallows what its own request iterator raises: a mistake of ours would look like a
    stream that has nothing to say.
    """

    async def send() -> None:
        # a stream that has died lets writes fail in several ways; the reading side knows the reason
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            async for message in messages:
                await call.write(message)

    sending = asyncio.create_task(send())
    sending.add_done_callback(lambda _: call.cancel())  # it never ends by itself
    try:
        async for answer in call:
            handle(answer)
    finally:
        sending.cancel()
        call.cancel()
        await asyncio.wait([sending])
        if not sending.cancelled() and sending.exception() is not None:
            sending.result()
