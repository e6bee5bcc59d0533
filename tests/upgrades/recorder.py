"""Records the conversation of a real agent with a real server, by standing between them."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from conductor_proto.v1 import agent_service_pb2
from tests.e2e.nights import declare
from tests.support.processes import Home, home_in, seen
from tests.upgrades.conversation import DEFINITIONS, RUNS, Line, write


class Recorder(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Relays every call as the bytes that it is, and keeps them in their order."""

    def __init__(self, server: str) -> None:
        self._channel = grpc.aio.insecure_channel(server)
        self._calls = itertools.count(1)
        self.lines: list[Line] = []

    def service(self, details: Any) -> grpc.RpcMethodHandler:
        path: str = details.method

        async def relay(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            number, method = next(self._calls), path.rpartition("/")[2]

            async def said() -> AsyncIterator[bytes]:
                async for request in requests:
                    self._keep(number, ">", method, request)
                    yield request

            metadata = tuple((k, v) for k, v in context.invocation_metadata() if k == "authorization")
            call = self._channel.stream_stream(path)(said(), metadata=metadata)
            try:
                async for answer in call:
                    self._keep(number, "<", method, answer)
                    yield answer
            finally:
                call.cancel()
                self.lines.append(Line(call=number, direction="x", method=method))

        return grpc.stream_stream_rpc_method_handler(relay)

    def note(self, action: str) -> None:
        self.lines.append(Line(call=0, direction="!", method=action))

    def _keep(self, call: int, direction: str, method: str, data: bytes) -> None:
        self.lines.append(
            Line(call=call, direction=direction, method=method, data=_nameless(method, direction, data))
        )


def _nameless(method: str, direction: str, data: bytes) -> bytes:
    """Without the names of the machines on which it was recorded."""
    if method != "Register":
        return data
    if direction == "<":
        answer = agent_service_pb2.RegisterResponse.FromString(data)
        answer.server = "server"
        return answer.SerializeToString()
    request = agent_service_pb2.RegisterRequest.FromString(data)
    request.host = "etl"
    return request.SerializeToString()


@asynccontextmanager
async def recording(server: str) -> AsyncIterator[tuple[Recorder, str]]:
    """A recorder before that server, and its own address."""
    proxy, recorder = grpc.aio.server(), Recorder(server)
    proxy.add_generic_rpc_handlers((recorder,))
    port = proxy.add_insecure_port("127.0.0.1:0")
    await proxy.start()
    try:
        yield recorder, f"127.0.0.1:{port}"
    finally:
        await proxy.stop(grace=None)


def record() -> str:
    """The conversation of this release."""
    with tempfile.TemporaryDirectory() as folder, home_in(Path(folder)) as home:
        return asyncio.run(_record(home, Path(folder)))


async def _record(home: Home, folder: Path) -> str:
    definitions = folder / "definitions.yaml"
    declare(definitions, DEFINITIONS)
    await asyncio.to_thread(home.serve, "--definitions", str(definitions))
    token = (home.path / "token").read_text().strip()
    async with recording(home.announced()["address"]) as (recorder, address):

        def agent() -> Any:
            return home.start(
                "conductor-agent",
                *("--source", "shell=3", "--name", "old", "--server", address),
                CONDUCTOR_TOKEN=token,
            )

        def ended(*runs: tuple[str, int]) -> Callable[[], bool]:
            return lambda: all(_runs(home).get(run) == RUNS[run] for run in runs)

        first = agent()
        await _until(lambda: _has_beaten_with_progress(recorder) and len(_runs(home)) == 3)
        (folder / "gate-load").touch()
        await _until(ended(("load/once", 1), ("load/once", 2)))
        recorder.note("cancel cancelled/once")
        number = home.json("runs", "list", "--slot", "cancelled/once")["runs"][0]["id"]
        await asyncio.to_thread(home.cli, "runs", "cancel", str(number))
        await _until(ended(("cancelled/once", 1)))
        first.kill()
        second = agent()
        await _until(lambda: "run adopted" in second.said)
        (folder / "gate-adopted").touch()
        await _until(ended(*RUNS))
        await asyncio.to_thread(second.terminate)
        return write(recorder.lines)


def _has_beaten_with_progress(recorder: Recorder) -> bool:
    beats = [line for line in recorder.lines if (line.direction, line.method) == (">", "Heartbeat")]
    return any(run.HasField("progress") for line in beats for run in line.message.runs)


def _runs(home: Home) -> dict[tuple[str, int], str]:
    return {(run["slot"], run["attempt"]): run["status"] for run in home.json("runs", "list")["runs"]}


async def _until(holds: Callable[[], bool]) -> None:
    await asyncio.to_thread(seen, holds)
