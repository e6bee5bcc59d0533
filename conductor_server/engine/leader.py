"""Carries the rule of ``policy/leadership`` out: takes the lead, renews it, and gives it up when the server stops.

The engine asks ``store`` before every pass. What it answers refuses every write once somebody else leads: the epoch is
checked within each transaction, so that a server which slept through its own replacement changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import sqlalchemy as sa
import structlog

from conductor_server.engine.clock import Clock
from conductor_server.model.errors import NotLeadingError, StoreUnavailableError
from conductor_server.policy.leadership import Leader, Leadership, Terms
from conductor_server.store import engine_state, events, leadership, notices
from conductor_server.store.database import Database, Work
from conductor_server.store.events import Event
from conductor_server.store.notices import Kind, Notice

log = structlog.get_logger("leader")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A server that would lead. ``holder`` is new with every process, ``server`` its name for people."""

    holder: str
    server: str


class Election:
    """One for each server; ``run`` works until it is cancelled, and gives the lead up then."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        candidate: Candidate,
        terms: Terms,
        *,
        grace: dt.timedelta,
        on_change: Callable[[], None],
    ) -> None:
        """``grace``: for so long after a change of the lead nobody is given up for silence. ``on_change`` is called
        in the event loop when this server has begun to lead, or has ceased to.
        """
        self._database = database
        self._clock = clock
        self._candidate = candidate
        self._terms = terms
        self._grace = grace
        self._on_change = on_change
        self._leadership = Leadership(terms)
        self._woken = asyncio.Event()
        self._fenced: tuple[int, Database] | None = None

    @property
    def epoch(self) -> int | None:
        """The epoch under which this server leads at this moment."""
        return self._leadership.epoch(at=self._clock.monotonic())

    def store(self) -> Database | None:
        """The store for the engine's next pass: the same one for a whole epoch, and ``None`` while others lead."""
        epoch = self.epoch
        if epoch is None:
            return None
        if self._fenced is None or self._fenced[0] != epoch:
            self._fenced = epoch, self._database.guarded(self._check(epoch))
        return self._fenced[1]

    def wake(self) -> None:
        """The lead may be free. Call it from the event loop's thread."""
        self._woken.set()

    async def run(self) -> None:
        try:
            while True:
                self._woken.clear()
                before = self._leadership.held
                try:
                    await self.turn()
                except StoreUnavailableError as error:
                    log.warning("the lead cannot be looked at", error=str(error))
                if self._leadership.held != before:
                    self._on_change()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._terms.renew_s):
                        await self._woken.wait()
        finally:
            await self.resign()

    async def turn(self) -> None:
        """Renew the lead, or see whether it is to be had. Raises StoreUnavailableError."""
        epoch = self._leadership.held
        asked_at = self._clock.monotonic()
        if epoch is None:
            seen = await self._write(leadership.load)
            self._leadership.saw(seen, at=self._clock.monotonic())
            if not self._leadership.may_take(at=self._clock.monotonic()):
                return
            taken = await self._write(lambda db: self._take(db, seen))
            if taken is not None:
                self._leadership.won(taken, asked_at=asked_at)
                log.info("leading", epoch=taken)
        elif not self._terms.sole:
            holder = self._candidate.holder
            if await self._write(lambda db: leadership.renew(db, holder=holder, epoch=epoch)):
                self._leadership.renewed(asked_at=asked_at)
            else:
                self._leadership.lost(epoch)
                log.warning("no longer leading", epoch=epoch)

    async def resign(self) -> None:
        """Give the lead up, if it is ours, so that nobody has to wait for our lease."""
        epoch = self._leadership.held
        if epoch is None:
            return
        self._leadership.lost(epoch)
        with contextlib.suppress(StoreUnavailableError):
            await self._write(lambda db: self._give_up(db, epoch))

    def _take(self, db: sa.Connection, seen: Leader) -> int | None:
        """While the lead changed hands perhaps nobody could be heard: silent agents are given time."""
        epoch = leadership.take(db, seen, holder=self._candidate.holder, server=self._candidate.server)
        if epoch is None:
            return None
        now = self._clock.now()
        state = engine_state.load(db)
        if state is not None:
            grace_until = max(state.grace_until, now + self._grace)
            engine_state.save(db, replace(state, grace_until=grace_until))
        message = f"{self._candidate.server} leads in epoch {epoch}"
        if seen.holder and not self._terms.sole:
            message += f": {seen.server} gave no sign of life for {self._terms.lease_s:g} s"
        events.append(db, [Event(kind="leader.changed", subject="engine", message=message)], now=now)
        return epoch

    def _give_up(self, db: sa.Connection, epoch: int) -> None:
        """Others learn of it with the commit: this server may not live to tell them later."""
        if (
            leadership.give_up(db, holder=self._candidate.holder, epoch=epoch)
            and not self._database.is_sqlite
        ):
            notices.send(db, self._candidate.holder, [Notice(kind=Kind.LEAD)])

    def _check(self, epoch: int) -> Work[None]:
        def check(db: sa.Connection) -> None:
            try:
                leadership.check(db, epoch=epoch, idle_s=self._terms.lease_s)
            except NotLeadingError:
                self._leadership.lost(epoch)
                raise

        return check

    async def _write(self, work: Work[T]) -> T:
        return await asyncio.wrap_future(self._database.submit(work))
