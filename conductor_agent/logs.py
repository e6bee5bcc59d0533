"""Pushes the commands' output to the server: by offset, in pieces, on a channel of its own.

The server says where to go on, so a lost connection or a restarted agent costs nothing but repetition. Each file has at
most one piece on its way. After its run was reported a file is followed to its end, but not for ever: only for
``PATIENCE`` seconds of connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from conductor_agent import convert
from conductor_agent.model import Lease
from conductor_proto.v1 import agent_service_pb2 as wire

PIECE = 256 * 1024
PATIENCE = 30.0
STREAMS = ("stdout", "stderr", "agent")
_LOOK_EVERY = 0.25


@dataclass(slots=True, kw_only=True)
class _Tail:
    """One file of a run, and how far the server has it."""

    lease: Lease
    stream: str
    path: Path
    offset: int = 0
    in_flight: bool = False
    closing: bool = False  # the piece on its way is said to be the last
    over: bool = False  # the run has ended: the file grows no more
    pushed: bool = False  # the server has everything, or wants no more

    def next_piece(self) -> wire.PushLogsRequest | None:
        """The next piece to send, if there is one and none is on its way."""
        if self.in_flight or self.pushed:
            return None
        data = _read(self.path, self.offset)
        if not data and not (self.over and self.offset):
            self.pushed = self.over  # nothing was ever written: nothing to close either
            return None
        self.in_flight = True
        self.closing = self.over and len(data) < PIECE
        return wire.PushLogsRequest(
            lease=convert.lease_to_wire(self.lease),
            stream=self.stream,
            offset=self.offset,
            data=data,
            eof=self.closing,
        )

    def answered(self, answer: wire.PushLogsResponse) -> None:
        self.in_flight = False
        self.offset = min(max(0, answer.next_offset), _size(self.path))
        # Not `over`: that may have come after the piece, and the server would wait for an end that nobody told it.
        ended = self.closing and self.offset >= _size(self.path)
        self.pushed = answer.closed or ended


class LogPusher:
    """Follows the output of every run that is held. ``on_pushed`` is called once for each run that ended."""

    def __init__(self, on_pushed: Callable[[Lease], None]) -> None:
        self._on_pushed = on_pushed
        self._tails: dict[Lease, list[_Tail]] = {}
        self._waiting: dict[Lease, float] = {}  # reported runs, with their patience in seconds
        self._look = asyncio.Event()

    def follow(self, lease: Lease, folder: Path) -> None:
        """Begins to push a run's output."""
        self._tails[lease] = [_Tail(lease=lease, stream=stream, path=folder / stream) for stream in STREAMS]

    def ended(self, lease: Lease) -> None:
        """The run's files will not grow any more."""
        for tail in self._tails.get(lease, ()):
            tail.over = True
        self._look.set()

    def reported(self, lease: Lease) -> None:
        """The run's report was answered: what is left is pushed with patience, then ``on_pushed`` is called."""
        self._waiting[lease] = PATIENCE
        self._look.set()

    def forget(self, lease: Lease) -> None:
        """Nobody wants this run's output any more."""
        self._tails.pop(lease, None)
        self._waiting.pop(lease, None)

    @property
    def idle(self) -> bool:
        """No output of a reported run is waiting to be pushed."""
        return not self._waiting

    async def pieces(self, session: int) -> AsyncIterator[wire.PushLogsRequest]:
        """What to send, for as long as a connection lasts. A new connection knows of no piece on its way."""
        for tails in self._tails.values():
            for tail in tails:
                tail.in_flight = False
        while True:
            sent = False
            for tail in [tail for tails in self._tails.values() for tail in tails]:
                piece = tail.next_piece()
                if piece is not None:
                    piece.session = session
                    sent = True
                    yield piece
            self._let_go()
            if not sent:
                await self._pause()

    def answered(self, answer: wire.PushLogsResponse) -> None:
        """The server said how far it has come."""
        for lease, tails in self._tails.items():
            for tail in tails:
                if lease.run_id == answer.run_id and tail.stream == answer.stream and tail.in_flight:
                    tail.answered(answer)
        self._look.set()

    async def _pause(self) -> None:
        """Until an answer or an ending calls for another look, or the files may have grown."""
        self._look.clear()
        try:
            async with asyncio.timeout(_LOOK_EVERY):  # not wait_for, which in 3.11 may swallow a cancellation
                await self._look.wait()
        except TimeoutError:
            for lease in self._waiting:
                self._waiting[lease] -= _LOOK_EVERY

    def _let_go(self) -> None:
        for lease, patience in list(self._waiting.items()):
            if patience <= 0 or all(tail.pushed for tail in self._tails.get(lease, ())):
                self.forget(lease)
                self._on_pushed(lease)


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(PIECE)
    except FileNotFoundError:
        return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
