"""``/metrics`` for Prometheus and ``/health`` for whoever watches the process: read from the store when asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable

import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from conductor_server.engine.clock import Clock
from conductor_server.engine.status import EngineStatus
from conductor_server.model.errors import ConductorError, StoreUnavailableError
from conductor_server.store import gauges
from conductor_server.store.database import Database


class MetricsServer:
    """A small HTTP server in the event loop of the others."""

    def __init__(self, database: Database, clock: Clock, engine_status: Callable[[], EngineStatus]) -> None:
        self._database = database
        self._engine_status = engine_status
        self._registry = CollectorRegistry()
        self._registry.register(_StoreCollector(database, clock, engine_status))

    @contextlib.asynccontextmanager
    async def serving(self, listen: str) -> AsyncIterator[str]:
        """Serve until the context ends; the address with the real port."""
        app = Starlette(routes=[Route("/metrics", self._metrics), Route("/health", self._health)])
        host = listen.rpartition(":")[0]
        bound = _bound(listen)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", access_log=False))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # signals belong to the server
        task = asyncio.create_task(server._serve(sockets=[bound]))
        try:
            yield f"{host}:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task

    async def _metrics(self, _request: Request) -> Response:
        try:
            text = await asyncio.to_thread(generate_latest, self._registry)
        except StoreUnavailableError as error:
            return Response(f"# {error}\n", status_code=503, media_type="text/plain")
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _health(self, _request: Request) -> Response:
        status = self._engine_status()
        healthy = not status.problems
        return JSONResponse(
            {
                "status": "ok" if healthy else "degraded",
                "leads": status.leads,
                "engine_looped_at": status.looped_at.isoformat() if status.looped_at else None,
                "problems": list(status.problems),
            }
        )


def _bound(listen: str) -> socket.socket:
    """A listening socket. Raises ConductorError when the address is not to be had."""
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family)
    except OSError as error:
        raise ConductorError(
            f"metrics cannot be served on {listen}: {os.strerror(error.errno or 0)}; choose another with "
            "--metrics-listen"
        ) from error


class _StoreCollector(Collector):
    def __init__(self, database: Database, clock: Clock, engine_status: Callable[[], EngineStatus]) -> None:
        self._database = database
        self._clock = clock
        self._engine_status = engine_status

    def collect(self) -> Iterable[Metric]:
        read = self._database.read(gauges.read)
        slots = GaugeMetricFamily("conductor_slots", "Slots by state.", labels=["state"])
        for state, number in read.slots.items():
            slots.add_metric([state], number)
        runs = GaugeMetricFamily(
            "conductor_live_runs", "Runs that have not ended.", labels=["source", "status"]
        )
        for (source, status), number in read.live_runs.items():
            runs.add_metric([source, status], number)
        yield slots
        yield runs
        leads = self._engine_status().leads
        yield GaugeMetricFamily("conductor_is_leader", "Whether this server runs the engine.", value=leads)
        yield GaugeMetricFamily(
            "conductor_leader_epoch", "How often the lead has changed hands.", value=read.leader_epoch
        )
        yield GaugeMetricFamily("conductor_agents", "Agents that have registered.", value=read.agents)
        engine = self._engine_status()
        if engine.loop_duration is not None:
            yield GaugeMetricFamily(
                "conductor_engine_loop_seconds",
                "How long the engine's last loop took.",
                value=engine.loop_duration.total_seconds(),
            )
        if engine.looped_at is not None:
            age = (self._clock.now() - engine.looped_at).total_seconds()
            yield GaugeMetricFamily(
                "conductor_engine_loop_age_seconds", "Since the engine's last loop ended.", value=age
            )
        yield GaugeMetricFamily(
            "conductor_engine_problems", "What the engine could not do.", value=len(engine.problems)
        )
