"""Runs through a real server, a real agent and real commands."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from conductor_agent.agent import Agent
from conductor_agent.allowlist import AllowList
from conductor_agent.journal import Journal
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartAgent, living_agent
from tests.agent.runs import a_run, claimed, python
from tests.agent.server import SmallServer, serving

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('up', child.pid, flush=True)\n"
    "time.sleep(600)\n"
)


async def until_idle(agent: Agent) -> None:
    async with asyncio.timeout(30):
        while not agent.idle:
            await agent.activity.wait()
            agent.activity.clear()


async def until_empty(folder: Path) -> None:
    """What is removed from the journal goes behind the agent's back."""
    async with asyncio.timeout(30):
        while os.listdir(folder):  # noqa: ASYNC110 - files set no event
            await asyncio.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether a process is no more, but for an entry that its parent has not read yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


async def test_a_run_is_executed_and_reported(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    agent = await start_agent("shell")
    run_id = await server.give(claimed("shell", {"argv": ["echo", "hello"]}))

    report = await server.report_of(run_id)

    assert (report.outcome, report.exit_code, report.error) == (run_pb2.OUTCOME_SUCCEEDED, 0, "")
    assert await server.log_of(run_id, "stdout", "hello") == "hello\n"
    await until_idle(agent)
    await until_empty(tmp_path / "state" / "runs")


@pytest.mark.parametrize(
    ("spec", "exit_code", "error"),
    [
        pytest.param(
            python("import sys; sys.exit('no such table')"), 1, "exit code 1\nno such table", id="exit-code"
        ),
        pytest.param(python("import os; os.kill(os.getpid(), 11)"), 139, "killed by SIGSEGV", id="signal"),
        pytest.param(
            {"argv": ["no-such-program"]}, None, "there is no program 'no-such-program'", id="no-program"
        ),
        pytest.param({"argv": ["cd", "/"]}, None, "there is no program 'cd'", id="no-builtins"),
        pytest.param({}, None, "the shell spec needs an argv with a program, or a script", id="empty"),
        pytest.param(
            {"argv": ["echo", "${slotty}"]}, None, "there is no placeholder ${slotty}", id="placeholder"
        ),
        pytest.param(
            {"argv": ["echo", "${env:NOT_SET_HERE}"]},
            None,
            "the agent's environment has no variable NOT_SET_HERE",
            id="environment",
        ),
        pytest.param(
            {"argv": ["echo"], "working_folder": "nowhere"}, None, "there is no folder", id="folder"
        ),
        pytest.param({"argv": ["echo", "a\0b"]}, None, "needs a text without NUL", id="nul"),
    ],
)
async def test_failures_say_what_was_wrong(
    server: SmallServer, start_agent: StartAgent, spec: dict[str, object], exit_code: int | None, error: str
) -> None:
    await start_agent("shell")
    report = await server.report_of(await server.give(claimed("shell", spec)))
    assert report.outcome == run_pb2.OUTCOME_FAILED
    assert (report.exit_code if report.HasField("exit_code") else None) == exit_code
    assert error in report.error


async def test_what_is_not_allowed_is_refused_before_the_start(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    await start_agent("shell", allow=AllowList(patterns={"shell": ("*/echo",)}))
    forbidden = await server.give(claimed("shell", {"argv": ["touch", str(tmp_path / "made")]}))
    allowed = await server.give(claimed("shell", {"argv": ["echo"]}))

    report = await server.report_of(forbidden)

    assert report.outcome == run_pb2.OUTCOME_FAILED
    assert "allow-list does not permit shell" in report.error
    assert not (tmp_path / "made").exists()
    assert (await server.report_of(allowed)).outcome == run_pb2.OUTCOME_SUCCEEDED


async def test_a_command_knows_what_it_is_for(server: SmallServer, start_agent: StartAgent) -> None:
    program = (
        "import os\n"
        "for name, value in sorted(os.environ.items()):\n"
        "    if name.startswith('CONDUCTOR_'): print(f'{name}={value}')\n"
        "print('checkpoint:', open(os.environ['CONDUCTOR_CHECKPOINT']).read())\n"
    )
    await start_agent("shell", environment={"CONDUCTOR_TOKEN": "secret"})
    run_id = await server.give(claimed("shell", python(program), checkpoint=b"row 7", attempt=2))

    printed = await server.log_of(run_id, "stdout", "checkpoint:")

    assert "secret" not in printed
    lines = [line for line in printed.splitlines() if "=" in line and not line.startswith("CONDUCTOR_TEST_")]
    known = dict(line.split("=", 1) for line in lines)
    assert Path(known.pop("CONDUCTOR_CHECKPOINT")).name == "checkpoint"
    assert known == {
        "CONDUCTOR_ACCOUNT": "acme",
        "CONDUCTOR_ATTEMPT": "2",
        "CONDUCTOR_DEFINITION": "update_sales",
        "CONDUCTOR_EPOCH": "1",
        "CONDUCTOR_MEMBER": "acme",
        "CONDUCTOR_RUN_ID": str(run_id),
        "CONDUCTOR_SLOT": "update_sales@acme/2026-11-20",
        "CONDUCTOR_TIMEZONE": "Europe/London",
        "CONDUCTOR_WINDOW_END": "2026-11-21T00:00:00Z",
        "CONDUCTOR_WINDOW_LABEL": "2026-11-20",
        "CONDUCTOR_WINDOW_START": "2026-11-20T00:00:00Z",
    }
    assert "checkpoint: row 7" in printed


async def test_a_timeout_kills_the_group_with_its_grandchildren(
    server: SmallServer, start_agent: StartAgent
) -> None:
    await start_agent("shell", grace=0.2)
    run_id = await server.give(claimed("shell", python(STUBBORN), timeout=1.0))
    grandchild = int((await server.log_of(run_id, "stdout", "up")).split()[1])

    report = await server.report_of(run_id)

    assert report.outcome == run_pb2.OUTCOME_TIMED_OUT
    assert report.error == "it ran longer than its timeout of 1 s"
    assert gone(grandchild)
    assert "it did not stop within 0.2 s: killed" in await server.log_of(run_id, "agent", "killed")


async def test_a_cancellation_stops_the_command_at_once(server: SmallServer, start_agent: StartAgent) -> None:
    await start_agent("shell")
    run_id = await server.give(claimed("shell", python(SLEEP)))
    await server.log_of(run_id, "stdout", "up")

    await server.judge(run_id, wire.VERDICT_CANCEL, "an operator said so")

    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_CANCELLED
    assert report.error == "an operator said so"
    assert report.exit_code == 143


async def test_a_forgotten_run_is_stopped_and_not_reported(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    agent = await start_agent("shell")
    run_id = await server.give(
        claimed("shell", python("import os; print(os.getpid(), 'up', flush=True);" + SLEEP))
    )
    pid = int((await server.log_of(run_id, "stdout", "up")).split()[0])

    await server.judge(run_id, wire.VERDICT_FORGET, "its account was removed")

    await until_idle(agent)
    assert gone(pid)
    assert server.reports == []
    await until_empty(tmp_path / "state" / "runs")


async def test_what_was_claimed_and_never_started_is_given_back(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    run = a_run("shell", {"argv": ["touch", str(tmp_path / "made")]})
    killed = Journal(tmp_path / "state")  # an agent that died between its journal and the start
    killed.claim(run)
    killed.close()

    await start_agent("shell")

    report = await server.report_of(run.lease.run_id)
    assert report.outcome == run_pb2.OUTCOME_RELEASED
    assert not (tmp_path / "made").exists()


async def test_no_more_runs_at_once_than_stated(server: SmallServer, start_agent: StartAgent) -> None:
    agent = await start_agent("shell", concurrency=2)
    most = 0
    for _ in range(12):
        await server.give(claimed("shell", {"argv": ["true"]}))

    def all_reported() -> bool:
        nonlocal most
        most = max(most, agent.running)
        return len(server.reports_by_run()) == 12

    await server.until(all_reported)
    assert most <= 2
    assert set(server.reports_by_run().values()) == {1}


async def test_a_report_is_repeated_until_it_is_answered(tmp_path: Path) -> None:
    server = SmallServer()
    server.answer_reports = False
    async with serving(server) as port:
        async with living_agent(("shell",), state=tmp_path / "state", root=tmp_path, port=port) as agent:
            run_id = await server.give(claimed("shell", {"argv": ["true"]}))
            first = await server.report_of(run_id)
            assert not agent.idle
        server.answer_reports = True
        server.disposition = wire.DISPOSITION_FENCED
        async with living_agent(("shell",), state=tmp_path / "state", root=tmp_path, port=port) as agent:
            await server.until(lambda: len(server.reports) == 2)
            await until_idle(agent)
    assert server.registrations[1].held[0].run_id == run_id
    assert server.registrations[1].take_over
    assert server.reports[1].completion_id == first.completion_id


async def test_a_lost_server_stops_nothing(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    program = f"print('up', flush=True); print(open({str(gate)!r}).read())"
    server = SmallServer()
    async with AsyncExitStack() as stack:
        async with serving(server) as port:
            agent = await stack.enter_async_context(
                living_agent(("shell",), state=tmp_path / "state", root=tmp_path, port=port)
            )
            run_id = await server.give(claimed("shell", python(program)))
            await server.log_of(run_id, "stdout", "up")

        gate.write_text("went on")  # while there is no server
        while agent.running:
            await agent.activity.wait()
            agent.activity.clear()

        async with serving(server, port):
            report = await server.report_of(run_id)
            assert report.outcome == run_pb2.OUTCOME_SUCCEEDED
            assert await server.log_of(run_id, "stdout", "went on") == "up\nwent on\n"
    assert [len(registration.held) for registration in server.registrations] == [0, 1]


async def test_output_is_pushed_whole_and_in_order(server: SmallServer, start_agent: StartAgent) -> None:
    agent = await start_agent("shell")
    program = "import sys; [sys.stdout.write(f'{n:015}\\n') for n in range(60_000)]"
    run_id = await server.give(claimed("shell", python(program)))
    await server.report_of(run_id)
    await until_idle(agent)
    assert server.logs[run_id, "stdout"] == b"".join(b"%015d\n" % number for number in range(60_000))


async def test_output_stops_where_the_server_closes_it(server: SmallServer, start_agent: StartAgent) -> None:
    agent = await start_agent("shell")
    run = claimed("shell", python("print('x' * 1_000_000)"))
    server.closed_logs.add((run.lease.run_id, "stdout"))
    await server.report_of(await server.give(run))
    await until_idle(agent)
    assert len(server.logs[run.lease.run_id, "stdout"]) <= 256 * 1024
