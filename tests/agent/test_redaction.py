"""Secrets are taken out of what leaves the agent, however it is cut into pieces."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_agent.logs import PIECE, LogPusher
from conductor_agent.model import Lease, Progress
from conductor_agent.redaction import SHORTEST, Redaction
from conductor_proto.v1 import agent_service_pb2 as wire

LEASE = Lease(run_id=7, epoch=1)
KEY = "canary"
URL = "postgresql://user:p%40ss/word+%22of@host/d"
SECRETS = Redaction({"KEY": KEY, "URL": URL})


@pytest.mark.parametrize(
    ("written", "told"),
    [
        pytest.param("the key is canary.", "the key is [secret KEY].", id="in-a-sentence"),
        pytest.param("canarycanary", "[secret KEY][secret KEY]", id="twice"),
        pytest.param("canar y", "canar y", id="nearly"),
        pytest.param(f"no {URL}", "no [secret URL]", id="a-url"),
        pytest.param("refused: p%40ss/word+%22of", "refused: [secret URL]", id="its-password"),
        pytest.param('p@ss/word+"of is wrong', "[secret URL] is wrong", id="its-password-in-clear"),
        pytest.param("?to=p%2540ss%2Fword%2B%2522of", "?to=[secret URL]", id="quoted"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_is_told(written: str, told: str) -> None:
    assert SECRETS.text(written) == told


def test_results_at_any_depth_and_progress() -> None:
    value = {"canary": ["x canary", {"a": "canary"}], "n": 5}
    assert SECRETS.value(value) == {
        "[secret KEY]": ["x [secret KEY]", {"a": "[secret KEY]"}],
        "n": 5,
    }
    assert SECRETS.progress(Progress(fraction=0.5, message="at canary")) == Progress(
        fraction=0.5, message="at [secret KEY]"
    )


def test_what_is_transformed_otherwise_is_not_known() -> None:
    text = base64.b64encode(KEY.encode()).decode()
    assert SECRETS.text(text) == text


@pytest.mark.parametrize("length", [SHORTEST - 1, SHORTEST])
def test_the_shortest_secret(length: int) -> None:
    value = "abcdefgh"[:length]
    assert Redaction({"A": value}).text(value) == ("[secret A]" if length >= SHORTEST else value)


def test_of_two_the_longer_one() -> None:
    redaction = Redaction({"SHORT": "abcdef", "LONG": "abcdefgh"})
    assert redaction.text("abcdefgh abcdefg") == "[secret LONG] [secret SHORT]g"


def test_only_what_the_spec_refers_to() -> None:
    redaction = Redaction.of_spec({"argv": ["x", "${env:KEY}"]}, {"KEY": "canary", "HOME": "/home/of"})
    assert redaction.text("canary in /home/of") == "[secret KEY] in /home/of"


@given(
    st.lists(st.sampled_from(["abcdef", "abcdefgh", "efabcd", "ab", "cdef", "x", "\n"]), max_size=12),
    st.lists(st.integers(1, 9), min_size=1, max_size=60),
)
def test_pieces_add_up_to_the_whole(words: list[str], sizes: list[int]) -> None:
    """Secrets that overlap, and are cut anywhere."""
    redaction = Redaction({"A": "abcdef", "B": "abcdefgh", "C": "efabcd"})
    data = "".join(words).encode()
    told, place, known = b"", 0, 0
    for size in sizes:
        known = min(len(data), known + size)
        piece, taken = redaction.begun(data[place:known], over=False)
        told, place = told + piece, place + taken
    piece, _ = redaction.begun(data[place:], over=True)
    assert told + piece == redaction.data(data)


class Server:
    """The part of a server that keeps one stream."""

    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def take(self, piece: wire.PushLogsRequest) -> wire.PushLogsResponse:
        if piece.offset == len(self.data):
            self.data += piece.data
            self.closed = piece.eof
        return wire.PushLogsResponse(
            run_id=piece.lease.run_id, stream=piece.stream, next_offset=len(self.data)
        )


async def push(folder: Path, server: Server, *, pieces: int) -> None:
    """A fresh agent pushes so many pieces of a run that has ended."""
    pusher = LogPusher(lambda _: None)
    pusher.follow(LEASE, folder, SECRETS)
    pusher.ended(LEASE)
    stream = pusher.pieces(1)
    for _ in range(pieces):
        if server.closed:
            break
        pusher.answered(server.take(await anext(stream)))
    await stream.aclose()


@pytest.mark.parametrize("pieces", [1, 2, 100], ids=lambda n: f"restarted-after-{n}")
async def test_a_restarted_agent_goes_on_where_the_server_is(tmp_path: Path, pieces: int) -> None:
    """Offsets are those of what was told; a secret lies across the border of two pieces of the file."""
    border = PIECE // SECRETS.growth
    written = (b"canary " + b"x" * (border - 10) + b"canary\n") * 3 + b"canar"
    (tmp_path / "stdout").write_bytes(written)
    server = Server()
    while not server.closed:
        before = len(server.data)
        await push(tmp_path, server, pieces=pieces + 1)
        assert server.closed or len(server.data) > before

    assert server.data == written.replace(b"canary", b"[secret KEY]")
