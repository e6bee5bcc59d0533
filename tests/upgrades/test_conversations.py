"""Agents of every release are served by this server, and this agent is content with the servers of every release."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import control_service_pb2 as control
from conductor_proto.v1 import run_pb2
from conductor_proto.v1.agent_service_pb2_grpc import AgentServiceServicer, add_AgentServiceServicer_to_server
from conductor_server.store.database import Database
from tests.rpc.playing import Played
from tests.support.processes import Home, home_in
from tests.support.server import PATIENCE_S, Served, serving
from tests.upgrades import conversation, dumps
from tests.upgrades.conversation import RUNS, Line

Key = tuple[int, int]

CONVERSATIONS = [
    pytest.param(file, id=file.parent.name) for file in sorted(dumps.RELEASES.glob("*/conversation.txt"))
]


@pytest.fixture(params=CONVERSATIONS)
def lines(request: pytest.FixtureRequest) -> list[Line]:
    return conversation.read(request.param)


# ------------------------------------------------------------------------------------------------ an old agent


class OldAgent:
    """Says what the recorded agent said, with the numbers that this server gives out, and waits for its answers."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._calls: dict[int, Any] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._answers: dict[int, list[Any]] = {}
        self._said: Counter[tuple[int, str]] = Counter()
        self._arrived = asyncio.Condition()
        self._sessions: dict[int, int] = {}
        self._leases: dict[Key, Key] = {}
        self._reported: set[Key] = set()

    async def play(self, line: Line) -> None:
        self._said[line.call, line.direction] += 1
        match line.direction:
            case ">":
                await self._say(line)
            case "<":
                await self._hear(line)
            case "x":
                if (call := self._calls.pop(line.call, None)) is not None:  # else it ended without a word
                    call.cancel()
            case "!":
                await self._operate(line.method)

    async def end(self) -> None:
        for call in self._calls.values():
            call.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _say(self, line: Line) -> None:
        message = line.message
        if line.method != "Register":
            message.session = self._sessions[message.session]
        for lease in conversation.leases(message):
            if line.method == "Complete":
                self._reported.add(_key(lease))
            lease.run_id, lease.epoch = self._leases[_key(lease)]
        if line.call not in self._calls:
            self._open(line)
        await self._calls[line.call].write(message)

    def _open(self, line: Line) -> None:
        """Any method may be called as if it were a stream."""
        path = f"/{wire.DESCRIPTOR.package}.AgentService/{line.method}"
        call = self._served.channel.stream_stream(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=getattr(wire, f"{line.method}Response").FromString,
        )(metadata=self._served.metadata)
        self._calls[line.call], self._answers[line.call] = call, []

        async def read() -> None:
            async for answer in call:
                async with self._arrived:
                    self._answers[line.call].append(answer)
                    self._arrived.notify_all()

        self._readers.append(asyncio.create_task(read()))

    async def _hear(self, line: Line) -> None:
        answers, recorded = self._answers[line.call], line.message
        check = getattr(self, f"_{line.method}")
        faults: list[str] = []

        def agreed() -> bool:
            faults[:] = check(line, recorded, answers)
            return not faults

        try:
            async with asyncio.timeout(PATIENCE_S), self._arrived:
                await self._arrived.wait_for(agreed)
        except TimeoutError:
            pytest.fail(f"call {line.call}, {line.method}: {faults}; was answered {answers[-5:]}")

    # --- what has to be answered; each says what is missing in what has arrived

    def _Register(self, _line: Line, recorded: Any, answers: list[Any]) -> list[str]:
        for answer in answers:
            self._sessions[recorded.session] = answer.session
            mine = [(self._leases[_key(each.lease)], each.verdict) for each in recorded.verdicts]
            its = [(_key(each.lease), each.verdict) for each in answer.verdicts]
            return [] if mine == its and answer.protocol == recorded.protocol else [f"{mine}, and not {its}"]
        return ["no answer"]

    def _ClaimRun(self, _line: Line, recorded: Any, answers: list[Any]) -> list[str]:
        given = {(run.slot, run.attempt): run for answer in answers for run in answer.runs}
        faults = []
        for run in recorded.runs:
            if (now := given.get((run.slot, run.attempt))) is None:
                faults.append(f"{run.slot} was not claimed")
                continue
            self._leases[_key(run.lease)] = _key(now.lease)
            faults += conversation.disagreements(run, now, but=lambda name: name == "lease")
        return faults

    def _Heartbeat(self, line: Line, recorded: Any, answers: list[Any]) -> list[str]:
        expected = min(self._said[line.call, "<"], self._said[line.call, ">"])
        faults = [f"{len(answers)} answers to {expected} heartbeats"] if len(answers) < expected else []
        told = {(_key(each.lease), each.verdict) for answer in answers for each in answer.verdicts}
        for each in recorded.verdicts:
            # a heartbeat and a report may both be on their way: either is first
            crossed = _key(each.lease) in self._reported
            if not crossed and (self._leases[_key(each.lease)], each.verdict) not in told:
                faults.append(f"no {each}")
        return faults

    def _Complete(self, _line: Line, recorded: Any, answers: list[Any]) -> list[str]:
        acks = {ack.completion_id: ack for answer in answers for ack in answer.acks}
        return [
            fault
            for ack in recorded.acks
            for fault in (
                conversation.disagreements(ack, acks[ack.completion_id], but=lambda name: name == "reason")
                if ack.completion_id in acks
                else [f"no answer to {ack.completion_id}"]
            )
        ]

    def _PushLogs(self, _line: Line, recorded: Any, answers: list[Any]) -> list[str]:
        runs = {run: now for (run, _), (now, _) in self._leases.items()}
        wanted = (runs[recorded.run_id], recorded.stream, recorded.next_offset, recorded.closed)
        found = [(each.run_id, each.stream, each.next_offset, each.closed) for each in answers]
        return [] if wanted in found else [f"no {wanted}"]

    async def _operate(self, action: str) -> None:
        verb, slot = action.split()
        assert verb == "cancel"
        (run,) = await self._served.runs(slot=slot)
        await self._served.ask("CancelRun", control.CancelRunRequest(id=run.id))


def _key(lease: run_pb2.Lease) -> Key:
    return lease.run_id, lease.epoch


async def test_an_agent_of_that_release_is_served(
    lines: list[Line], database: Database, tmp_path: Path
) -> None:
    settings = {
        "CONDUCTOR_DATABASE": database.url.render_as_string(hide_password=False),
        "COMMAND_HEARTBEAT_INTERVAL_SECONDS": 30.0,  # they come as fast as they can be read, not as they were spaced
    }
    other = {
        "name": "aaa",
        "source": "python",
        "python": {"callable": "os:getpid"},
    }  # so that numbers are not those
    async with serving(tmp_path / "home", other, *conversation.DEFINITIONS, **settings) as served:
        await Played(served, sources={"python": 1}).register()
        agent = OldAgent(served)
        try:
            for line in lines:
                await agent.play(line)
        finally:
            await agent.end()

        runs = [run for run in await served.runs() if run.definition != "aaa"]
        ended = {
            (run.slot, run.attempt): run_pb2.RunStatus.Name(run.status).removeprefix("RUN_STATUS_").lower()
            for run in runs
        }
        assert ended == RUNS
        (second,) = [run for run in runs if (run.slot, run.attempt) == ("load/once", 2)]
        assert second.result["rows"] == 7


# ------------------------------------------------------------------------------------------------ an old server


class OldServer(AgentServiceServicer):
    """Answers as the recorded server did; ``twist`` changes what it says, as a server of the future may."""

    def __init__(self, lines: list[Line], twist: Callable[[Any], Any] = lambda answer: answer) -> None:
        self._twist = twist
        answers = [line for line in lines if line.direction == "<"]
        self._registered = next(line.message for line in answers if line.method == "Register")
        self._runs = [run for line in answers if line.method == "ClaimRun" for run in line.message.runs]
        self._verdicts = {
            each.lease.run_id: each
            for line in answers
            if line.method == "Heartbeat"
            for each in line.message.verdicts
            if each.verdict == wire.VERDICT_CANCEL
        }
        self._acks = {
            ack.completion_id: ack
            for line in answers
            if line.method == "Complete"
            for ack in line.message.acks
        }
        self._recorded = {
            report.lease.run_id: report
            for line in lines
            if (line.direction, line.method) == (">", "Complete")
            for report in line.message.completions
        }
        self.reports: dict[int, Any] = {}
        self.beats = 0
        self.over = asyncio.Event()

    def agrees_with(self, run_id: int) -> bool:
        """Whether the run was reported as it was then."""
        now, then = self.reports[run_id], self._recorded[run_id]
        return (now.outcome, now.exit_code, now.result) == (then.outcome, then.exit_code, then.result)

    @property
    def expected(self) -> set[int]:
        return set(self._recorded)

    async def Register(self, request: Any, _context: Any) -> Any:
        answer = wire.RegisterResponse.FromString(self._registered.SerializeToString())
        return self._twist(answer)

    async def ClaimRun(self, requests: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        received = 0
        async for request in requests:
            free = sum(entry.runs for entry in request.free) - (received - request.received)
            runs, self._runs = self._runs[:free], self._runs[free:]
            received += len(runs)
            yield self._twist(wire.ClaimRunResponse(runs=runs))

    async def Heartbeat(self, requests: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            self.beats += 1
            held = [beat.lease.run_id for beat in request.runs]
            verdicts = [self._verdicts[number] for number in held if number in self._verdicts]
            yield self._twist(wire.HeartbeatResponse(verdicts=verdicts))

    async def Complete(self, requests: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            acks = []
            for report in request.completions:
                self.reports[report.lease.run_id] = report
                ack = self._acks[self._recorded[report.lease.run_id].completion_id]
                acks.append(
                    wire.CompletionAck(
                        completion_id=report.completion_id, disposition=ack.disposition, status=ack.status
                    )
                )
            yield self._twist(wire.CompleteResponse(acks=acks))
            if self.reports.keys() == self._recorded.keys():
                self.over.set()

    async def PushLogs(self, requests: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            yield self._twist(
                wire.PushLogsResponse(
                    run_id=request.lease.run_id,
                    stream=request.stream,
                    next_offset=request.offset + len(request.data),
                )
            )


@pytest.mark.parametrize("future", [False, True], ids=["as-recorded", "with-news"])
async def test_a_server_of_that_release_is_understood(
    lines: list[Line], tmp_path: Path, future: bool
) -> None:
    servicer = OldServer(lines, _with_news if future else lambda answer: answer)
    server = grpc.aio.server()
    add_AgentServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        with home_in(tmp_path) as home:
            for gate in ("gate-load", "gate-adopted"):
                (tmp_path / gate).touch()
            agent = _agent(home, port)
            async with asyncio.timeout(60):
                await servicer.over.wait()
            assert [number for number in servicer.expected if not servicer.agrees_with(number)] == []
            assert await asyncio.to_thread(agent.terminate) == 0, agent.said
    finally:
        await server.stop(grace=None)


def _with_news(answer: Any) -> Any:
    """Fields that nobody knows yet in every message, and a verdict that nobody knows for every run."""
    if isinstance(answer, wire.RegisterResponse):
        answer.protocol = 1
    if isinstance(answer, wire.HeartbeatResponse):
        answer.verdicts.append(wire.RunVerdict(lease=run_pb2.Lease(run_id=1, epoch=1), verdict=99))
    unknown = b"\xfa\x7f\x04news"  # field 2047, four bytes
    return type(answer).FromString(answer.SerializeToString() + unknown)


def _agent(home: Home, port: int) -> Any:
    return home.start(
        "conductor-agent", "--source", "shell=3", "--name", "new", "--server", f"127.0.0.1:{port}"
    )
