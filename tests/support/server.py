"""A real server in the test's own process, and looking at it until what is expected can be seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import grpc
import yaml

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1.agent_service_pb2_grpc import AgentServiceStub
from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub
from conductor_server import app
from conductor_server.config import Settings
from tests.support.audit import audit_home

T = TypeVar("T")

PATIENCE_S = 20.0
"""Until a test that waits for something to be seen gives up: far more than any of it takes."""

QUICK = {
    "COMMAND_HEARTBEAT_INTERVAL_SECONDS": 0.3,
    "COMMAND_LOOP_INTERVAL_SECONDS": 0.2,
    "COMMAND_RETRIES_STANDARD_DELAY_MINUTES": 0.0,
    "COMMAND_SLOTS_CREATE_EXTRA_DAYS": 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that answers, and what a client needs to ask it. ``definitions`` is the file that it watches."""

    address: str
    metrics_address: str
    home: Path
    token: str
    channel: grpc.aio.Channel
    definitions: Path

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)

    @property
    def agents(self) -> Any:
        return AgentServiceStub(self.channel)

    def with_token(self, token: str) -> Served:
        """The same server, as somebody else calls it."""
        return replace(self, token=token)

    async def ask(self, method: str, request: Any) -> Any:
        """A unary call of ControlService."""
        call = getattr(ControlServiceStub(self.channel), method)
        return await call(request, metadata=self.metadata, timeout=PATIENCE_S)

    def declare(self, *definitions: Mapping[str, Any], accounts: Sequence[str] = ()) -> None:
        """What the watched file lists from now on."""
        declare(self.definitions, *definitions, accounts=accounts)

    async def run(self, run_id: int) -> pb.Run:
        run: pb.Run = (await self.ask("GetRun", pb.GetRunRequest(id=run_id))).run
        return run

    async def runs(self, **wanted: Any) -> list[pb.Run]:
        """The newest first."""
        return list((await self.ask("ListRuns", pb.ListRunsRequest(page_size=1000, **wanted))).runs)

    async def status(self) -> pb.GetStatusResponse:
        status: pb.GetStatusResponse = await self.ask("GetStatus", pb.GetStatusRequest())
        return status


def declare(file: Path, *definitions: Mapping[str, Any], accounts: Sequence[str] = ()) -> None:
    """Write a definition file. What is left out: shell commands of the default matrix, once, due long ago."""
    document = {
        "version": 1,
        "accounts": [{"token": token, "timezone": "UTC", "starts_on": "2026-01-01"} for token in accounts],
        "defaults": {
            "source": "shell",
            "frequency": "one_off",
            "starts_on": "2026-01-01",
        },
        "definitions": [
            definition if "source" in definition else {"shell": {"argv": ["true"]}} | definition
            for definition in definitions
        ],
    }
    temporary = file.with_suffix(".new")
    temporary.write_text(yaml.safe_dump(document))
    temporary.replace(file)


@asynccontextmanager
async def serving(
    home: Path, *definitions: Mapping[str, Any], accounts: Sequence[str] = (), **settings: Any
) -> AsyncIterator[Served]:
    """Serve what the definitions say from a home folder, on ports of its own, with short intervals."""
    home.mkdir(exist_ok=True)  # noqa: ASYNC240 - a folder in a test's own place
    file = home.parent / f"{home.name}.yaml"
    declare(file, *definitions, accounts=accounts)
    loaded = Settings(
        **{
            "CONDUCTOR_LISTEN": "127.0.0.1:0",
            "CONDUCTOR_METRICS_LISTEN": "127.0.0.1:0",
            "CONDUCTOR_DEFINITIONS": [str(file)],
            **QUICK,
            **settings,
        }
    )
    async with (
        audited(home, settings.get("CONDUCTOR_DATABASE", "")),
        app.serve(loaded, home=home) as running,
        grpc.aio.insecure_channel(running.address) as channel,
    ):
        yield Served(
            address=running.address,
            metrics_address=running.metrics_address,
            home=home,
            token=(home / "token").read_text().strip(),
            channel=channel,
            definitions=file,
        )


@asynccontextmanager
async def audited(home: Path, url: str) -> AsyncIterator[None]:
    """Afterwards, unless the test has failed anyway, the server's database is looked at."""
    yield
    await asyncio.to_thread(audit_home, home, url)


async def seen(look: Callable[[], Awaitable[T]], until: Callable[[T], bool] = bool) -> T:
    """Look again and again until what is seen is as wished, and answer it."""
    deadline = time.monotonic() + PATIENCE_S
    while not until(found := await look()):
        assert time.monotonic() < deadline, f"still not as wished after {PATIENCE_S} s: {found}"
        await asyncio.sleep(0.02)
    return found
