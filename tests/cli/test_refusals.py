"""What a server's refusal becomes: one sentence with a remedy, and a documented exit code."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import grpc
import pytest

from conductor_cli.client import DEFAULT_ADDRESS, Options, find_target
from tests.cli.canned import TOKEN
from tests.cli.conftest import CannedServer, Run


def test_what_is_not_there(run: Run) -> None:
    result = run("definitions", "show", "nothing")

    assert (result.exit_code, result.stderr) == (1, "error: there is no definition nothing\n")


def test_a_conflict(run: Run) -> None:
    result = run("definitions", "confirm-removal", "files:/srv", "--count", "3")

    assert (result.exit_code, result.stderr) == (1, "error: files:/srv now wants to remove 2 definitions\n")


def test_the_field_at_fault_is_named(run: Run) -> None:
    result = run("accounts", "add", "x", "--timezone", "Mars/Olympus")

    assert result.exit_code == 1
    assert result.stderr == "error: there is no time zone Mars/Olympus (in account.timezone)\n"


def test_no_server(run: Run, server: CannedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # A port that nobody listens on: bound, and not served.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("--server", address, "status")

    assert result.exit_code == 3
    assert result.stderr == (
        f"error: no server answers at {address}; start one with `conductor-server`, "
        "or name another with --server\n"
    )


def test_of_several_servers_one_that_answers_is_enough(run: Run, server: CannedServer) -> None:
    with socket.socket() as taken:  # a port that nobody listens on: bound, and not served
        taken.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run("--server", f"{nobody}, {server.address}", "status").exit_code == 0
        assert run("--server", f"{server.address},{nobody}", "status").exit_code == 0
        result = run("--server", f"{nobody},{nobody}", "status")

    assert result.exit_code == 3
    assert f"no server answers at {nobody},{nobody};" in result.stderr


def test_a_wrong_token(run: Run, server: CannedServer, tmp_path: Path) -> None:
    file = tmp_path / "other"
    file.write_text("wrong\n")

    result = run("--token-file", str(file), "status")

    assert result.exit_code == 3
    assert f"does not accept the token (of {file})" in result.stderr


@pytest.mark.parametrize(
    ("code", "exit_code", "words"),
    [
        pytest.param(grpc.StatusCode.UNIMPLEMENTED, 3, "is too old for this command", id="old-server"),
        pytest.param(grpc.StatusCode.DEADLINE_EXCEEDED, 3, "took too long", id="slow-server"),
        pytest.param(grpc.StatusCode.PERMISSION_DENIED, 3, "refuses: it said so", id="no-permission"),
        pytest.param(grpc.StatusCode.INTERNAL, 3, "refuses: it said so (internal)", id="broken-server"),
        pytest.param(grpc.StatusCode.FAILED_PRECONDITION, 1, "error: it said so", id="precondition"),
    ],
)
def test_codes(run: Run, server: CannedServer, code: grpc.StatusCode, exit_code: int, words: str) -> None:
    server.control.failure = (code, "it said so")

    result = run("status")

    assert result.exit_code == exit_code
    assert words in result.stderr


def test_a_refused_stream(run: Run, server: CannedServer) -> None:
    server.control.failure = (grpc.StatusCode.NOT_FOUND, "there is no run 7")

    result = run("runs", "logs", "7")

    assert (result.exit_code, result.stderr) == (1, "error: there is no run 7\n")


def test_wrong_usage(run: Run) -> None:
    assert run("slots", "list", "--condition", "tired").exit_code == 2
    assert run("frobnicate").exit_code == 2


def test_the_own_server_and_its_token_are_found(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(json.dumps({"address": "127.0.0.1:5001"}))
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    target = find_target(Options(), {"CONDUCTOR_HOME": str(tmp_path)})

    assert (target.address, target.token) == ("127.0.0.1:5001", TOKEN)
    assert TOKEN not in repr(target)


def test_what_is_said_goes_before_what_is_found(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(json.dumps({"address": "127.0.0.1:5001"}))
    (tmp_path / "token").write_text("found")
    (tmp_path / "said").write_text("said")
    environ = {"CONDUCTOR_HOME": str(tmp_path), "CONDUCTOR_TOKEN": "from environment"}

    by_environment = find_target(Options(server="host:1"), environ)
    by_option = find_target(Options(token_file=str(tmp_path / "said")), environ)

    assert (by_environment.address, by_environment.token) == ("host:1", "from environment")
    assert by_option.token == "said"


@pytest.mark.parametrize("content", ["", "[]", '{"port": 1}'], ids=["empty", "a-list", "no-address"])
def test_a_damaged_server_file_is_no_reason_to_fail(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)

    assert find_target(Options(), {"CONDUCTOR_HOME": str(tmp_path)}).address == DEFAULT_ADDRESS
