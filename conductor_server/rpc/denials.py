"""Calls that were refused, as events. A flood of them makes a handful of rows, which say how many they stand for.

The first refusal of a kind (who, which method, why) is written at once; what follows within a minute is counted, and
written as one more row. There are at most so many kinds a minute, and so many rows at all, whatever arrives.
"""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import structlog

from conductor_server.engine.clock import Clock
from conductor_server.store import events
from conductor_server.store.database import Database
from conductor_server.store.events import Event

log = structlog.get_logger("access")

KIND = "access.denied"

ANONYMOUS = "anonymous"
"""Who calls without a credential that is one."""

WINDOW = dt.timedelta(minutes=1)

KINDS_MAX = 30
"""In one window. A refusal beyond is counted with all others beyond."""

ROWS_MAX = 10_000
"""The newest are kept."""

TRIM_EVERY = 500
"""Rows, between two looks at whether there are too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """``actor`` is the credential's name; ``method`` a method that exists; ``why`` our own sentence."""

    actor: str
    method: str
    why: str


_OTHERS = Denial(actor=ANONYMOUS, method="", why="refused for other reasons")


@dataclass(slots=True)
class _Count:
    since: dt.datetime
    more: int = 0
    peer: str = ""


class Denials:
    """Records refusals from any thread. ``flush`` is to be called now and then."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._counts: dict[Denial, _Count] = {}
        self._lock = threading.Lock()
        self._written = 0

    def record(self, denial: Denial, *, peer: str) -> None:
        """``peer`` as gRPC names it; only of the first of a kind it is written down."""
        now = self._clock.now()
        with self._lock:
            if denial not in self._counts and len(self._counts) >= KINDS_MAX:
                denial = _OTHERS
            if (count := self._counts.get(denial)) is not None:
                count.more += 1
                count.peer = peer
                return
            self._counts[denial] = _Count(since=now)
        host = _host(peer)
        log.warning("denied", actor=denial.actor, method=denial.method, reason=denial.why, peer=host)
        self._write([_event(denial, f"{denial.why} (from {host})")], now)

    def flush(self, *, all: bool = False) -> None:
        """Write how many more there were in windows that are over, or in all of them."""
        now = self._clock.now()
        with self._lock:
            over = {
                denial: count
                for denial, count in self._counts.items()
                if all or not now - WINDOW < count.since <= now
            }
            for denial in over:
                del self._counts[denial]
        more = [
            _event(
                denial,
                f"{denial.why}: {count.more:,} more since {count.since:%F %T}Z (last from {_host(count.peer)})",
            )
            for denial, count in over.items()
            if count.more
        ]
        if more:
            self._write(more, now)

    def _write(self, rows: list[Event], now: dt.datetime) -> None:
        with self._lock:
            before, self._written = self._written, self._written + len(rows)
            trim = before // TRIM_EVERY != self._written // TRIM_EVERY or before == 0
        self._database.submit(lambda db: events.append(db, rows, now=now)).add_done_callback(_logged)
        if trim:
            work = self._database.submit(lambda db: events.trim(db, KIND, keep=ROWS_MAX))
            work.add_done_callback(_logged)


def _event(denial: Denial, message: str) -> Event:
    return Event(kind=KIND, subject=denial.method, message=message, actor=denial.actor)


def _logged(work: Future[Any]) -> None:
    """An event that cannot be written must not end the call that it is about."""
    if not work.cancelled() and (error := work.exception()) is not None:
        log.warning("a refusal could not be recorded", error=str(error))


def _host(peer: str) -> str:
    """``127.0.0.1`` of ``ipv4:127.0.0.1:43554``."""
    kind, _, address = unquote(peer).partition(":")
    return address.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else peer
