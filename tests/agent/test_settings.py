"""Where the agent looks for its server, its token and its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_agent.errors import UsageError
from conductor_agent.settings import (
    DEFAULT_ADDRESS,
    Server,
    check_name,
    default_name,
    home,
    parse_sources,
)


def test_the_address_is_what_was_given_or_written_down_or_the_default(tmp_path: Path) -> None:
    server = Server(home=tmp_path)
    assert server.find_address() == DEFAULT_ADDRESS
    (tmp_path / "server.json").write_text('{"address": "127.0.0.1:1234"}')
    assert server.find_address() == "127.0.0.1:1234", "looked up anew every time"
    assert Server(home=tmp_path, address="far:1").find_address() == "far:1"
    several = Server(home=tmp_path, address="far:1, near:2,")
    assert [several.find_address(turn) for turn in range(3)] == ["far:1", "near:2", "far:1"]
    (tmp_path / "server.json").write_text("{")
    assert server.find_address() == DEFAULT_ADDRESS


def test_the_token_is_of_the_file_or_the_variable_or_the_home_folder(tmp_path: Path) -> None:
    server = Server(home=tmp_path)
    assert server.find_token() is None
    (tmp_path / "token").write_text("of-the-home\n")
    assert server.find_token() == "of-the-home"
    assert Server(home=tmp_path, token="of-the-variable").find_token() == "of-the-variable"
    (tmp_path / "other").write_text("of-the-file")
    given = Server(home=tmp_path, token="of-the-variable", token_file=tmp_path / "other")
    assert given.find_token() == "of-the-file"


@pytest.mark.parametrize(
    ("texts", "limits"),
    [
        pytest.param(("cron",), {"cron": 5}, id="default"),
        pytest.param(("cron=8", "shell"), {"cron": 8, "shell": 5}, id="bound"),
        pytest.param(("cron", "cron"), None, id="twice"),
        pytest.param(("cron=0",), None, id="zero"),
        pytest.param(("cron=-1",), None, id="negative"),
    ],
)
def test_sources(texts: tuple[str, ...], limits: dict[str, int] | None) -> None:
    if limits is None:
        with pytest.raises(UsageError):
            parse_sources(texts, concurrency=5)
    else:
        assert parse_sources(texts, concurrency=5) == limits


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a b", "x" * 200])
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)


def test_the_default_name_says_where_and_what() -> None:
    assert default_name("etl-1", ("shell", "cron")) == "etl-1-cron-shell"


def test_home() -> None:
    assert home({"CONDUCTOR_HOME": "/srv/conductor"}) == Path("/srv/conductor")
    assert home({}) == Path("~/.conductor").expanduser()
