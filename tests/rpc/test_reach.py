"""What an agent's credential bounds: accounts, sources, names; and that nobody touches another's session or runs."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from conductor_proto.v1 import agent_service_pb2 as pb
from conductor_proto.v1 import control_service_pb2 as control
from conductor_proto.v1 import run_pb2
from tests.rpc.playing import Played, answer, completion, ended_with, verdicts
from tests.support.server import Served, seen, serving

DENIED = grpc.StatusCode.PERMISSION_DENIED


@pytest.fixture
async def served(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sqlite_template, home / "conductor.db")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    load = {"name": "load", "matrix": "account"}
    async with serving(home, load, {"name": "nobodys"}, accounts=["acme", "bolt", "core"]) as served:
        await seen(served.runs, lambda runs: len(runs) == 4)
        yield served


async def agent(served: Served, name: str, **bounds: Any) -> Played:
    request = control.CreateTokenRequest(name=f"for-{name}", role=control.ROLE_AGENT, **bounds)
    return Played(served.with_token((await served.ask("CreateToken", request)).text), name)


async def test_a_claim_is_within_the_accounts(served: Served) -> None:
    """Beside one without bounds, which gets the rest: no run twice, and none that it may not have."""
    bound, free = await agent(served, "bound", accounts=["acme", "core"]), await agent(served, "free")
    await bound.register()
    claims = bound.open("ClaimRun")
    await bound.state(claims, 5)
    runs = await bound.take(claims, 2)
    assert {run.member.account for run in runs} == {"acme", "core"}
    await free.register()
    assert {run.member.account for run in await free.claim(2)} == {"bolt", ""}
    assert all(run.status != run_pb2.RUN_STATUS_WAITING for run in await served.runs())
    claims.cancel()


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        pytest.param({"agents": ["two"]}, "may not register agent one, but two", id="name"),
        pytest.param({"sources": ["cron"]}, "may not serve shell, but cron", id="source"),
    ],
)
async def test_a_registration_is_within_names_and_sources(
    served: Served, bounds: dict[str, Any], said: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=said) as refused:
        await (await agent(served, "one", **bounds)).register()
    assert refused.value.code() is DENIED

    async def denials() -> Any:
        return (await served.ask("ListEvents", control.ListEventsRequest(kind="access"))).events

    [event] = await seen(denials)  # the answer does not wait for it
    assert (event.actor, event.subject) == ("for-one", "Register")
    assert said in event.message


async def test_a_name_stays_with_its_credential(served: Served) -> None:
    one = await agent(served, "one")
    await one.register()
    thief = await agent(served, "thief")
    thief.name = "one"
    with pytest.raises(grpc.aio.AioRpcError, match="registered with another credential before"):
        await thief.register(take_over=True, instance="another")
    heir = await agent(served, "heir", agents=["one"])
    heir.name = "one"
    await heir.register(take_over=True, instance="another")


async def test_a_session_is_its_credentials_own(served: Served) -> None:
    one, thief = await agent(served, "one"), await agent(served, "thief")
    await one.register()
    await thief.register()
    [run] = await one.claim(1)
    lease = run.lease
    for method, message in {
        "ClaimRun": pb.ClaimRunRequest(session=one.session),
        "Heartbeat": pb.HeartbeatRequest(session=one.session),
        "Complete": pb.CompleteRequest(session=one.session, completions=[completion(lease)]),
        "PushLogs": pb.PushLogsRequest(session=one.session, lease=lease, stream="stdout", data=b"x"),
    }.items():
        stream = thief.open(method)
        await stream.write(message)
        assert await ended_with(stream) is DENIED, method
    assert (await served.run(lease.run_id)).status == run_pb2.RUN_STATUS_RUNNING


async def test_nobody_touches_the_run_of_another(served: Served) -> None:
    """With its id and epoch, in a session of one's own: nothing changes, nothing is kept, and nothing is told."""
    one, thief = await agent(served, "one"), await agent(served, "thief")
    await one.register()
    await thief.register()
    [run] = await one.claim(1)
    lease = run.lease

    beats = thief.open("Heartbeat")
    await beats.write(
        pb.HeartbeatRequest(session=thief.session, runs=[pb.RunBeat(lease=lease, checkpoint=b"x")])
    )
    judged = await answer(beats)
    assert verdicts(judged) == {lease.run_id: "LEASE_LOST"}
    assert "one" not in judged.verdicts[0].reason

    ack = (await thief.complete(completion(lease, "forged")))["forged"]
    assert ack.disposition == pb.DISPOSITION_FENCED
    assert ack.status == run_pb2.RUN_STATUS_UNSPECIFIED

    logs = thief.open("PushLogs")
    await logs.write(
        pb.PushLogsRequest(session=thief.session, lease=lease, stream="stdout", data=b"forged", eof=True)
    )
    assert (await answer(logs)).closed

    after = await served.run(lease.run_id)
    assert (after.status, after.agent, list(after.late_reports)) == (run_pb2.RUN_STATUS_RUNNING, "one", [])
    own = one.open("PushLogs")
    await own.write(pb.PushLogsRequest(session=one.session, lease=lease, stream="stdout", data=b"mine"))
    assert (await answer(own)).next_offset == 4
