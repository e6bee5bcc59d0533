"""``conductor-server`` as a person starts it: a real process in an empty home."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import click
import pytest

from conductor_server.cli import main
from conductor_server.config import Settings
from tests.support.processes import Home, home_in, seen
from tests.support.server import declare

pytestmark = pytest.mark.e2e


def refusal(home: Home, *options: str, code: int = 1, **environment: str) -> str:
    """What a server says that cannot work: one sentence, no traceback, and its exit code."""
    done = home.run("conductor-server", *options, **environment)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return next(line for line in done.stderr.splitlines() if line.startswith("conductor-server: "))


def test_every_setting_has_a_flag() -> None:
    flags = {each.name for each in main.params if isinstance(each, click.Option)}
    assert Settings.model_fields.keys() - flags == set()


def test_it_works_without_arguments(tmp_path: Path) -> None:
    """With nothing but an empty HOME. Its port is the default one: another server's, where a person runs one."""
    with home_in(tmp_path, {}) as home:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", 7400))
            except OSError:
                pytest.skip("somebody listens on 127.0.0.1:7400")
        home.path = tmp_path / ".conductor"
        server = home.serve(HOME=str(tmp_path), CONDUCTOR_HOME="")
        assert home.announced() == {"address": "127.0.0.1:7400", "pid": server.popen.pid}
        made = {each.name: each.stat().st_mode & 0o077 for each in home.path.iterdir()}
        assert {"conductor.db", "token", "server.json"} <= made.keys()
        assert set(made.values()) == {0}, "nobody else may read any of it"
        assert home.path.stat().st_mode & 0o777 == 0o700
        assert server.terminate() == 0


def test_settings_are_listed_with_their_values(home: Home) -> None:
    home.path.mkdir()
    (home.path / "conductor.toml").write_text("COMMAND_RETENTION_DAYS = 90")
    done = home.run("conductor-server", "--timezone", "Asia/Kolkata", "settings")
    lines = {line.partition("=")[0]: line for line in done.stdout.splitlines()}
    assert lines.keys() == {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert lines["COMMAND_RETENTION_DAYS"].startswith("COMMAND_RETENTION_DAYS=90.0 ")
    assert "'Asia/Kolkata'" in lines["CONDUCTOR_TIMEZONE"]
    assert lines["COMMAND_HEARTBEAT_INTERVAL_SECONDS"].startswith("COMMAND_HEARTBEAT_INTERVAL_SECONDS=0.3 ")


def test_a_port_that_is_taken(home: Home, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert refusal(home, "--listen", address) == (
            f"conductor-server: {address} cannot be listened on: is another server running? "
            "Choose another with --listen"
        )
        assert refusal(home, "--metrics-listen", address) == (
            f"conductor-server: metrics cannot be served on {address}: Address already in use; "
            "choose another with --metrics-listen"
        )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(("--listen", "no.such.host.invalid:0"), "is no address of this machine", id="unknown"),
        pytest.param(("--database", "nonsense"), "the database is not a URL: use sqlite", id="database"),
        pytest.param(("--database", "mysql://h/x"), "the database 'mysql' is not supported", id="mysql"),
        pytest.param(("--definitions", "sql:x"), "there is no definition source `sql`", id="source"),
        pytest.param(("--timezone", "Mars"), "settings cannot be used:", id="zone"),
        pytest.param(
            ("--tls-certificate", "no.pem", "--tls-key", "no.pem"),
            "the TLS certificate or key cannot be used: [Errno 2] No such file",
            id="no-certificate",
        ),
        pytest.param(
            ("--tls-certificate", "junk.pem", "--tls-key", "junk.pem"),
            "the TLS certificate or key cannot be used: [SSL]",
            id="no-pem",
        ),
    ],
)
def test_what_cannot_work_is_one_sentence(home: Home, options: tuple[str, ...], sentence: str) -> None:
    (home.path.parent / "junk.pem").write_text("junk")
    assert sentence in refusal(home, *options)


def test_a_home_that_cannot_be(home: Home) -> None:
    home.path.touch()
    assert "the home folder" in refusal(home) or "cannot be made" in refusal(home)


def test_a_token_that_others_can_read(home: Home) -> None:
    home.path.mkdir()
    (home.path / "token").write_text("x" * 40)
    (home.path / "token").chmod(0o644)
    assert "others can read the token" in refusal(home, code=78)


def test_one_server_a_database_file(home: Home) -> None:
    server = home.serve()
    assert f"another server (process {server.popen.pid}) works on" in refusal(home)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(home: Home, number: int) -> None:
    file = home.path.parent / "definitions.yaml"
    declare(file, {"name": "load"})
    server = home.serve("--definitions", str(file))
    following = home.start("conductor-cli", "watch", "--after", "1")  # a stream that would never end
    declare(file, {"name": "load"}, {"name": "more"})
    seen(lambda: "definition.added" in following.said)
    server.popen.send_signal(number)
    assert server.exit_code() == 0
    assert "draining" in server.said
    assert "Traceback" not in server.said
    assert "step failed" not in server.said
    assert following.exit_code() == 3


def test_logs_for_programs(home: Home) -> None:
    import json

    server = home.serve("--log-format", "json")
    assert server.terminate() == 0
    lines = [json.loads(line) for line in server.said.splitlines()]
    assert [line["event"] for line in lines if line["event"] in ("serving", "draining")] == [
        "serving",
        "draining",
    ]
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_a_killed_server_leaves_nothing_in_the_way(home: Home) -> None:
    token = None
    for _ in range(3):
        server = home.serve()
        token = token or (home.path / "token").read_text()
        assert (home.path / "token").read_text() == token
        os.kill(server.popen.pid, signal.SIGKILL)
        server.exit_code()
