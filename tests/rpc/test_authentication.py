"""What is open to everybody, and the home folder's token, which is this user's alone. Who gets in: test_access."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from conductor_server.model.errors import ConductorError
from conductor_server.rpc.home_token import ensure_token
from tests.support.server import PATIENCE_S, Served, serving

SERVICES = {
    "conductor_proto.v1.AgentService",
    "conductor_proto.v1.ControlService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
}


@pytest.fixture
async def served(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sqlite_template, home / "conductor.db")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    async with serving(home) as served:
        yield served


async def test_the_refusal_says_what_to_do(served: Served) -> None:
    call = served.agents.ClaimRun()
    assert await call.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await call.details() == (
        "no token: send one as 'authorization: Bearer …', such as that in the file `token` of the server's home "
        "folder, or one from `conductor-cli tokens create`"
    )


async def test_health_is_open(served: Served) -> None:
    health = health_pb2_grpc.HealthStub(served.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_is_open(served: Served) -> None:
    call = reflection_pb2_grpc.ServerReflectionStub(served.channel).ServerReflectionInfo(timeout=PATIENCE_S)
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    listed = (await call.read()).list_services_response
    await call.done_writing()
    assert {service.name for service in listed.service} == SERVICES


async def test_a_foreign_client_lists_and_calls(served: Served) -> None:
    """buf knows of us only what reflection tells it."""
    assert set((await buf(served, "--list-services")).split()) == SERVICES
    answer = await buf(
        served,
        "--header",
        f"authorization: Bearer {served.token}",
        path="/conductor_proto.v1.ControlService/GetStatus",
    )
    assert '"version"' in answer


async def buf(served: Served, *options: str, path: str = "") -> str:
    program = Path(sys.executable).parent / "buf"
    if not program.exists():
        pytest.skip("buf is not installed beside this Python")
    process = await asyncio.create_subprocess_exec(
        program,
        *("curl", "--http2-prior-knowledge", "--protocol", "grpc", "--reflect"),
        *options,
        f"http://{served.address}{path}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


# ------------------------------------------------------------------------------------------------ the token file


def test_a_token_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "home" / "token"
    token = ensure_token(file)
    assert token.startswith("cdr_")
    assert len(token) > 40
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert ensure_token(file) == token
    assert [each.name for each in file.parent.iterdir()] == ["token"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_token_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    ensure_token(file)
    file.chmod(mode)
    with pytest.raises(ConductorError, match=f"others can read the token in {file}: chmod 600 {file}"):
        ensure_token(file)


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_a_token_that_anybody_can_guess_is_refused(tmp_path: Path, content: str) -> None:
    """An empty file would let everybody in who sends an empty token."""
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(content)
    with pytest.raises(ConductorError, match="is too short to be one: remove the file"):
        ensure_token(file)


def test_a_token_of_ones_own_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text("a-token-from-the-vault\n")
    assert ensure_token(file) == "a-token-from-the-vault"
