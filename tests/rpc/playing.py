"""An agent that a test plays, message by message, over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import grpc

from conductor_proto.v1 import agent_service_pb2 as pb
from conductor_proto.v1 import run_pb2
from tests.support.server import PATIENCE_S, Served


class Played:
    """One agent. ``held`` are the runs that its heartbeats name; what is claimed is held until it is completed."""

    def __init__(
        self, served: Served, name: str = "one", *, sources: Mapping[str, int] | None = None
    ) -> None:
        self._served = served
        self.name = name
        self.sources = dict(sources or {"shell": 5})
        self.session = 0
        self.received = 0
        self.held: dict[int, run_pb2.Lease] = {}

    async def register(self, *, instance: str = "first", **said: Any) -> pb.RegisterResponse:
        request = pb.RegisterRequest(
            **{
                "agent": self.name,
                "instance": instance,
                "host": "here",
                "pid": 1,
                "protocol_min": 1,
                "protocol_max": 1,
                "capacities": [pb.SourceCapacity(source=name, runs=n) for name, n in self.sources.items()],
                "held": list(self.held.values()),
                **said,
            }
        )
        answer: pb.RegisterResponse = await self._served.agents.Register(
            request, metadata=self._served.metadata, timeout=PATIENCE_S
        )
        self.session, self.received = answer.session, 0
        return answer

    def open(self, method: str) -> Any:
        """One of the streams."""
        return getattr(self._served.agents, method)(metadata=self._served.metadata)

    async def state(self, claims: Any, free: int = 5, *, source: str = "shell", received: int = -1) -> None:
        """Say how much room there is, and how much was received."""
        request = pb.ClaimRunRequest(
            session=self.session,
            free=[pb.SourceCapacity(source=source, runs=free)],
            received=self.received if received < 0 else received,
        )
        await claims.write(request)

    async def take(self, claims: Any, count: int = 1) -> list[run_pb2.ClaimedRun]:
        """Receive that many runs, and not one more in the same pushes."""
        runs: list[run_pb2.ClaimedRun] = []
        while len(runs) < count:
            runs += (await answer(claims)).runs
        assert len(runs) == count
        self.received += count
        self.held |= {run.lease.run_id: run.lease for run in runs}
        return runs

    async def claim(self, count: int = 1) -> list[run_pb2.ClaimedRun]:
        """Claim over a stream of its own, which is closed again."""
        claims = self.open("ClaimRun")
        await self.state(claims, count, received=0)
        runs = await self.take(claims, count)
        await claims.done_writing()
        return runs

    async def beat(self, beats: Any, held: Iterable[pb.RunBeat] | None = None) -> dict[int, str]:
        """Send a heartbeat of all that is held, and answer the words of the verdicts that came back, by run."""
        runs = [pb.RunBeat(lease=lease) for lease in self.held.values()] if held is None else list(held)
        await beats.write(pb.HeartbeatRequest(session=self.session, runs=runs))
        return verdicts(await answer(beats))

    async def report(self, reports: Any, *completions: pb.Completion) -> dict[str, pb.CompletionAck]:
        """Send reports in one message, and answer what came back, by completion."""
        await reports.write(pb.CompleteRequest(session=self.session, completions=completions))
        acks: dict[str, pb.CompletionAck] = {}
        while len(acks) < len(completions):
            acks |= {ack.completion_id: ack for ack in (await answer(reports)).acks}
        return acks

    async def complete(self, *completions: pb.Completion) -> dict[str, pb.CompletionAck]:
        """Report over a stream of its own."""
        reports = self.open("Complete")
        acks = await self.report(reports, *completions)
        await reports.done_writing()
        return acks


def completion(lease: run_pb2.Lease, name: str = "", **said: Any) -> pb.Completion:
    """A report of success, unless it is said otherwise."""
    values = {"outcome": run_pb2.OUTCOME_SUCCEEDED, "completion_id": name or f"c{lease.run_id}"} | said
    return pb.Completion(lease=lease, **values)


async def answer(stream: Any) -> Any:
    """The next message. Raises AioRpcError when the server has ended the stream with an error."""
    async with asyncio.timeout(PATIENCE_S):
        message = await stream.read()
    assert message is not grpc.aio.EOF, "the stream has ended"
    return message


async def ended_with(stream: Any) -> grpc.StatusCode:
    """How the server ends the stream; what it says before is passed over."""
    async with asyncio.timeout(PATIENCE_S):
        code: grpc.StatusCode = await stream.code()
    return code


def verdicts(message: pb.HeartbeatResponse) -> dict[int, str]:
    return {each.lease.run_id: word(pb.Verdict, each.verdict) for each in message.verdicts}


def word(enum: Any, value: int) -> str:
    """``CONTINUE`` of ``VERDICT_CONTINUE``."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    return str(enum.Name(value)).removeprefix(prefix)
