"""The engine's loop: the only ``while`` around the steps. Wake-ups shorten its sleep and mean nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from conductor_server.definitions.watching import WatchedSources
from conductor_server.engine.clock import Clock
from conductor_server.engine.reconciler import Pass, Watch, reconcile_once
from conductor_server.engine.status import EngineStatus
from conductor_server.engine.step import EngineSettings
from conductor_server.model.errors import NotLeadingError, StoreUnavailableError
from conductor_server.store import leadership, members
from conductor_server.store.database import Database

log = structlog.get_logger("engine")

T = TypeVar("T")

BACKOFF_MAX_S = 30.0
"""The longest pause between attempts to reach the database again."""

PAUSE_MAX_S = 1.0
"""The longest pause after a pass that somebody wants to cut short."""

APPLYING_STEPS = frozenset({"ensure_accounts_exist", "ensure_definitions_exist"})
"""While one of these fails, what sources said is not applied yet, and is offered to them again."""


class EngineLoop:
    """Runs pass after pass while this server leads. ``after_pass`` is called after each, and as often while it does not
    lead: something may have changed for agents or watchers.
    """

    def __init__(
        self,
        store: Callable[[], Database | None],
        clock: Clock,
        settings: EngineSettings,
        sources: WatchedSources,
        *,
        after_pass: Callable[[], Awaitable[None]],
    ) -> None:
        """``store`` answers the store for the next pass, another one for every term, and ``None`` while others lead."""
        self._store = store
        self._latest: Database | None = None
        self._clock = clock
        self._settings = settings
        self._sources = sources
        self._after_pass = after_pass
        self._woken = asyncio.Event()
        self._status = EngineStatus()
        self._watch: Watch | None = None
        self._faults: tuple[str, ...] = ()
        self._newest_account: int | None = None
        self._told: tuple[str, ...] = ()

    def wake(self) -> None:
        """Something may have changed. Call it from the loop's thread, or through ``call_soon_threadsafe``."""
        self._woken.set()

    @property
    def status(self) -> EngineStatus:
        return self._status

    async def run(self) -> None:
        """Work until cancelled. After a pass that could not be made it is tried again, with growing pauses."""
        backoff_s = 0.0
        while True:
            self._woken.clear()
            store = self._store()
            try:
                done = await _to_its_end(asyncio.to_thread(self._pass, store)) if store else self._follow()
                await self._after_pass()
            except NotLeadingError as error:
                log.warning("the pass was given up", reason=str(error))
                continue
            except Exception as error:  # the boundary of a pass: a plugin may raise anything
                backoff_s = min(BACKOFF_MAX_S, 2 * backoff_s or 0.5)
                self._could_not(error, again_in_s=backoff_s)
                await asyncio.sleep(backoff_s)
                continue
            backoff_s = 0.0
            if not done.more:
                await self._rest()

    def _could_not(self, error: Exception, *, again_in_s: float) -> None:
        if isinstance(error, StoreUnavailableError):
            log.warning("the database is away", error=str(error), again_in_s=again_in_s)
            problem = str(error)
        else:
            log.error("the pass failed", exc_info=error, again_in_s=again_in_s)
            problem = f"the engine's pass failed: {type(error).__name__}: {error}"
        self._status = EngineStatus(
            leads=self._status.leads,
            looped_at=self._status.looped_at,
            loop_duration=self._status.loop_duration,
            problems=(problem,),
        )

    def _follow(self) -> Pass:
        """Another server leads: all that is left to do is to look after our own agents and watchers."""
        self._latest = None
        self._status = EngineStatus()
        return Pass()

    def _pass(self, store: Database) -> Pass:
        began = self._clock.monotonic()
        if store is not self._latest:
            self._sources.offer_again()
            self._watch, self._told = None, ()
            self._latest = store
        readings, faults = self._sources.read_changed()
        watch, self._watch = self._watch, None  # a pass that fails is followed by a full one
        done = reconcile_once(store, self._clock, self._settings, readings, watch=watch)
        self._watch = done.watch
        if done.full:
            self._faults = done.faults
        if done.failed.isdisjoint(APPLYING_STEPS) and not done.problems:
            self._sources.applied(readings)
        if done.changed.get("ensure_faults_are_set_aside"):
            self._sources.offer_again()  # what a source declares is written anew where its row is broken
        if done.full:
            self._offer_to_newcomers(store)
        self._status = EngineStatus(
            leads=True,
            looped_at=self._clock.now(),
            loop_duration=dt.timedelta(seconds=self._clock.monotonic() - began),
            problems=(*faults, *done.problems, *self._faults),
        )
        self._tell(store)
        return done

    def _offer_to_newcomers(self, store: Database) -> None:
        """Members that sources listed before their account was there, such as one that an operator adds, come now."""
        before, self._newest_account = self._newest_account, store.read(members.newest_account)
        if before is not None and self._newest_account > before:
            self._sources.offer_again()

    def _tell(self, store: Database) -> None:
        """Leave what could not be done where the other servers find it."""
        problems = self._status.problems
        if problems != self._told:
            store.write(lambda db: leadership.tell(db, problems))
            self._told = problems

    async def _rest(self) -> None:
        """Until woken, or the next look is due. Reports stream in faster than passes are made: each pass is followed
        by a pause as long as itself, so that the engine never takes more than half of the store's time.
        """
        duration = self._status.loop_duration or dt.timedelta(0)
        await asyncio.sleep(min(duration.total_seconds(), PAUSE_MAX_S))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.loop_interval.total_seconds()):
                await self._woken.wait()


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What the work answers. A thread cannot be cancelled: whoever is, waits for it, or it would lose its store."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait({task})
