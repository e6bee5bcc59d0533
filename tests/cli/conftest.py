from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner, Result

from conductor_cli.main import cli
from conductor_proto.v1.control_service_pb2_grpc import add_ControlServiceServicer_to_server
from tests.cli.canned import TOKEN, CannedControl

Run = Callable[..., Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedServer:
    """The server, and where it listens."""

    control: CannedControl
    address: str


@pytest.fixture
def server() -> Iterator[CannedServer]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        control = CannedControl()
        started = grpc.server(pool)
        add_ControlServiceServicer_to_server(control, started)
        port = started.add_insecure_port("127.0.0.1:0")
        started.start()
        yield CannedServer(control=control, address=f"127.0.0.1:{port}")
        started.stop(grace=None).wait()


@pytest.fixture
def run(server: CannedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line against the canned server, as its user."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path))
    monkeypatch.setenv("CONDUCTOR_TOKEN", TOKEN)
    monkeypatch.setenv("CONDUCTOR_SERVER", server.address)
    monkeypatch.setattr("getpass.getuser", lambda: "ada")

    def invoke(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(cli, arguments, input=input, prog_name="conductor-cli")

    return invoke
