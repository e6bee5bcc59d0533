"""Who is bounded by accounts: of all else nothing is shown, nothing is changed, and nothing is known to exist."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub
from conductor_server.rpc import authorization
from conductor_server.store.sight import ELSEWHERE
from tests.support.server import Served, seen, serving

OTHERS = ("load@bolt/once", "total/once")
"""Slots of another account, and of none."""

BY_SLOT = ("GetSlot", "RerunSlot", "ReleaseSlot", "DiscardSlot", "SucceedSlot", "FailSlot")
BY_RUN = ("GetRun", "CancelRun", "ReadRunLogs")


@pytest.fixture
async def served(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """``load`` waits for an agent, once for each account; ``total`` waits for both, and ``publish`` for it."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sqlite_template, home / "conductor.db")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    load = {"name": "load", "matrix": "account", "writes_to": ["loads"]}
    total = {"name": "total", "reads_from": ["loads"], "writes_to": ["totals"]}
    publish = {"name": "publish", "matrix": "account", "reads_from": ["totals"]}
    async with serving(home, load, total, publish, accounts=["acme", "bolt"]) as served:
        await seen(served.runs, lambda runs: len(runs) == 2)
        yield served


async def bounded(served: Served, role: str = "operator") -> Served:
    request = pb.CreateTokenRequest(
        name=f"acmes-{role}", role=pb.Role.Value(f"ROLE_{role.upper()}"), accounts=["acme"]
    )
    return served.with_token((await served.ask("CreateToken", request)).text)


async def refusal(served: Served, method: str, request: Any) -> tuple[grpc.StatusCode, str]:
    """How a call that must not be answered ends."""
    asked = read_all(served, request) if method == "ReadRunLogs" else served.ask(method, request)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asked
    return refused.value.code(), refused.value.details() or ""


async def read_all(served: Served, request: pb.ReadRunLogsRequest) -> list[Any]:
    call = ControlServiceStub(served.channel).ReadRunLogs(request, metadata=served.metadata)  # type: ignore[no-untyped-call]
    return [piece async for piece in call]


LISTS: dict[str, Any] = {
    "GetStatus": pb.GetStatusRequest(),
    "GetGraph": pb.GetGraphRequest(),
    "ListDefinitions": pb.ListDefinitionsRequest(),
    "GetDefinition": pb.GetDefinitionRequest(name="load"),
    "ListAccounts": pb.ListAccountsRequest(),
    "ListSlots": pb.ListSlotsRequest(include_not_due=True),
    "SummarizeSlots": pb.SummarizeSlotsRequest(),
    "ListRuns": pb.ListRunsRequest(),
}


def test_every_method_that_a_bounded_caller_may_call_is_tried_here() -> None:
    methods = {name.rpartition("/")[2] for name in authorization.WITHIN_ACCOUNTS}
    assert methods == {*LISTS, *BY_SLOT, *BY_RUN, "SetMaintenance"}
    assert authorization.ACCESS.keys() >= authorization.WITHIN_ACCOUNTS


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_nothing_of_another_account_is_shown(served: Served, role: str) -> None:
    acme = await bounded(served, role)
    for method, request in LISTS.items():
        assert "bolt" not in json_format.MessageToJson(await acme.ask(method, request)), method
    assert [slot.name for slot in (await acme.ask("ListSlots", LISTS["ListSlots"])).slots] == [
        "load@acme/once",
        "publish@acme/once",
    ]
    assert [run.slot for run in await acme.runs()] == ["load@acme/once"]
    assert [each.token for each in (await acme.ask("ListAccounts", LISTS["ListAccounts"])).accounts] == [
        "acme"
    ]
    status = await acme.status()
    assert (status.accounts, sum(each.count for each in status.slots)) == (1, 2)
    summary = await acme.ask("SummarizeSlots", LISTS["SummarizeSlots"])
    assert sum(each.count for each in summary.states) == 2
    graph = await acme.ask("GetGraph", LISTS["GetGraph"])
    assert {each.name: sum(n.count for n in each.slots) for each in graph.definitions} == {
        "load": 1,
        "publish": 1,
        "total": 0,
    }


async def test_what_one_waits_for_elsewhere_has_no_name(served: Served) -> None:
    answer = await (await bounded(served)).ask("GetSlot", pb.GetSlotRequest(name="publish@acme/once"))

    assert not answer.parents
    assert "bolt" not in json_format.MessageToJson(answer)
    causes = {reason.slot: tuple(reason.chain) for reason in answer.reasons}
    assert causes == {"load@acme/once": (ELSEWHERE,), ELSEWHERE: (ELSEWHERE,)}


async def test_others_slots_are_not_known_to_exist(served: Served) -> None:
    acme = await bounded(served)
    keys = {slot.name: str(slot.id) for slot in (await served.ask("ListSlots", LISTS["ListSlots"])).slots}
    for method in BY_SLOT:
        kind = getattr(pb, f"{method}Request")
        said = {"reason": "because"} if "reason" in kind.DESCRIPTOR.fields_by_name else {}
        for name in (*OTHERS, *(keys[name] for name in OTHERS)):
            missing = "no@such/once" if "/" in name else "99999"
            code, words = await refusal(acme, method, kind(name=name, **said))
            assert (code, words.replace(name, missing)) == await refusal(
                acme, method, kind(name=missing, **said)
            ), method
            assert code is grpc.StatusCode.NOT_FOUND


async def test_others_runs_are_not_known_to_exist(served: Served) -> None:
    acme = await bounded(served)
    [run] = [run.id for run in await served.runs() if run.slot == "load@bolt/once"]
    for method in BY_RUN:
        field = "run_id" if method == "ReadRunLogs" else "id"
        code, words = await refusal(acme, method, getattr(pb, f"{method}Request")(**{field: run}))
        assert (code, words) == (
            grpc.StatusCode.NOT_FOUND,
            f"there is no run {run}: see conductor-cli runs list",
        )
    assert not (await served.run(run)).HasField("cancel_requested_at")


@pytest.mark.parametrize(
    ("method", "request_of"),
    [
        pytest.param(
            "SetMaintenance", lambda token: pb.SetMaintenanceRequest(account=token), id="maintenance"
        ),
        pytest.param("ListSlots", lambda token: pb.ListSlotsRequest(account=token), id="slots"),
        pytest.param("ListRuns", lambda token: pb.ListRunsRequest(account=token), id="runs"),
    ],
)
async def test_other_accounts_are_not_known_to_exist(served: Served, method: str, request_of: Any) -> None:
    acme = await bounded(served)
    answers = [await refusal(acme, method, request_of(token)) for token in ("bolt", "nobody")]
    assert answers[0][0] is grpc.StatusCode.NOT_FOUND
    assert answers[0][1].replace("bolt", "nobody") == answers[1][1]
    await acme.ask(method, request_of("acme"))


async def test_ones_own_work_is_changed_as_ever(served: Served) -> None:
    acme = await bounded(served)
    [run] = await acme.runs()
    await acme.ask("SucceedSlot", pb.SucceedSlotRequest(name="load@acme/once", reason="seen to it"))
    again = await acme.ask("RerunSlot", pb.RerunSlotRequest(name="load@acme/once"))
    assert again.run.id > run.id
    cancelled = await acme.ask("CancelRun", pb.CancelRunRequest(id=again.run.id))
    assert cancelled.run.slot == "load@acme/once"


async def test_what_all_accounts_share_is_refused(served: Served) -> None:
    code, words = await refusal(
        await bounded(served), "SetDefinitionActive", pb.SetDefinitionActiveRequest(name="load", active=False)
    )
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert words == "SetDefinitionActive is about what all accounts share: acmes-operator is for acme only"


@pytest.mark.parametrize("role", ["author", "admin"])
async def test_who_changes_what_all_accounts_share_cannot_be_bounded(served: Served, role: str) -> None:
    request = pb.CreateTokenRequest(name="x", role=pb.Role.Value(f"ROLE_{role.upper()}"), accounts=["acme"])
    code, words = await refusal(served, "CreateToken", request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "only viewers, operators and agents can be bounded by accounts" in words
