"""ControlService's two streams: they look, tell what is new, and wait for the next change.

``wait_for_change`` only says when a look may be worth it; every look finds by itself what has not been told, so lost
or doubled wake-ups cost nothing but time.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_server.engine.clock import Clock
from conductor_server.model.errors import NotFoundError
from conductor_server.model.states import LIVE_RUNS
from conductor_server.rpc import convert
from conductor_server.store import events, logs, run_pages, transitions
from conductor_server.store.database import Database
from conductor_server.store.events import StoredEvent
from conductor_server.store.logs import Chunk
from conductor_server.store.sight import Sight
from conductor_server.store.transitions import Transition, View

WaitForChange = Callable[[float], Awaitable[None]]
"""Returns when something may have changed, or after so many seconds."""

LOOK_EVERY_S = 2.0
"""The longest time between two looks, should every wake-up be lost."""

REST_S = 0.1
"""The shortest: under a storm of wake-ups one watcher must not keep a core busy."""

EVENTS_MAX = 500

AUDIT = ("access.", "token.")
"""How the kinds of events begin that only administrators are told."""

LOGS_ARRIVE = dt.timedelta(seconds=2)
"""A run's report may overtake its first output: the end is believed this long after the run's."""

LOGS_MISSING = dt.timedelta(minutes=1)
"""Output that has not arrived so long after the run has ended is lost with its agent."""


async def watch_events(
    database: Database, wait: WaitForChange, *, after: int, audit: bool
) -> AsyncIterator[pb.WatchEventsResponse]:
    """Events after that one (0: after the newest), and what runs do meanwhile.

    What runs did is not stored as events (``store/transitions``): it carries the id of the last event before it, and
    is told from now on only, also to those who begin further back. Without ``audit`` what happens to tokens, and who
    was refused, is passed over.
    """

    def begin(db: sa.Connection) -> tuple[int, View]:
        return after or events.newest_id(db), transitions.first_look(db)

    last, view = await asyncio.to_thread(database.read, begin)
    while True:

        def look(
            db: sa.Connection, last: int = last, view: View = view
        ) -> tuple[list[StoredEvent], list[Transition], View]:
            return list(events.after(db, last, limit=EVENTS_MAX)), *transitions.look(db, view)

        async with _paced(wait) as next_change:
            happened, moved, view = await asyncio.to_thread(database.read, look)
            for event in happened:
                last = event.id
                if event.kind.startswith(AUDIT) and not audit:
                    continue
                yield pb.WatchEventsResponse(
                    id=event.id,
                    at=convert.timestamp(event.at),
                    kind=event.kind,
                    subject=event.subject,
                    message=event.message,
                    actor=event.actor,
                )
            for transition in moved:
                yield pb.WatchEventsResponse(
                    id=last,
                    at=convert.timestamp(transition.at),
                    kind=f"run.{transition.status.word}",
                    subject=transition.slot,
                    message=transition.message,
                )
            if len(happened) < EVENTS_MAX:
                await next_change()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output:
    """One look at the output of a run; ``over``: there will be no more."""

    chunks: tuple[Chunk, ...]
    over: bool


async def read_run_logs(
    database: Database,
    clock: Clock,
    wait: WaitForChange,
    *,
    run_id: int,
    stream: str,
    follow: bool,
    sight: Sight,
) -> AsyncIterator[pb.ReadRunLogsResponse]:
    """The output of a run, of all streams or one; with ``follow`` until the run has ended and all of it is here.

    Raises NotFoundError when there is no such run; one that is removed meanwhile ends the stream.
    """
    positions: dict[str, int] = {}

    def look(db: sa.Connection) -> _Output:
        over = _over(db, run_id, now=clock.now())
        return _Output(chunks=tuple(logs.read(db, run_id, positions=positions, stream=stream)), over=over)

    await asyncio.to_thread(database.read, lambda db: run_pages.by_id(db, run_id, sight=sight))
    while True:
        async with _paced(wait) as next_change:
            output = await asyncio.to_thread(database.read, look)
            for chunk in output.chunks:
                yield pb.ReadRunLogsResponse(stream=chunk.stream, offset=chunk.offset, data=chunk.data)
                positions[chunk.stream] = chunk.offset + len(chunk.data)
            if output.chunks:
                continue
            if output.over or not follow:
                return
            await next_change()


@contextlib.asynccontextmanager
async def _paced(wait: WaitForChange) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Gives a function that waits for a change since now: one that comes during the look is not slept over."""
    change = asyncio.ensure_future(wait(LOOK_EVERY_S))
    try:
        yield lambda: asyncio.gather(change, asyncio.sleep(REST_S))
    finally:
        change.cancel()


def _over(db: sa.Connection, run_id: int, *, now: dt.datetime) -> bool:
    try:
        run = run_pages.by_id(db, run_id, sight=None)  # it was seen when the stream began
    except NotFoundError:
        return True
    if run.status in LIVE_RUNS or run.ended_at is None:
        return False
    since = now - run.ended_at
    return since >= LOGS_MISSING or (since >= LOGS_ARRIVE and logs.all_here(db, run_id))
