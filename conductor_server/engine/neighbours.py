"""The other servers of one database: what is told to them, and what they tell.

A server that is told something looks by itself; nothing is believed. So a notice that is lost, doubled or late costs
time at most, and no server needs to know which others there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

import structlog

from conductor_server.model.errors import StoreUnavailableError
from conductor_server.store import notices
from conductor_server.store.database import Database
from conductor_server.store.notices import Kind, Notice

log = structlog.get_logger("neighbours")

REST_S = 0.01
"""Between two transactions with notices: what comes in between goes together."""

QUIET_S = 5.0
"""After so long without a notice the connection is tried."""

AGAIN_S = 1.0
"""Until a lost connection is made anew."""

EVERYTHING = frozenset({Notice(kind=Kind.WORK), Notice(kind=Kind.PASS), Notice(kind=Kind.LEAD)})
"""What may have been missed while there was no connection."""


class Neighbours:
    """One for each server; ``run`` works until it is cancelled. A server on SQLite has none."""

    def __init__(
        self, database: Database, *, name: str, told: Callable[[Collection[Notice]], Awaitable[None]]
    ) -> None:
        """``name`` is this process's alone; ``told`` is called with what others say."""
        self._database = database
        self._name = name
        self._told = told
        self._waiting: dict[Notice, None] = {}
        self._something = asyncio.Event()

    def tell(self, notice: Notice) -> None:
        """Say it soon, once. Call it from the event loop's thread."""
        if not self._database.is_sqlite:
            self._waiting[notice] = None
            self._something.set()

    async def run(self) -> None:
        if self._database.is_sqlite:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._send())
            both.create_task(self._listen())

    async def _send(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            told, self._waiting = self._waiting, {}
            try:
                await asyncio.wrap_future(
                    self._database.submit(lambda db, told=told: notices.send(db, self._name, told))  # type: ignore[misc]
                )
            except StoreUnavailableError as error:
                log.warning("other servers were not told", error=str(error))
            await asyncio.sleep(REST_S)

    async def _listen(self) -> None:
        while True:
            try:
                async with notices.listening(self._database) as listener:
                    await self._told(EVERYTHING)
                    while True:
                        received = await listener.receive(timeout_s=QUIET_S)
                        if others := {each.notice for each in received if each.sender != self._name}:
                            await self._told(others)
            except StoreUnavailableError as error:
                log.warning("other servers are not heard", error=str(error))
            await asyncio.sleep(AGAIN_S)
