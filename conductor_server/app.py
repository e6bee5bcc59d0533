"""The composition root: the one place that builds a server out of its parts, and takes it down again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Collection, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

import sqlalchemy as sa
import structlog

from conductor_server import __version__, config
from conductor_server.config import Settings
from conductor_server.definitions import registry
from conductor_server.definitions.watching import WatchedSources
from conductor_server.engine.clock import Clock, DatabaseClock, SystemClock
from conductor_server.engine.leader import Candidate, Election
from conductor_server.engine.loop import EngineLoop
from conductor_server.engine.neighbours import Neighbours
from conductor_server.metrics import MetricsServer
from conductor_server.model.errors import ConductorError
from conductor_server.rpc import exposure
from conductor_server.rpc.agent_requests import Recovery
from conductor_server.rpc.agent_service import AgentService
from conductor_server.rpc.authentication import Authenticator
from conductor_server.rpc.claims import ClaimDesk
from conductor_server.rpc.control_service import ControlService
from conductor_server.rpc.denials import Denials
from conductor_server.rpc.group_commit import GroupCommit
from conductor_server.rpc.guard import Guard
from conductor_server.rpc.home_token import ensure_token
from conductor_server.rpc.server import Server, TlsFiles
from conductor_server.rpc.sessions import Sessions
from conductor_server.rpc.signal import Signal
from conductor_server.store import heartbeats, incarnations, matrices
from conductor_server.store.database import Database
from conductor_server.store.incarnations import Incarnation
from conductor_server.store.notices import Kind, Notice
from conductor_server.store.ownership import check_soundness, sole_server
from conductor_server.store.upgrade import upgrade

log = structlog.get_logger("server")

FILE_CHECK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """Where a server answers, and its work in the background, which ends only when something is badly wrong."""

    address: str
    metrics_address: str
    works: tuple[asyncio.Task[None], ...]


@contextlib.asynccontextmanager
async def serve(settings: Settings, *, home: Path, all_lead: bool = False) -> AsyncIterator[RunningServer]:
    """Run a server until the context ends. Raises ConductorError for settings that cannot work.

    ``all_lead`` is for tests: the engine works whoever leads, to show that several do no harm.
    """
    addresses = _judged(settings)
    _make_home(home)
    async with contextlib.AsyncExitStack() as stack:
        database = Database(settings.database_url)
        stack.callback(database.close)
        if database.file is not None:
            exposure.check_private(database.file, "the database")
        clock = SystemClock() if database.is_sqlite else DatabaseClock(database)
        stack.enter_context(sole_server(database))
        check_soundness(database)
        recovery = _prepare(database, settings, clock)
        parts = _assemble(
            database, settings, clock, recovery, token=ensure_token(home / "token"), all_lead=all_lead
        )
        metrics_address = await stack.enter_async_context(parts.metrics.serving(addresses.metrics))
        await parts.election.turn()  # where nobody leads, the first pass is ours
        works = [
            await stack.enter_async_context(_in_background(work))
            for work in (
                parts.commits.run(),
                parts.desk.run(),
                parts.neighbours.run(),
                parts.election.run(),
                parts.engine.run(),
                parts.guard.run(),
                clock.run() if isinstance(clock, DatabaseClock) else _watch_file(database),
            )
        ]
        port = await parts.server.start(addresses.calls, tls=_tls(settings))
        stack.push_async_callback(parts.server.stop)
        address = f"{settings.listen.rpartition(':')[0]}:{port}"
        _announce(home, address)
        log.info(
            "serving",
            address=address,
            metrics=metrics_address,
            database=database.shown_url,
            version=__version__,
            definitions=settings.definitions,
        )
        yield RunningServer(address=address, metrics_address=metrics_address, works=tuple(works))
        log.info("draining")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addresses:
    """What is bound, as numbers."""

    calls: tuple[str, ...]
    metrics: str


def _judged(settings: Settings) -> _Addresses:
    """Raises InsecureError for whatever would let in whom it should not."""
    if settings.tls_key:
        exposure.check_private(Path(settings.tls_key), "the TLS key")
    calls = exposure.addresses(
        settings.listen,
        has_tls=bool(settings.tls_certificate),
        remedy="--listen 127.0.0.1:7400, or give --tls-certificate and --tls-key",
    )
    metrics, *_ = exposure.addresses(
        settings.metrics_listen,
        has_tls=False,
        remedy="--metrics-listen 127.0.0.1:0; metrics have no TLS: put a proxy before them",
    )
    return _Addresses(calls=calls, metrics=metrics)


def _tls(settings: Settings) -> TlsFiles | None:
    if not settings.tls_certificate:
        return None
    return TlsFiles(
        certificate=settings.tls_certificate, key=settings.tls_key, client_ca=settings.tls_client_ca
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    commits: GroupCommit
    desk: ClaimDesk
    neighbours: Neighbours
    election: Election
    engine: EngineLoop
    guard: Guard
    server: Server
    metrics: MetricsServer


def _prepare(database: Database, settings: Settings, clock: Clock) -> Recovery:
    """Bring the tables to this release, and what they begin with. Answers what a restore has made them forget."""
    upgrade(database)
    sources = registry.command_sources()
    token = secrets.token_hex(8)

    def work(db: sa.Connection) -> Incarnation:
        matrices.install(db, sources=sources, timezone=settings.timezone, now=clock.now())
        return incarnations.serve(db, token=token, now=clock.now())

    incarnation = database.write(work)
    if not incarnation.forgotten or incarnation.served_at is None:
        return Recovery(incarnation=incarnation)
    recovery = Recovery(incarnation=incarnation, until=incarnation.served_at + settings.restore_grace)
    if recovery.goes_on(clock.now()):
        log.warning("the store was restored from a backup: nothing is claimed yet", until=recovery.until)
    return recovery


def _assemble(
    database: Database,
    settings: Settings,
    clock: Clock,
    recovery: Recovery,
    *,
    token: str,
    all_lead: bool,
) -> _Parts:
    """Every part of a server, connected to the others. Nothing runs yet."""
    name = f"{socket.gethostname()}[{os.getpid()}]"
    engine_settings = settings.engine()
    event_loop = asyncio.get_running_loop()
    commits = GroupCommit(
        database, clock, lost_after=2 * engine_settings.heartbeat_interval, recovery=recovery
    )
    desk = ClaimDesk(commits)
    sessions = Sessions(database)
    changed = Signal()

    async def look_after_ours() -> None:
        """The engine may have made work for agents, and news for watchers."""
        desk.wake()
        changed.set()
        sessions.cancel(await asyncio.to_thread(database.read, heartbeats.cancellations))

    async def after_pass() -> None:
        if engine.status.leads:
            neighbours.tell(Notice(kind=Kind.PASS))
        await look_after_ours()

    async def told(by_others: Collection[Notice]) -> None:
        """What other servers say; see ``Kind``."""
        for notice in by_others:
            match notice.kind:
                case Kind.WORK:
                    engine.wake()
                    desk.wake()
                case Kind.PASS:
                    await look_after_ours()
                case Kind.LEAD:
                    election.wake()
                case Kind.SESSION:
                    sessions.supersede(notice.agent, notice.session)
                    desk.supersede(notice.agent, notice.session)
                case _:
                    assert_never(notice.kind)

    identity = secrets.token_hex(16)
    neighbours = Neighbours(database, name=identity, told=told)
    sources = registry.definition_sources(settings.definitions, os.environ)
    election = Election(
        database,
        clock,
        Candidate(holder=identity, server=name),
        settings.terms(sole=database.is_sqlite),
        grace=engine_settings.grace,
        on_change=lambda: engine.wake(),
    )
    engine = EngineLoop(
        (lambda: database) if all_lead else election.store,
        clock,
        engine_settings,
        WatchedSources(sources, monotonic=clock.monotonic, patience_s=settings.definitions_timeout_seconds),
        after_pass=after_pass,
    )

    def work_came() -> None:
        engine.wake()
        if not engine.status.leads:
            neighbours.tell(Notice(kind=Kind.WORK))

    def wake_engine() -> None:
        event_loop.call_soon_threadsafe(work_came)

    def registered(agent: str, session: int) -> None:
        neighbours.tell(Notice(kind=Kind.SESSION, agent=agent, session=session))

    agents = AgentService(
        database,
        clock,
        engine_settings,
        commits=commits,
        desk=desk,
        sessions=sessions,
        wake_engine=wake_engine,
        registered=registered,
        server_name=name,
        recovery=recovery,
    )
    control = ControlService(
        database,
        clock,
        engine_settings,
        wake_engine=wake_engine,
        wait_for_change=changed.wait,
        engine_status=lambda: engine.status,
        server_name=name,
    )
    guard = Guard(
        database,
        clock,
        Authenticator(database, clock, home_token=token),
        Denials(database, clock),
    )
    return _Parts(
        commits=commits,
        desk=desk,
        neighbours=neighbours,
        election=election,
        engine=engine,
        guard=guard,
        server=Server(agents, control, guard=guard),
        metrics=MetricsServer(database, clock, lambda: engine.status),
    )


async def _watch_file(database: Database) -> None:
    """Ends the server, with a ConductorError, when its SQLite file is taken from under it."""
    while True:
        database.check_file()
        await asyncio.sleep(FILE_CHECK_EVERY_S)


@contextlib.asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConductorError(f"the home folder {home} cannot be made: {error.strerror}") from error


def _announce(home: Path, address: str) -> None:
    """Write where agents and the command line of this user find us."""
    temporary = home / "server.json.new"
    temporary.write_text(json.dumps({"address": address, "pid": os.getpid()}) + "\n")
    temporary.replace(home / "server.json")


async def run_until(stopped: asyncio.Event, settings: Settings) -> None:
    """Serve until ``stopped``. What ends a part of the server ends the server, with that error."""
    async with serve(settings, home=config.home()) as server:
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({stopping, *server.works}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for work in server.works:
            if work.done():
                work.result()
