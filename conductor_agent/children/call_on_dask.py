"""Hands one call to a Dask cluster and follows it to its end: ``python -m … CALL_FILE``.

Two queues of the scheduler belong to a call. One holds a single permit, put there before the call is submitted: the
task that takes it makes the call, and nobody else ever does. Dask gives a task to another worker when its own has
died; that one finds no permit, and says so. The other carries what the call says, piece by piece.

Exit codes are those of ``call_function``; 1 as well when the cluster fails, 143 when it was stopped by SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from distributed import Client, Future, Queue, get_worker

from conductor_agent.children import remote_call
from conductor_agent.errors import RunError

_STOPPED = 128 + signal.SIGTERM
_PIECES_AHEAD = 16
_PERMIT_SECONDS = 1.0
_LOOK_EVERY = 3.0  # seconds without a word after which we ask whether the worker still lives
BEGUN = "begun"


class _ClusterError(Exception):
    """The cluster did not bring the call to its end; the text is for people."""


def main(path: str) -> int:
    call = json.loads(Path(path).read_bytes())
    try:
        return asyncio.run(_call(call))
    except (RunError, _ClusterError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


async def _call(call: Mapping[str, Any]) -> int:
    order = remote_call.order_of(call)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    name = f"{call['name']}-{secrets.token_hex(8)}"
    async with Client(call["cluster"], asynchronous=True, set_as_default=False) as client:
        permit = await Queue(f"{name}-permit", client=client)
        said = await Queue(name, client=client, maxsize=_PIECES_AHEAD)
        await permit.put(True)
        task = client.submit(
            _on_worker, order, name, key=name, resources=call["resources"], pure=False, retries=0
        )
        try:
            return await _Following(client, task, permit, said, Path(call["folder"])).until_end(stopping)
        finally:
            permit.close()
            said.close()


class _Following:
    """Copies what a call says into the run's folder."""

    def __init__(self, client: Client, task: Future, permit: Queue, said: Queue, folder: Path) -> None:
        self._client = client
        self._task = task
        self._permit = permit
        self._said = said
        self._folder = folder
        self._worker = ""

    async def until_end(self, stopping: asyncio.Event) -> int:
        """The exit status. Raises ``_ClusterError``."""
        asked = asyncio.create_task(stopping.wait())
        lost = asyncio.create_task(self._until_lost())
        status = asyncio.create_task(self._status())
        try:
            await asyncio.wait({asked, lost, status}, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                await self._task.cancel()
                if not await self._is_begun():
                    return _STOPPED
                await asyncio.wait({lost, status}, return_when=asyncio.FIRST_COMPLETED)
            if not status.done():
                await asyncio.wait({status}, timeout=_PERMIT_SECONDS)  # its last words may be under way
            return status.result() if status.done() else lost.result()
        finally:
            for each in (asked, lost, status):
                each.cancel()

    async def _status(self) -> int:
        while True:
            name, data = await self._said.get()
            if name == BEGUN:
                self._worker = data.decode()
                sys.stderr.write(f"calling on {self._worker}\n")
                continue
            status = remote_call.take((name, data), self._folder)
            if status is not None:
                return status

    async def _is_begun(self) -> bool:
        """Takes the permit if it is still there: then nobody will."""
        try:
            await self._permit.get(timeout=_PERMIT_SECONDS)
        except TimeoutError:
            return True
        return False

    async def _until_lost(self) -> int:
        """Raises ``_ClusterError`` once the call cannot come to its end any more."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if self._task.status == "error":
                raise _ClusterError(f"the call failed on the cluster: {await self._task.exception()}")
            if self._worker and not await self._client.scheduler.ncores(workers=[self._worker]):
                await self._task.cancel()
                raise _ClusterError(f"the worker {self._worker}, which made the call, is gone")


def _on_worker(order: remote_call.Order, name: str) -> None:
    """The task: runs in a thread of the worker, which may lose interest in it while it goes on."""
    worker = get_worker()

    def is_wanted() -> bool:
        task = worker.state.tasks.get(name)  # "cancelled" when the scheduler has let go of it
        return task is not None and task.state == "executing"

    try:
        Queue(f"{name}-permit").get(timeout=_PERMIT_SECONDS)
    except TimeoutError:
        raise RuntimeError("the worker that made the call is gone; it is not made twice") from None
    said = Queue(name, maxsize=_PIECES_AHEAD)
    _put(said, (BEGUN, worker.address.encode()), is_wanted)
    for piece in remote_call.pieces(order, is_wanted):
        _put(said, piece, is_wanted)


def _put(said: Queue, piece: remote_call.Piece, is_wanted: Callable[[], bool]) -> None:
    """Waits for room as long as there is somebody to make it."""
    while True:
        try:
            said.put(piece, timeout=_PERMIT_SECONDS)
            return
        except TimeoutError:
            if not is_wanted():
                return


if __name__ == "__main__":
    # by its name, so that the worker imports it and does not get a copy
    from conductor_agent.children.call_on_dask import main as named

    sys.exit(named(sys.argv[1]))
