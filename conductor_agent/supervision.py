"""One run from its start, or its adoption, to its ending.

The journal's folder says where the run stands, so a restarted agent goes the same way as one that has just claimed it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_agent.clock import Clock
from conductor_agent.errors import RunError
from conductor_agent.journal import Journal
from conductor_agent.launcher import Launcher
from conductor_agent.model import ERROR_LIMIT, Ending, Outcome, Run
from conductor_agent.pipes import MessageReader
from conductor_agent.process import Process, read_identity
from conductor_agent.redaction import Redaction

_TAIL = 4096  # bytes of stderr that stand for an error which the command did not put into words


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """Why a run is being stopped, and what that makes of it."""

    outcome: Outcome
    reason: str


class Supervision:
    """Watches over one run. ``grace`` is the number of seconds between TERM and KILL."""

    def __init__(
        self,
        run: Run,
        *,
        journal: Journal,
        launcher: Launcher,
        redaction: Redaction,
        clock: Clock,
        grace: float,
    ) -> None:
        self.run = run
        self.redaction = redaction
        self._journal = journal
        self._launcher = launcher
        self._clock = clock
        self._grace = grace
        self._folder = journal.folder(run.lease)
        self._order: asyncio.Future[StopOrder] = asyncio.get_running_loop().create_future()
        self.messages = MessageReader(self._folder / "messages")

    def stop(self, order: StopOrder) -> None:
        """Asks for the run to be stopped; the first order counts."""
        if not self._order.done():
            self._order.set_result(order)

    def read_messages(self) -> None:
        """Takes in what the command has told since the last time."""
        for line in self.messages.read():
            self._journal.note(self.run.lease, line)
        self.messages.noted()

    async def launch(self) -> Ending:
        """Starts the run, and waits for its ending. Cancelling this leaves the command alone."""
        if self._order.done():
            return self._ending(started=None, vanished="")
        if self.run.fault:
            return self._not_started(self.run.fault)
        try:
            child = await asyncio.to_thread(self._launcher.start, self.run, self._folder)
        except RunError as error:
            return self._not_started(str(error))
        except (
            Exception
        ) as error:  # an executor is a plugin: what it raises is the run's failure, not the agent's
            return self._not_started("".join(traceback.format_exception(error)))
        if child is None:
            return await self._take_up()  # a warm Python's child, not ours: known by what it wrote
        return await self._watch(Process.of_child(child), started=self._clock.boottime())

    async def adopt(self) -> Ending:
        """Takes up a run that an earlier agent started, or waits no longer for one that it could not start."""
        if self._journal.own_start(self.run.lease):
            reason = "the agent stopped before it had started the command"
            return Ending(outcome=Outcome.RELEASED, error=reason)
        earlier = self._journal.stop(self.run.lease)
        if earlier is not None:
            self.stop(StopOrder(outcome=earlier[0], reason=earlier[1]))
        return await self._take_up()

    async def _take_up(self) -> Ending:
        """Watches over a run that is not our own child, if it still goes on."""
        identity = read_identity(self._folder / "process")
        process = None if identity is None else Process.find(identity)
        if process is not None and identity is not None:
            return await self._watch(process, started=identity.started)
        return self._ending(
            started=identity.started if identity else None,
            vanished="the process vanished without an exit status: was it killed?"
            if identity is None or identity.of_this_boot
            else "the process vanished: the machine was restarted while it ran",
        )

    def _not_started(self, error: str) -> Ending:
        self._journal.note(self.run.lease, error)
        return Ending(outcome=Outcome.FAILED, error=_shortened(self.redaction.text(error)))

    async def _watch(self, process: Process, *, started: float) -> Ending:
        try:
            order = await self._end_or_order(process, started=started)
            if order is not None:
                await self._stop(process, order)
            # normally nobody is left: the shim takes its group along, unless it was killed itself
            process.signal_group(signal.SIGKILL)
        finally:
            process.close()
        return self._ending(
            started=started, vanished="the process vanished without an exit status: was it killed?"
        )

    async def _end_or_order(self, process: Process, *, started: float) -> StopOrder | None:
        """Waits until the run has ended by itself (``None``) or has to be stopped."""
        timeout = self.run.timeout
        left = None if timeout is None else max(0.0, started + timeout - self._clock.boottime())
        ended = asyncio.ensure_future(process.ended())
        waits: set[asyncio.Future[Any]] = {ended, self._order}
        try:
            await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if ended.done() and not ended.cancelled():
            return None
        if self._order.done():
            return self._order.result()
        return StopOrder(outcome=Outcome.TIMED_OUT, reason=f"it ran longer than its timeout of {timeout:g} s")

    async def _stop(self, process: Process, order: StopOrder) -> None:
        """TERM to the whole group; KILL to what is left of it after the grace."""
        lease = self.run.lease
        self.stop(order)
        await asyncio.to_thread(self._journal.record_stop, lease, order.outcome, order.reason)
        self._journal.note(lease, f"stopping: {order.reason}")
        process.signal_group(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._grace):
                await process.ended()
        except TimeoutError:
            self._journal.note(lease, f"it did not stop within {self._grace:g} s: killed")
            process.signal_group(signal.SIGKILL)
            await process.ended()

    def _ending(self, *, started: float | None, vanished: str) -> Ending:
        """What the shim and the command have left behind, put together."""
        self.read_messages()
        told = self.messages.told
        left = self._journal.exit(self.run.lease)
        status, ended = left if left else (None, self._clock.boottime())
        order = self._order.result() if self._order.done() else None
        if order is not None:
            outcome, error = order.outcome, order.reason
        elif status is None:
            outcome, error = Outcome.FAILED, vanished
        elif status == 0:
            outcome, error = Outcome.SUCCEEDED, ""
        else:
            outcome, error = Outcome.FAILED, told.error or self._words_for(status)
        return Ending(
            outcome=outcome,
            exit_code=status,
            error=_shortened(self.redaction.text(error)),
            result=self.redaction.values(told.result),
            checkpoint=told.checkpoint or b"",
            ran_for=0.0 if started is None else max(0.0, ended - started),
        )

    def _words_for(self, status: int) -> str:
        head = f"exit code {status}"
        if status > 128:
            with contextlib.suppress(ValueError):  # a program may exit with such a code by itself
                head = f"killed by {signal.Signals(status - 128).name}"
        tail = _tail(self._folder / "stderr", self.redaction)
        return f"{head}\n{tail}" if tail else head


def _tail(path: Path, redaction: Redaction) -> str:
    """The last lines of a file, in whole lines where it has any. No secret is cut in two, of which half would stay."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL - redaction.longest))
            data = redaction.data(file.read())
    except FileNotFoundError:
        return ""
    if size > _TAIL:
        data = data[-_TAIL:]
        data = data.partition(b"\n")[2] or data
    return data.decode(errors="replace").strip()


def _shortened(text: str) -> str:
    """Within the wire's limit, and without what protobuf cannot carry; the middle goes first."""
    data = text.encode(errors="replace")
    if len(data) <= ERROR_LIMIT:
        return data.decode()
    half = ERROR_LIMIT // 2 - 16
    return data[:half].decode(errors="ignore") + "\n[…]\n" + data[-half:].decode(errors="ignore")
