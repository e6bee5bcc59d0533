"""AgentService as an agent meets it: a real server, both databases, and an agent played message by message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from shutil import copyfile
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from conductor_proto.v1 import agent_service_pb2 as pb
from conductor_proto.v1 import control_service_pb2 as control
from conductor_proto.v1 import run_pb2
from conductor_server.rpc.agent_convert import RESULT_BYTES_MAX
from tests.postgres import fresh_database
from tests.rpc.playing import Played, answer, completion, ended_with, verdicts, word
from tests.support.server import PATIENCE_S, Served, seen, serving

Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture(params=["sqlite", "postgresql"])
def serve(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts a server on an empty database of the present schema."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    if request.param == "sqlite":
        copyfile(request.getfixturevalue("sqlite_template"), home / "conductor.db")
        yield lambda *definitions, **settings: serving(home, *definitions, **settings)
    else:
        server, template = (request.getfixturevalue(name) for name in ("postgres_url", "postgres_template"))
        with fresh_database(server, template=template) as url:
            yield lambda *definitions, **settings: serving(
                home, *definitions, CONDUCTOR_DATABASE=url, **settings
            )


ACCOUNTS = [f"a{n}" for n in range(1, 9)]


@pytest.fixture
async def served(serve: Serve) -> AsyncIterator[Served]:
    """A server with eight runs of ``load`` that are ready, one an account."""
    async with serve({"name": "load", "matrix": "account"}, accounts=ACCOUNTS) as served:
        await seen(served.runs, lambda runs: len(runs) == len(ACCOUNTS))
        yield served


@pytest.fixture
async def agent(served: Served) -> Played:
    agent = Played(served)
    await agent.register()
    return agent


def code(refused: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> grpc.StatusCode:
    found: grpc.StatusCode = refused.value.code()
    return found


def disposition(ack: pb.CompletionAck) -> tuple[str, str]:
    return word(pb.Disposition, ack.disposition), word(run_pb2.RunStatus, ack.status)


# ------------------------------------------------------------------------------------------------ register


async def test_a_session_begins_with_what_the_agent_needs_to_know(served: Served) -> None:
    agent = Played(served)
    first = await agent.register()
    assert (first.protocol, first.heartbeat_interval.ToTimedelta().total_seconds()) == (1, 0.3)
    assert first.lease_timeout.ToTimedelta().total_seconds() == 600
    second = await agent.register()
    assert second.session > first.session


@pytest.mark.parametrize(
    ("said", "expected", "sentence"),
    [
        pytest.param(
            {"capacities": [pb.SourceCapacity(source="fortran", runs=1)]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "there is no source 'fortran': known are cron, ",
            id="unknown-source",
        ),
        pytest.param(
            {"protocol_min": 2, "protocol_max": 3},
            grpc.StatusCode.FAILED_PRECONDITION,
            "agent one speaks protocols 2 to 3, this server speaks 1: upgrade the older of the two",
            id="newer-protocol",
        ),
        pytest.param({"agent": ""}, grpc.StatusCode.INVALID_ARGUMENT, "needs a name", id="no-name"),
        pytest.param(
            {"agent": "o\x00ne"}, grpc.StatusCode.INVALID_ARGUMENT, "control characters", id="nul-in-name"
        ),
        pytest.param(
            {"capacities": [pb.SourceCapacity(source="shell", runs=0)]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "0 runs at once",
            id="no-capacity",
        ),
    ],
)
async def test_a_registration_that_cannot_be(
    served: Served, said: dict[str, Any], expected: grpc.StatusCode, sentence: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await Played(served).register(**said)
    assert code(refused) is expected
    assert sentence in refused.value.details()


async def test_one_live_process_a_name(served: Served) -> None:
    await Played(served).register(instance="first")
    other = Played(served)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await other.register(instance="second")
    assert code(refused) is grpc.StatusCode.ALREADY_EXISTS
    assert "an agent named 'one' is alive on here" in refused.value.details()
    await other.register(instance="second", take_over=True)


async def test_a_restarted_agent_is_told_of_every_run_that_it_holds(served: Served, agent: Played) -> None:
    [kept, lost] = await agent.claim(2)
    unknown = run_pb2.Lease(run_id=10**9, epoch=1)
    stale = run_pb2.Lease(run_id=kept.lease.run_id, epoch=kept.lease.epoch + 1)
    answered = await agent.register(instance="second", held=[kept.lease, unknown, stale], take_over=True)

    told = [(each.lease.run_id, word(pb.Verdict, each.verdict)) for each in answered.verdicts]
    assert told == [(kept.lease.run_id, "CONTINUE"), (10**9, "FORGET"), (kept.lease.run_id, "LEASE_LOST")]
    assert (await served.run(lost.lease.run_id)).status == run_pb2.RUN_STATUS_RELEASED
    assert (await served.run(kept.lease.run_id)).status == run_pb2.RUN_STATUS_RUNNING


# ------------------------------------------------------------------------------------------------ claims


async def test_a_claimed_run_is_complete(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    assert (run.definition, run.source, run.attempt) == ("load", "shell", 1)
    assert run.slot == f"load@{run.member.token}/once"
    assert run.member.matrix == "account"
    assert run.member.account == run.member.token
    assert dict(run.spec)["argv"] == ["true"]
    stored = await served.run(run.lease.run_id)
    assert (stored.status, stored.agent, stored.epoch) == (
        run_pb2.RUN_STATUS_RUNNING,
        "one",
        run.lease.epoch,
    )


async def test_a_run_is_pushed_as_soon_as_there_is_one(serve: Serve) -> None:
    async with serve() as served:
        agent = Played(served)
        await agent.register()
        claims = agent.open("ClaimRun")
        await agent.state(claims, 2)
        served.declare({"name": "late"})
        [run] = await agent.take(claims)
        assert run.slot == "late/once"


async def test_a_statement_that_crosses_a_push_is_no_more_room(served: Served, agent: Played) -> None:
    claims = agent.open("ClaimRun")
    await agent.state(claims, 3, received=0)
    await agent.take(claims, 3)
    for _ in range(5):  # said before the push arrived: it still counts no run as received
        await agent.state(claims, 3, received=0)
    await agent.state(claims, 1, received=3)
    await agent.take(claims, 1)

    running = await served.runs(statuses=[run_pb2.RUN_STATUS_RUNNING])
    assert len(running) == 4


async def test_the_newest_statement_wins(served: Served, agent: Played) -> None:
    claims = agent.open("ClaimRun")
    await agent.state(claims, 1)
    await agent.take(claims, 1)
    await agent.state(claims, 0)
    await agent.state(claims, 2)
    await agent.take(claims, 2)
    assert len(await served.runs(statuses=[run_pb2.RUN_STATUS_RUNNING])) == 3


async def test_two_agents_share(served: Served) -> None:
    agents = [Played(served, "one"), Played(served, "two")]
    for agent in agents:
        await agent.register()
    streams = [agent.open("ClaimRun") for agent in agents]
    for agent, claims in zip(agents, streams, strict=True):
        await agent.state(claims, 4)
    taken = [
        run.lease.run_id
        for agent, claims in zip(agents, streams, strict=True)
        for run in await agent.take(claims, 4)
    ]
    assert len(set(taken)) == 8


async def test_an_agent_claims_of_its_own_sources_only(serve: Serve) -> None:
    async with serve({"name": "load"}, {"name": "train", "source": "manual"}) as served:
        agent = Played(served)
        await agent.register()
        claims = agent.open("ClaimRun")
        await agent.state(claims, 5, source="manual")  # which it has not registered
        await agent.state(claims, 5)
        [run] = await agent.take(claims)
        assert run.slot == "load/once"


async def test_more_than_one_push_can_hold(serve: Serve) -> None:
    accounts = [f"a{n}" for n in range(250)]
    async with serve({"name": "load", "matrix": "account"}, accounts=accounts) as served:
        agent = Played(served, sources={"shell": 250})
        await agent.register()
        claims = agent.open("ClaimRun")
        await agent.state(claims, 250)
        runs = await agent.take(claims, 250)
        assert len({run.slot for run in runs}) == 250


async def test_a_superseded_session_is_told_so_on_every_stream(served: Served, agent: Played) -> None:
    streams = {name: agent.open(name) for name in ("ClaimRun", "Heartbeat", "Complete", "PushLogs")}
    [run] = await agent.claim(1)
    await agent.state(streams["ClaimRun"], 0)
    await agent.beat(streams["Heartbeat"])
    old = agent.session
    await agent.register(instance="second", take_over=True)

    await streams["Heartbeat"].write(pb.HeartbeatRequest(session=old))
    await streams["Complete"].write(pb.CompleteRequest(session=old, completions=[completion(run.lease)]))
    await streams["PushLogs"].write(pb.PushLogsRequest(session=old, lease=run.lease, stream="stdout"))

    assert {name: await ended_with(stream) for name, stream in streams.items()} == dict.fromkeys(
        streams, grpc.StatusCode.ABORTED
    )


async def test_a_claim_stream_of_an_old_session_is_refused(served: Served, agent: Played) -> None:
    old = agent.session
    await agent.register()
    claims = agent.open("ClaimRun")
    await claims.write(pb.ClaimRunRequest(session=old, free=[pb.SourceCapacity(source="shell", runs=5)]))
    assert await ended_with(claims) is grpc.StatusCode.ABORTED


async def test_a_stream_that_has_ended_is_given_nothing(served: Served) -> None:
    gone, here = Played(served, "gone"), Played(served, "here", sources={"shell": 8})
    for agent in (gone, here):
        await agent.register()
    closed, cut = gone.open("ClaimRun"), gone.open("ClaimRun")
    for claims in (closed, cut):
        await gone.state(claims, 1)
        await gone.take(claims, 1)
        await gone.state(claims, 0)
    await closed.done_writing()
    assert await ended_with(closed) is grpc.StatusCode.OK
    cut.cancel()

    claims = here.open("ClaimRun")
    await here.state(claims, 6)
    await here.take(claims, 6)
    assert {run.agent for run in await served.runs(statuses=[run_pb2.RUN_STATUS_RUNNING])} == {"gone", "here"}


async def test_a_push_into_a_dead_stream_loses_nothing(served: Served, agent: Played) -> None:
    """Whatever was under way when the stream was cut comes to somebody: by heartbeats, or by registering anew."""
    for _ in range(5):
        claims = agent.open("ClaimRun")
        await agent.state(claims, 5, received=0)
        claims.cancel()
    beats = agent.open("Heartbeat")

    async def free() -> list[control.Run]:
        await agent.beat(beats, [])
        return await served.runs(statuses=[run_pb2.RUN_STATUS_RUNNING])

    await seen(free, lambda running: not running)
    other = Played(served, "other", sources={"shell": 8})
    await other.register()
    claims = other.open("ClaimRun")
    await other.state(claims, 8)
    runs = await other.take(claims, 8)
    assert len({run.slot for run in runs}) == 8


# ------------------------------------------------------------------------------------------------ heartbeats


async def test_a_run_that_never_arrived_is_released_after_two_intervals(
    served: Served, agent: Played
) -> None:
    [held, lost] = await agent.claim(2)
    beats = agent.open("Heartbeat")
    assert await agent.beat(beats, [pb.RunBeat(lease=held.lease)]) == {}

    async def look() -> control.Run:
        await agent.beat(beats, [pb.RunBeat(lease=held.lease)])
        return await served.run(lost.lease.run_id)

    released = await seen(look, lambda run: run.status != run_pb2.RUN_STATUS_RUNNING)
    assert released.status == run_pb2.RUN_STATUS_RELEASED
    assert released.error == "agent one never received it, or does not know it"
    ended, claimed = released.ended_at.ToDatetime(), released.running_at.ToDatetime()
    assert (ended - claimed).total_seconds() >= 0.6
    assert (await served.run(held.lease.run_id)).status == run_pb2.RUN_STATUS_RUNNING
    again = await seen(lambda: served.runs(slot=lost.slot), lambda runs: len(runs) == 2)
    assert again[0].status == run_pb2.RUN_STATUS_WAITING, "uncharged, and given to somebody"


async def test_progress_and_checkpoint_are_kept(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    beats = agent.open("Heartbeat")
    told = run_pb2.Progress(fraction=0.5, message="half \x00 of it")
    beat = pb.RunBeat(lease=run.lease, progress=told, checkpoint=b"page 7")
    assert await agent.beat(beats, [beat]) == {}
    progress = (await served.run(run.lease.run_id)).progress
    assert (progress.fraction, progress.message) == (0.5, "half \ufffd of it")

    await agent.complete(completion(run.lease, outcome=run_pb2.OUTCOME_FAILED, error="no"))
    agent.held.clear()
    runs = await agent.claim(8)
    assert [each.checkpoint for each in runs if each.slot == run.slot] == [b"page 7"]


async def test_progress_that_is_no_number_does_not_hurt(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    beats = agent.open("Heartbeat")
    for fraction in (float("nan"), float("inf")):
        told = run_pb2.Progress(fraction=fraction, message="lost count")
        assert await agent.beat(beats, [pb.RunBeat(lease=run.lease, progress=told)]) == {}
    progress = (await served.run(run.lease.run_id)).progress
    assert (progress.HasField("fraction"), progress.message) == (False, "lost count")


async def test_verdicts_of_a_heartbeat(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    beats = agent.open("Heartbeat")
    other = run_pb2.Lease(run_id=run.lease.run_id, epoch=run.lease.epoch + 7)
    gone = run_pb2.Lease(run_id=10**9, epoch=1)
    held = [pb.RunBeat(lease=lease) for lease in (run.lease, other, gone)]
    assert await agent.beat(beats, held) == {run.lease.run_id: "LEASE_LOST", 10**9: "FORGET"}


async def test_a_run_is_forgotten_when_its_definition_is_removed(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    beats = agent.open("Heartbeat")
    served.declare({"name": "other"}, accounts=ACCOUNTS)
    # the only one of its source: more than a fifth at once
    await seen(served.status, lambda status: bool(status.problems))
    await served.ask(
        "ConfirmRemoval", control.ConfirmRemovalRequest(source_token="definitions of files", count=1)
    )

    told = await seen(lambda: agent.beat(beats))
    assert told == {run.lease.run_id: "FORGET"}
    acks = await agent.complete(completion(run.lease, "late"))
    assert disposition(acks["late"]) == ("REMOVED", "UNSPECIFIED")
    assert await agent.beat(beats, []) == {}, "the stream goes on"


async def test_a_cancellation_is_pushed_unasked(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    beats = agent.open("Heartbeat")
    assert await agent.beat(beats) == {}

    await served.ask("CancelRun", control.CancelRunRequest(id=run.lease.run_id))
    assert verdicts(await answer(beats)) == {run.lease.run_id: "CANCEL"}
    assert await agent.beat(beats) == {run.lease.run_id: "CANCEL"}, "and repeated until it is done"

    acks = await agent.complete(completion(run.lease, "c", outcome=run_pb2.OUTCOME_CANCELLED))
    assert disposition(acks["c"]) == ("APPLIED", "CANCELLED")


# ------------------------------------------------------------------------------------------------ reports


async def test_a_report_is_recorded_once(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    said = completion(run.lease, "c", exit_code=0)
    said.result.update({"rows": 12})
    reports = agent.open("Complete")
    first = (await agent.report(reports, said))["c"]
    again = (await agent.report(reports, said))["c"]
    other = (await agent.report(reports, completion(run.lease, "d", outcome=run_pb2.OUTCOME_FAILED)))["d"]

    assert disposition(first) == ("APPLIED", "SUCCESS")
    assert disposition(again) == ("DUPLICATE", "SUCCESS")
    assert disposition(other) == ("LATE", "SUCCESS")
    assert other.reason == f"run {run.lease.run_id} was already success"
    stored = await served.run(run.lease.run_id)
    assert (stored.status, dict(stored.result)) == (run_pb2.RUN_STATUS_SUCCESS, {"rows": 12})
    assert len(stored.late_reports) == 1


async def test_the_same_report_twice_in_one_message(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    reports = agent.open("Complete")
    said = completion(run.lease, "c")
    await reports.write(pb.CompleteRequest(session=agent.session, completions=[said, said]))
    acks = (await answer(reports)).acks
    assert [disposition(ack)[0] for ack in acks] == ["APPLIED", "DUPLICATE"]


async def test_a_report_under_another_epoch_is_fenced(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    wrong = run_pb2.Lease(run_id=run.lease.run_id, epoch=run.lease.epoch - 1)
    acks = await agent.complete(completion(wrong, "c"))
    assert disposition(acks["c"]) == ("FENCED", "RUNNING")


async def test_a_report_of_a_run_given_up_is_late(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    await agent.register(instance="second", held=[], take_over=True)  # it has lost its journal
    acks = await agent.complete(completion(run.lease, "c"))
    assert disposition(acks["c"]) == ("LATE", "RELEASED")


async def test_what_cannot_be_recorded_is_refused_and_the_stream_goes_on(
    served: Served, agent: Played
) -> None:
    runs = await agent.claim(4)
    large, strange, anonymous, good = (completion(run.lease) for run in runs)
    large.result.update({"text": "x" * (RESULT_BYTES_MAX + 1)})
    strange.outcome = 77  # type: ignore[assignment]
    anonymous.completion_id = ""
    reports = agent.open("Complete")
    acks = await agent.report(reports, large, strange, anonymous, good)

    refused = [
        word(pb.Disposition, acks[each.completion_id].disposition) for each in (large, strange, anonymous)
    ]
    assert refused == ["REFUSED"] * 3
    assert "is over the limit of" in acks[large.completion_id].reason
    for run in runs[:3]:
        stored = await served.run(run.lease.run_id)
        assert word(run_pb2.RunStatus, stored.status) == "FAILED", (
            "released, it would be executed again for ever"
        )
        assert stored.error.startswith("the agent's report was refused: ")
    assert disposition(acks[good.completion_id]) == ("APPLIED", "SUCCESS")
    [run] = await agent.claim(1)
    after = await agent.report(reports, completion(run.lease, "after"))
    assert disposition(after["after"]) == ("APPLIED", "SUCCESS")


async def test_odd_but_honest_reports_are_recorded(served: Served, agent: Played) -> None:
    """A model's loss may be NaN, and output may hold any character: no report may end the stream that carries it."""
    [run, other] = await agent.claim(2)
    said = completion(run.lease, "c", error="bad \x00 byte")
    said.result.update({"loss": float("nan"), "best": [float("-inf")], "te\x00xt": "nul \x00 here"})
    acks = await agent.complete(said, completion(other.lease, "id with \x00"))

    assert disposition(acks["c"]) == ("APPLIED", "SUCCESS")
    assert word(pb.Disposition, acks["id with \x00"].disposition) == "REFUSED"
    stored = await served.run(run.lease.run_id)
    assert dict(stored.result) == {"loss": "nan", "best": ["-inf"], "te\ufffdxt": "nul \ufffd here"}
    assert stored.error == "bad \ufffd byte"


async def test_many_large_reports_in_one_message(served: Served, agent: Played) -> None:
    """As many as an agent sends at once, each as large as it may be."""
    [run] = await agent.claim(1)
    reports = [completion(run.lease, f"c{n}") for n in range(64)]
    for report in reports:
        report.result.update({"text": "x" * (RESULT_BYTES_MAX - 100)})
    acks = await agent.complete(*reports)
    kinds = [disposition(ack)[0] for ack in acks.values()]
    assert (kinds.count("APPLIED"), kinds.count("LATE")) == (1, 63)


async def test_reports_of_many_messages_are_all_answered(served: Served, agent: Played) -> None:
    runs = await agent.claim(8)
    reports = agent.open("Complete")
    for run in runs:
        await reports.write(pb.CompleteRequest(session=agent.session, completions=[completion(run.lease)]))
    await reports.done_writing()
    acks: list[pb.CompletionAck] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in reports:
            acks += message.acks
    assert {disposition(ack) for ack in acks} == {("APPLIED", "SUCCESS")}
    assert len(acks) == 8


# ------------------------------------------------------------------------------------------------ output


async def test_output_is_kept_by_offset(served: Served, agent: Played) -> None:
    [run] = await agent.claim(1)
    pushing = agent.open("PushLogs")

    async def push(offset: int, data: bytes, lease: run_pb2.Lease = run.lease) -> tuple[int, bool]:
        await pushing.write(
            pb.PushLogsRequest(session=agent.session, lease=lease, stream="stdout", offset=offset, data=data)
        )
        said = await answer(pushing)
        return said.next_offset, said.closed

    assert await push(0, b"one\n") == (4, False)
    assert await push(0, b"one\n") == (4, False)
    assert await push(2, b"e\ntwo\n") == (8, False)
    assert await push(99, b"far") == (8, False)
    assert await push(0, b"x", run_pb2.Lease(run_id=10**9, epoch=1)) == (0, True)
    await pushing.done_writing()
    assert await ended_with(pushing) is grpc.StatusCode.OK

    wrong = agent.open("PushLogs")
    await wrong.write(pb.PushLogsRequest(session=agent.session, lease=run.lease, stream="stdin"))
    assert await ended_with(wrong) is grpc.StatusCode.INVALID_ARGUMENT


# ------------------------------------------------------------------------------------------------ clocks


def clock(ahead_s: float) -> Timestamp:
    shown = Timestamp()
    shown.FromNanoseconds(time.time_ns() + int(ahead_s * 1e9))
    return shown


async def skew(served: Served) -> float | None:
    """As people are told."""
    [agent] = (await served.ask("ListAgents", control.ListAgentsRequest())).agents
    return agent.clock_skew.ToTimedelta().total_seconds() if agent.HasField("clock_skew") else None


async def test_people_are_told_how_far_an_agents_clock_is_off(served: Served, agent: Played) -> None:
    assert await skew(served) is None, "one that does not tell"

    await agent.register(clock=clock(3600))
    assert await skew(served) == pytest.approx(3600, abs=PATIENCE_S)

    beats = agent.open("Heartbeat")
    await beats.write(pb.HeartbeatRequest(session=agent.session, clock=clock(-7200)))
    await answer(beats)
    assert await skew(served) == pytest.approx(-7200, abs=PATIENCE_S)


async def test_a_clock_that_no_calendar_has_is_none(served: Served, agent: Played) -> None:
    await agent.register(clock=Timestamp(seconds=2**62))
    assert await skew(served) is None
