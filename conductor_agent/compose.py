"""Puts an agent together from its options, and runs it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import structlog

from conductor_agent.agent import Agent
from conductor_agent.allowlist import AllowList, read_allow_list
from conductor_agent.clock import Clock, new_id
from conductor_agent.connection import Connection
from conductor_agent.core import Core
from conductor_agent.executors import registry
from conductor_agent.journal import Journal
from conductor_agent.launcher import Launcher
from conductor_agent.life import Life, OnStop
from conductor_agent.settings import (
    Identity,
    Server,
    absolute,
    check_name,
    default_name,
    home,
    parse_sources,
    state_folder,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says. Spans are in seconds."""

    sources: tuple[str, ...]
    concurrency: int = 5
    name: str | None = None
    server: str | None = None
    token_file: Path | None = None
    tls: bool = False
    ca: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    state: Path | None = None
    root: Path = Path()
    allow: Path | None = None
    once: bool = False
    idle_exit: float = 2.0
    on_stop: str = "finish"
    grace: float = 10.0
    log_format: str = "text"


def run(options: Options) -> None:
    """Runs an agent until it has stopped. Raises ``UsageError`` and ``RefusedError``."""
    _configure_logs(options.log_format)
    environment = dict(os.environ)
    limits = parse_sources(options.sources, concurrency=options.concurrency)
    host = socket.gethostname()
    name = default_name(host, tuple(limits)) if options.name is None else check_name(options.name)
    identity = Identity(name=name, instance=new_id(), host=host, limits=limits)
    launcher = Launcher(
        executors=registry.load(limits),
        root=absolute(options.root),
        allow=AllowList() if options.allow is None else read_allow_list(options.allow),
        environment=environment,
    )
    server = _server(options, environment)
    server.roots()  # a file that cannot be read is told now
    server.identity()
    journal = Journal(absolute(options.state or state_folder(home(environment), name)))
    try:
        asyncio.run(_live(options, identity, launcher, server, journal))
    finally:
        journal.close()


async def _live(
    options: Options, identity: Identity, launcher: Launcher, server: Server, journal: Journal
) -> None:
    clock = Clock()
    agent = Agent(
        core=Core(limits=identity.limits),
        journal=journal,
        launcher=launcher,
        clock=clock,
        grace=options.grace,
    )
    connection = Connection(
        agent=agent, journal=journal, server=server, identity=identity, clock=clock, random=SystemRandom()
    )
    structlog.get_logger().info("agent started", name=identity.name, sources=dict(identity.limits))
    await Life(
        agent=agent,
        connection=connection,
        on_stop=OnStop(options.on_stop),
        idle_exit=options.idle_exit if options.once else None,
    ).run()


def _server(options: Options, environment: Mapping[str, str]) -> Server:
    return Server(
        home=home(environment),
        address=options.server,
        token=environment.get("CONDUCTOR_TOKEN"),
        token_file=options.token_file,
        tls=options.tls,
        ca=options.ca,
        client_certificate=options.client_certificate,
        client_key=options.client_key,
    )


def _configure_logs(form: str) -> None:
    """Structured lines on stderr, one per event."""
    last: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
