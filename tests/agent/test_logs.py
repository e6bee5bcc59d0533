"""The output's way to the server, piece by piece."""

from __future__ import annotations

import asyncio
from pathlib import Path

from conductor_agent.logs import LogPusher
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
