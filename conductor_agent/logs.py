"""Pushes the commands' output to the server: by offset, in pieces, on a channel of its own, and not faster than agreed.

Of a long output the beginning is pushed as it comes, and the end when the run is over; what lies between is cut.

The server says where to go on, so a lost connection or a restarted agent costs nothing but repetition. Each file has at
most one piece on its way. After its run was reported a file is followed to its end, but not for ever: only for
``PATIENCE`` seconds of connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from conductor_agent import convert
from conductor_agent.model import Lease
from conductor_agent.redaction import Redaction
from conductor_proto.v1 import agent_service_pb2 as wire

PIECE = 256 * 1024

HEAD_BYTES = 2 * 1024 * 1024
TAIL_BYTES = 1024 * 1024
"""Of each stream so much is pushed from its beginning, and so much from its end."""

BYTES_PER_SECOND = 8 * 1024 * 1024
"""Of all that an agent pushes: the output of one run that prints without end must not take the server from others."""

PATIENCE = 30.0
STREAMS = ("stdout", "stderr", "agent")
_LOOK_EVERY = 0.25


@dataclass(slots=True, kw_only=True)
class _Tail:
    """One file of a run, and how far the server has it."""

    lease: Lease
    stream: str
    path: Path
    redaction: Redaction
    offset: int = 0
    place: int = (
        0  # where the next piece begins in the file, which is not the offset once a secret was taken out
    )
    skipped: int = 0  # so much of what begins there the server has already
    taken: int = 0  # so much of the file does the piece on its way stand for
    length: int = 0  # and so long it is
    in_flight: bool = False
    closing: bool = False  # the piece on its way is said to be the last
    over: bool = False  # the run has ended: the file grows no more
    pushed: bool = False  # the server has everything, or wants no more

    def next_piece(self) -> wire.PushLogsRequest | None:
        """The next piece to send, if there is one and none is on its way."""
        if self.in_flight or self.pushed:
            return None
        data, self.taken, last = self._redacted(self.place)
        data = data[self.skipped :]
        if not data and not (self.over and self.offset):
            self.pushed = self.over  # nothing was ever written: nothing to close either
            return None
        self.in_flight, self.closing, self.length = True, last, len(data)
        return wire.PushLogsRequest(
            lease=convert.lease_to_wire(self.lease),
            stream=self.stream,
            offset=self.offset,
            data=data,
            eof=self.closing,
        )

    def answered(self, answer: wire.PushLogsResponse) -> None:
        self.in_flight = False
        expected = self.offset + self.length
        # Not `over`: that may have come after the piece, and the server would wait for an end that nobody told it.
        ended = self.closing and answer.next_offset >= expected
        self.pushed = answer.closed or ended
        if answer.next_offset == expected:
            self.offset, self.place, self.skipped = expected, self.place + self.taken, 0
        elif not self.pushed:
            self._go_on_from(answer.next_offset)

    def _redacted(self, place: int) -> tuple[bytes, int, bool]:
        """What there is from that place of the file, how much of it that is, and whether nothing follows."""
        wanted = PIECE // self.redaction.growth
        if place >= HEAD_BYTES:
            if not self.over:
                return b"", 0, False
            if (cut := self._cut_from(place)) > 0:
                return f"\n[conductor: {cut} bytes are left out here]\n".encode(), cut, False
        data = _read(self.path, place, wanted)
        last = self.over and len(data) < wanted
        most = HEAD_BYTES - place if place < HEAD_BYTES else None
        told, taken = self.redaction.begun(data, over=last, most=most)
        return told, taken, last and taken == len(data)

    def _cut_from(self, place: int) -> int:
        """How many bytes are left out from there, where the head ends; the tail begins with a line, if it has any."""
        begin = _size(self.path) - TAIL_BYTES
        if begin <= place:
            return 0
        line = _read(self.path, begin - 1, PIECE).find(b"\n")
        return begin + max(0, line) - place

    def _go_on_from(self, offset: int) -> None:
        """The server has something else than was thought: an agent before us has pushed it, or a connection was lost.

        Where that is in the file is found by reading it again from its beginning.
        """
        self.offset = self.place = self.skipped = 0
        while True:
            data, taken, _ = self._redacted(self.place)
            if not taken or self.offset + len(data) > offset:
                break
            self.offset, self.place = self.offset + len(data), self.place + taken
        self.skipped = min(len(data), max(0, offset - self.offset))
        self.offset += self.skipped


class LogPusher:
    """Follows the output of every run that is held. ``on_pushed`` is called once for each run that ended."""

    def __init__(
        self, on_pushed: Callable[[Lease], None], *, bytes_per_second: float = BYTES_PER_SECOND
    ) -> None:
        self._on_pushed = on_pushed
        self._bytes_per_second = bytes_per_second
        self._tails: dict[Lease, list[_Tail]] = {}
        self._waiting: dict[Lease, float] = {}  # reported runs, with their patience in seconds
        self._stirred: set[Lease] = set()  # there is news of them; the others are looked at now and then
        self._look = asyncio.Event()

    def follow(self, lease: Lease, folder: Path, redaction: Redaction) -> None:
        """Begins to push a run's output, without its secrets."""
        self._tails[lease] = [
            _Tail(lease=lease, stream=stream, path=folder / stream, redaction=redaction) for stream in STREAMS
        ]

    def ended(self, lease: Lease) -> None:
        """The run's files will not grow any more."""
        for tail in self._tails.get(lease, ()):
            tail.over = True
        self._stir(lease)

    def reported(self, lease: Lease) -> None:
        """The run's report was answered: what is left is pushed with patience, then ``on_pushed`` is called."""
        self._waiting[lease] = PATIENCE
        self._stir(lease)

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
        round_over = asyncio.get_running_loop().time() + _LOOK_EVERY
        leases = list(self._tails)
        while True:
            for tail in [tail for lease in leases for tail in self._tails.get(lease, ())]:
                piece = tail.next_piece()
                if piece is not None:
                    piece.session = session
                    yield piece
                    await asyncio.sleep(len(piece.data) / self._bytes_per_second)
            self._let_go()
            if await self._is_stirred(round_over):
                leases = list(self._stirred)
            else:
                round_over = asyncio.get_running_loop().time() + _LOOK_EVERY
                leases = list(self._tails)
            self._stirred.clear()

    def answered(self, answer: wire.PushLogsResponse) -> None:
        """The server said how far it has come."""
        for lease, tails in self._tails.items():
            for tail in tails:
                if lease.run_id == answer.run_id and tail.stream == answer.stream and tail.in_flight:
                    tail.answered(answer)
                    self._stir(lease)

    def _stir(self, lease: Lease) -> None:
        self._stirred.add(lease)
        self._look.set()

    async def _is_stirred(self, round_over: float) -> bool:
        """Waits until an answer or an ending calls for a look at some runs; false when it is time to look at all."""
        self._look.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(
                round_over
            ):  # not wait_for, which in 3.11 may swallow a cancellation
                if not self._stirred:
                    await self._look.wait()
        if asyncio.get_running_loop().time() < round_over:
            return True
        for lease in self._waiting:
            self._waiting[lease] -= _LOOK_EVERY
        return False

    def _let_go(self) -> None:
        for lease, patience in list(self._waiting.items()):
            if patience <= 0 or all(tail.pushed for tail in self._tails.get(lease, ())):
                self.forget(lease)
                self._on_pushed(lease)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: Path, place: int, most: int) -> bytes:
    try:
        if os.stat(path).st_size <= place:  # nearly always, and told for a tenth of what opening it costs
            return b""
        with path.open("rb") as file:
            file.seek(place)
            return file.read(most)
    except FileNotFoundError:
        return b""
