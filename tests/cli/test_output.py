"""What reaches a terminal, whatever the data."""

from __future__ import annotations

import datetime as dt
import json

import click
import pytest

from conductor_cli import moments
from conductor_cli.logs import _print_escaped
from conductor_cli.output import counted
from conductor_proto.v1.control_service_pb2 import ReadRunLogsResponse
from conductor_server.drawing.letters import json_text, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Zürich 東京 ✓", "Zürich 東京 ✓", id="letters-stay"),
        pytest.param("\x1b[2Jgone", "\\x1b[2Jgone", id="ansi"),
        pytest.param("a\x9b31mb", "a\\x9b31mb", id="c1"),
        pytest.param("\u202egnp.exe", "\\u202egnp.exe", id="bidi"),
        pytest.param("one\ntwo\r", "one\\ntwo\\r", id="line-ends"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert json.loads(json_text([text])) == [text]
    assert json_text([text]).isprintable()


def test_logs_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    pieces = [
        ReadRunLogsResponse(stream="stdout", data="tab\tZ\u00fc".encode()[:-1]),
        ReadRunLogsResponse(stream="stderr", data=b"\x1b[31mred\r\n"),
        ReadRunLogsResponse(stream="stdout", data="\u00fc".encode()[1:] + b"rich\n"),
    ]

    _print_escaped(pieces)

    assert capsys.readouterr().out == "tab\tZ\\x1b[31mred\nürich\n"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "no dependencies"), (1, "1 dependency"), (3, "3 dependencies")]
)
def test_counted(number: int, words: str) -> None:
    assert counted(number, "dependency") == words


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-11-22", dt.datetime(2026, 11, 22, tzinfo=dt.UTC)),
        ("2026-11-22T06:00:00Z", dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)),
        ("2026-11-22T06:00+05:30", dt.datetime(2026, 11, 22, 0, 30, tzinfo=dt.UTC)),
    ],
)
def test_instants(typed: str, moment: dt.datetime) -> None:
    assert moments.instant(typed) == moment


@pytest.mark.parametrize(("typed", "seconds"), [("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("90s", 90)])
def test_durations(typed: str, seconds: int) -> None:
    assert moments.duration(typed).total_seconds() == seconds


@pytest.mark.parametrize("typed", ["", "soon", "30", "m30"])
def test_no_durations(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="write 30m or 1h30m"):
        moments.duration(typed)
