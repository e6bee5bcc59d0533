"""The output's way to the server, piece by piece."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conductor_agent.logs import HEAD_BYTES, TAIL_BYTES, LogPusher
from conductor_agent.model import Lease
from conductor_agent.redaction import Redaction
from conductor_proto.v1 import agent_service_pb2 as wire

PATIENCE_S = 20.0
LEASE = Lease(run_id=7, epoch=1)


async def test_a_run_that_ends_while_its_output_is_on_its_way_is_closed_too(tmp_path: Path) -> None:
    """The server waits for the end of every stream: readers who follow it would wait with it."""
    pushed: list[Lease] = []
    pusher = LogPusher(pushed.append)
    (tmp_path / "stdout").write_bytes(b"one\n")
    pusher.follow(LEASE, tmp_path, Redaction({}))
    pieces = pusher.pieces(1)
    async with asyncio.timeout(PATIENCE_S):
        first = await anext(pieces)
        assert (first.data, first.eof) == (b"one\n", False)
        pusher.ended(LEASE)
        pusher.reported(LEASE)
        pusher.answered(wire.PushLogsResponse(run_id=7, stream="stdout", next_offset=4))
        last = await anext(pieces)
    assert (last.offset, last.data, last.eof) == (4, b"", True)
    assert pushed == []
    await pieces.aclose()


async def pushed(folder: Path, *, over: bool, redaction: Redaction, lives: int = 1) -> bytes:
    """What a server has of a run's output, after an agent that was restarted again and again."""
    kept = b""
    for _ in range(lives):
        pusher = LogPusher(lambda _: None)
        pusher.follow(LEASE, folder, redaction)
        if over:
            pusher.ended(LEASE)
        pieces = pusher.pieces(1)
        for _ in range(4 if lives > 1 else 10_000):
            try:
                async with asyncio.timeout(PATIENCE_S if over else 1):
                    piece = await anext(pieces)
            except TimeoutError:  # nothing more for now, which only shows by waiting
                break
            if piece.offset <= len(kept):
                kept += piece.data[len(kept) - piece.offset :]
            pusher.answered(wire.PushLogsResponse(run_id=7, stream="stdout", next_offset=len(kept)))
            if piece.eof:
                await pieces.aclose()
                return kept
        await pieces.aclose()
    assert not over, "it has an end"
    return kept


def lines(size: int) -> bytes:
    """So many bytes, in lines of which each is another."""
    text = b"".join(b"%07d\n" % n for n in range(size // 8 + 1))
    return text[:size]


MOST = HEAD_BYTES + TAIL_BYTES


@pytest.mark.parametrize("lives", [1, 40], ids=["one-agent", "restarted-often"])
@pytest.mark.parametrize(
    ("size", "cut"),
    [
        pytest.param(MOST - 1, 0, id="one-less"),
        pytest.param(MOST, 0, id="as-much-as-is-kept"),
        pytest.param(MOST + 8, 8, id="one-line-more"),
        pytest.param(2 * MOST, MOST, id="twice-as-much"),
    ],
)
async def test_the_beginning_and_the_end_are_kept(tmp_path: Path, size: int, cut: int, lives: int) -> None:
    written = lines(size)
    (tmp_path / "stdout").write_bytes(written)

    kept = await pushed(tmp_path, over=True, redaction=Redaction({}), lives=lives)

    mark = f"\n[conductor: {cut} bytes are left out here]\n".encode() if cut else b""
    assert kept == written[:HEAD_BYTES] + mark + written[HEAD_BYTES + cut :]


async def test_one_byte_more_than_is_kept_costs_the_line_that_it_is_in(tmp_path: Path) -> None:
    written = lines(MOST + 1)
    (tmp_path / "stdout").write_bytes(written)

    kept = await pushed(tmp_path, over=True, redaction=Redaction({}))

    assert (
        kept
        == written[:HEAD_BYTES] + b"\n[conductor: 8 bytes are left out here]\n" + written[HEAD_BYTES + 8 :]
    )


async def test_while_a_run_goes_on_its_beginning_is_pushed(tmp_path: Path) -> None:
    written = lines(MOST)
    (tmp_path / "stdout").write_bytes(written)

    assert await pushed(tmp_path, over=False, redaction=Redaction({})) == written[:HEAD_BYTES]


async def test_the_cut_leaves_no_part_of_a_secret(tmp_path: Path) -> None:
    """It stands across the end of the head."""
    written = b"x" * (HEAD_BYTES - 3) + b"canary" + lines(MOST)
    (tmp_path / "stdout").write_bytes(written)

    kept = await pushed(tmp_path, over=True, redaction=Redaction({"KEY": "canary"}), lives=40)

    assert kept.startswith(b"x" * (HEAD_BYTES - 3) + b"[secret KEY]\n[conductor: ")
    assert b"can" not in kept


async def test_output_is_pushed_no_faster_than_agreed(tmp_path: Path) -> None:
    (tmp_path / "stdout").write_bytes(b"x" * 1000)
    pusher = LogPusher(lambda _: None, bytes_per_second=5000)
    pusher.follow(LEASE, tmp_path, Redaction({}))
    pusher.ended(LEASE)
    pieces = pusher.pieces(1)
    began = asyncio.get_running_loop().time()
    first = await anext(pieces)
    pusher.answered(wire.PushLogsResponse(run_id=7, stream="stdout", next_offset=len(first.data) - 1))
    await anext(pieces)

    assert asyncio.get_running_loop().time() - began >= 0.2
    await pieces.aclose()
