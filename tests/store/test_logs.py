"""Output by offset: repeated, overlapping and early chunks do no harm; and it ends at a limit."""

from __future__ import annotations

import pytest

from conductor_server.store import logs
from conductor_server.store.logs import Appended, Chunk
from tests.support.build import HOUR, account, definition
from tests.support.world import World


@pytest.fixture
def run_id(world: World) -> int:
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    [lease] = world.claim().values()
    return lease.run_id


def append(
    world: World, run_id: int, offset: int, data: bytes, *, stream: str = "stdout", eof: bool = False
) -> Appended:
    chunk = Chunk(run_id=run_id, stream=stream, offset=offset, data=data, eof=eof)
    return world.write(lambda db: logs.append(db, chunk))


def output(world: World, run_id: int, *, stream: str = "stdout") -> bytes:
    chunks = world.read(lambda db: logs.read(db, run_id, positions={}, stream=stream))
    return b"".join(chunk.data for chunk in chunks)


@pytest.mark.parametrize(
    ("chunks", "kept", "next_offset"),
    [
        pytest.param([(0, b"abc"), (3, b"def")], b"abcdef", 6, id="in-order"),
        pytest.param([(0, b"abc"), (0, b"abc")], b"abc", 3, id="repeated"),
        pytest.param([(0, b"abc"), (1, b"bcd")], b"abcd", 4, id="overlapping"),
        pytest.param([(0, b"abc"), (1, b"b")], b"abc", 3, id="within"),
        pytest.param([(0, b"abc"), (5, b"fgh")], b"abc", 3, id="early-after-a-gap"),
        pytest.param([(0, b"")], b"", 0, id="empty"),
    ],
)  # fmt: skip
def test_chunks(
    world: World, run_id: int, chunks: list[tuple[int, bytes]], kept: bytes, next_offset: int
) -> None:
    for offset, data in chunks:
        answer = append(world, run_id, offset, data)

    assert answer == Appended(next_offset=next_offset, closed=False)
    assert output(world, run_id) == kept


def test_streams_are_apart(world: World, run_id: int) -> None:
    append(world, run_id, 0, b"out")
    append(world, run_id, 0, b"err", stream="stderr")

    both = world.read(lambda db: logs.read(db, run_id, positions={"stdout": 3}))

    assert [(chunk.stream, chunk.data) for chunk in both] == [("stderr", b"err")]


def test_the_end_is_known_once_every_stream_has_ended(world: World, run_id: int) -> None:
    append(world, run_id, 0, b"out", eof=True)
    append(world, run_id, 0, b"err", stream="stderr")
    assert not world.read(lambda db: logs.all_here(db, run_id))

    append(world, run_id, 3, b"", stream="stderr", eof=True)

    assert world.read(lambda db: logs.all_here(db, run_id))


def test_output_ends_at_the_limit_and_says_so(
    world: World, run_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "RUN_BYTES_MAX", 10)
    append(world, run_id, 0, b"12345678")

    answer = append(world, run_id, 8, b"90abc")
    again = append(world, run_id, 13, b"more")

    assert answer.closed
    assert again.closed
    assert append(world, run_id, 0, b"err", stream="stderr").closed
    assert output(world, run_id) == b"1234567890" + logs.TRUNCATED


def test_the_output_of_a_run_that_is_gone_is_not_wanted(world: World) -> None:
    assert append(world, 4711, 0, b"abc") == Appended(next_offset=0, closed=True)
