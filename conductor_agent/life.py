"""The life of an agent process: connected until it is told to stop, or until there is nothing left to do."""

from __future__ import annotations

import asyncio
import signal
from enum import StrEnum

import structlog

from conductor_agent.agent import Agent
from conductor_agent.connection import Connection

_log = structlog.get_logger()
_LAST_WORDS = 30.0  # seconds in which a stopping agent may still deliver reports and output


class OnStop(StrEnum):
    """What SIGTERM and SIGINT mean to running commands."""

    FINISH = "finish"
    """Take nothing new, wait for what runs."""
    RELEASE = "release"
    """Stop what runs, and give it back without blame."""
    LEAVE = "leave"
    """Exit at once; the commands go on, and the next start adopts them."""


_NEXT = {OnStop.FINISH: OnStop.RELEASE, OnStop.RELEASE: OnStop.LEAVE, OnStop.LEAVE: OnStop.LEAVE}


class Life:
    """Runs one agent from start to stop."""

    def __init__(
        self, *, agent: Agent, connection: Connection, on_stop: OnStop, idle_exit: float | None
    ) -> None:
        """``idle_exit`` ends the agent after that many seconds with nothing to do; ``None`` for never."""
        self._agent = agent
        self._connection = connection
        self._on_stop = on_stop
        self._idle_exit = idle_exit
        self._asked: OnStop | None = None
        self._stop_changed = asyncio.Event()

    async def run(self) -> None:
        """Returns when the agent has stopped. Raises ``RefusedError``."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask)
        self._agent.restore()
        connecting = asyncio.create_task(self._connection.run())
        stopping = asyncio.create_task(self._until_stopped())
        try:
            await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                connecting.result()  # it never returns: this raises
        finally:
            for task in (stopping, connecting):
                task.cancel()
            await asyncio.gather(stopping, connecting, return_exceptions=True)
            await self._agent.leave()

    def _ask(self) -> None:
        """A signal: the first means what ``--on-stop`` says, each further one something sterner."""
        self._asked = self._on_stop if self._asked is None else _NEXT[self._asked]
        _log.info("stopping", mode=self._asked.value, running=self._agent.running)
        self._stop_changed.set()

    async def _until_stopped(self) -> None:
        if self._idle_exit is None:
            await self._stop_changed.wait()
        else:
            await self._idle_or_asked(self._idle_exit)
        self._agent.drain()
        while self._asked is not OnStop.LEAVE and self._agent.running:
            if self._asked is OnStop.RELEASE:
                self._agent.release()
            await self._next_event(None)
        if self._asked is not OnStop.LEAVE:
            await self._deliver()

    async def _deliver(self) -> None:
        """Waits for the answers to the last reports; what is not answered by then stays in the journal."""
        try:
            async with asyncio.timeout(_LAST_WORDS):
                while not self._agent.idle and self._asked is not OnStop.LEAVE:
                    await self._next_event(None)
        except TimeoutError:
            _log.warning("not everything was reported", left=len(self._agent.held()))

    async def _idle_or_asked(self, patience: float) -> None:
        """Returns after a while without anything to do, counted only while there is a server to give something."""
        while self._asked is None:
            happened = await self._next_event(patience)
            if not happened and self._agent.idle and self._connection.opened.is_set():
                return

    async def _next_event(self, patience: float | None) -> bool:
        """Waits for anything to happen to a run, or a signal; false when nothing did for ``patience`` seconds."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._agent.activity, self._stop_changed)]
        try:
            done, _ = await asyncio.wait(waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._agent.activity.clear()
        self._stop_changed.clear()
        return bool(done)
