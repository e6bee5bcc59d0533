"""The composition root: the one place that builds a server out of its parts, and takes it down again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from conductor_proto.v1 import agent_service_pb2, control_service_pb2
from conductor_proto.v1.agent_service_pb2_grpc import add_AgentServiceServicer_to_server
from conductor_proto.v1.control_service_pb2_grpc import add_ControlServiceServicer_to_server
from conductor_server import __version__, config
from conductor_server.config import Settings
from conductor_server.definitions import registry
from conductor_server.definitions.watching import WatchedSources
from conductor_server.engine.clock import SystemClock
from conductor_server.engine.loop import EngineLoop
from conductor_server.engine.reconciler import Pass
from conductor_server.metrics import MetricsServer
from conductor_server.model.errors import ConductorError
from conductor_server.rpc.agent_service import AgentService
from conductor_server.rpc.authentication import TokenInterceptor, ensure_token
from conductor_server.rpc.claims import ClaimDesk
from conductor_server.rpc.control_service import ControlService
from conductor_server.rpc.group_commit import GroupCommit
from conductor_server.rpc.sessions import Sessions
from conductor_server.rpc.signal import Signal
from conductor_server.store import leases, matrices
from conductor_server.store.database import Database
from conductor_server.store.upgrade import upgrade

log = structlog.get_logger("server")

CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.so_reuseport", 0),  # a second server on the same port must fail, not share it
    # Agents ping every 20 s to find half-open connections; the default policy closes such clients.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
]

SYNC_CALLS_AT_ONCE = 16
"""Threads for the control service's calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that answers: where, and how to make it stop."""

    address: str
    metrics_address: str
    stop: Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def serve(settings: Settings, *, home: Path) -> AsyncIterator[RunningServer]:
    """Run a server until the context ends. Raises ConductorError for settings that cannot work."""
    _refuse_exposure(settings.listen, has_tls=bool(settings.tls_certificate))
    _refuse_exposure(settings.metrics_listen, has_tls=False)
    clock = SystemClock()
    engine_settings = settings.engine()
    database = Database(settings.database_url)
    sources = registry.definition_sources(settings.definitions, os.environ)
    upgrade(database)
    database.write(
        lambda db: matrices.install(
            db, sources=registry.command_sources(), timezone=settings.timezone, now=clock.now()
        )
    )
    token = ensure_token(home / "token")
    event_loop = asyncio.get_running_loop()
    commits = GroupCommit(database, clock, lost_after=2 * engine_settings.heartbeat_interval)
    desk = ClaimDesk(commits)
    sessions = Sessions(database)
    changed = Signal()

    def after_pass(done: Pass) -> None:
        desk.wake()
        changed.set()
        sessions.cancel(database.read(leases.cancellations))

    engine = EngineLoop(
        database,
        clock,
        engine_settings,
        WatchedSources(sources, monotonic=clock.monotonic),
        after_pass=after_pass,
    )

    def wake_engine() -> None:
        event_loop.call_soon_threadsafe(engine.wake)

    server = grpc.aio.server(
        migration_thread_pool=ThreadPoolExecutor(SYNC_CALLS_AT_ONCE, thread_name_prefix="control"),
        interceptors=[TokenInterceptor(token)],
        options=CHANNEL_OPTIONS,
        maximum_concurrent_rpcs=10_000,
    )
    add_AgentServiceServicer_to_server(
        AgentService(
            database,
            clock,
            engine_settings,
            commits=commits,
            desk=desk,
            sessions=sessions,
            wake_engine=wake_engine,
            server_name=socket.gethostname(),
        ),
        server,
    )
    add_ControlServiceServicer_to_server(
        ControlService(
            database,
            clock,
            engine_settings,
            wake_engine=wake_engine,
            wait_for_change=changed.wait,
            engine_status=lambda: engine.status,
        ),
        server,
    )
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection(
        (
            agent_service_pb2.DESCRIPTOR.services_by_name["AgentService"].full_name,
            control_service_pb2.DESCRIPTOR.services_by_name["ControlService"].full_name,
            health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
            reflection.SERVICE_NAME,
        ),
        server,
    )
    port = _bind(server, settings)
    address = f"{settings.listen.rpartition(':')[0]}:{port}"
    metrics = MetricsServer(database, clock, lambda: engine.status)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(database.close)
        metrics_address = await stack.enter_async_context(metrics.serving(settings.metrics_listen))
        for work in (commits.run(), desk.run(), engine.run()):
            stack.push_async_callback(_cancelled, asyncio.create_task(work))
        await server.start()
        await health.set("", health_pb2.HealthCheckResponse.SERVING)

        async def stop() -> None:
            await health.enter_graceful_shutdown()
            await server.stop(grace=2)

        stack.push_async_callback(stop)
        _announce(home, address)
        log.info(
            "serving",
            address=address,
            metrics=metrics_address,
            database=database.shown_url,
            version=__version__,
            definitions=settings.definitions,
        )
        yield RunningServer(address=address, metrics_address=metrics_address, stop=stop)
        log.info("draining")


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _bind(server: grpc.aio.Server, settings: Settings) -> int:
    try:
        if settings.tls_certificate:
            pair = (Path(settings.tls_key).read_bytes(), Path(settings.tls_certificate).read_bytes())
            return server.add_secure_port(settings.listen, grpc.ssl_server_credentials([pair]))
        return server.add_insecure_port(settings.listen)
    except RuntimeError as error:
        raise ConductorError(
            f"{settings.listen} cannot be listened on: is another server running? Choose another with --listen"
        ) from error


def _refuse_exposure(listen: str, *, has_tls: bool) -> None:
    """Without TLS only this machine may reach us: the token, and what we say, would travel in the clear."""
    host = listen.rpartition(":")[0].strip("[]")
    addresses = {info[4][0] for info in socket.getaddrinfo(host or "0.0.0.0", None)}  # noqa: S104
    exposed = [address for address in addresses if not (str(address).startswith("127.") or address == "::1")]
    if exposed and not has_tls:
        raise ConductorError(
            f"{listen} can be reached from other machines ({', '.join(map(str, exposed))}) without TLS: listen on "
            "127.0.0.1, or give --tls-certificate and --tls-key (metrics have none: put a proxy before them)"
        )


def _announce(home: Path, address: str) -> None:
    """Write where agents and the command line of this user find us."""
    temporary = home / "server.json.new"
    temporary.write_text(json.dumps({"address": address, "pid": os.getpid()}) + "\n")
    temporary.replace(home / "server.json")


async def run_until(stopped: asyncio.Event, settings: Settings) -> None:
    """Serve until ``stopped``."""
    async with serve(settings, home=config.home()):
        await stopped.wait()
