"""Real servers, real agents, real commands."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from conductor_agent.agent import Agent
from conductor_agent.allowlist import AllowList
from conductor_agent.clock import Clock, new_id
from conductor_agent.connection import Connection
from conductor_agent.core import Core
from conductor_agent.executors import registry
from conductor_agent.journal import Journal
from conductor_agent.launcher import Launcher
from conductor_agent.settings import Identity, Server
from tests.agent.server import SmallServer, serving

StartAgent = Callable[..., Awaitable[Agent]]
StartProcess = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def server() -> SmallServer:
    return SmallServer()


@pytest.fixture
async def port(server: SmallServer) -> AsyncIterator[int]:
    async with serving(server) as port:
        yield port


@pytest.fixture
async def start_agent(port: int, tmp_path: Path) -> AsyncIterator[StartAgent]:
    """Starts agents in this process; at the end they leave, as a killed one would."""
    async with AsyncExitStack() as stack:

        async def start(*sources: str, **options: Any) -> Agent:
            settings = {"state": tmp_path / "state", "root": tmp_path, "port": port} | options
            return await stack.enter_async_context(living_agent(sources or ("shell",), **settings))

        yield start


@asynccontextmanager
async def living_agent(
    sources: tuple[str, ...],
    *,
    state: Path,
    root: Path,
    port: int,
    grace: float = 10.0,
    allow: AllowList | None = None,
    concurrency: int = 5,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Agent]:
    limits = dict.fromkeys(sources, concurrency)
    journal = Journal(state)
    agent = Agent(
        core=Core(limits=limits),
        journal=journal,
        launcher=Launcher(
            executors=registry.load(sources),
            root=root,
            allow=allow or AllowList(),
            environment=os.environ | (environment or {}),
        ),
        clock=Clock(),
        grace=grace,
    )
    connection = Connection(
        agent=agent,
        journal=journal,
        server=Server(home=root, address=f"127.0.0.1:{port}", token="secret"),
        identity=Identity(name="test", instance=new_id(), host="here", limits=limits),
        clock=Clock(),
        random=Random(7),
    )
    agent.restore()
    connecting = asyncio.create_task(connection.run())
    try:
        yield agent
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await agent.leave()
        journal.close()


@pytest.fixture
async def start_process(tmp_path: Path, port: int) -> AsyncIterator[StartProcess]:
    """Starts agents as processes of their own, and kills those that are left."""
    (tmp_path / "token").write_text("secret\n")
    processes: list[asyncio.subprocess.Process] = []

    async def start(*options: str, **environment: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "conductor_agent", "--name", "test", "--source", "shell"),
            *("--server", f"127.0.0.1:{port}"),
            *options,
            env=os.environ | {"CONDUCTOR_HOME": str(tmp_path)} | environment,
            stderr=asyncio.subprocess.PIPE,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A pipe that a command waits at until somebody writes to it."""
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"
