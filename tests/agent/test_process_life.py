"""Agents as processes: killed with SIGKILL, started again, stopped with signals, refused."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import grpc
import pytest

from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartProcess
from tests.agent.runs import claimed, python
from tests.agent.server import SmallServer
from tests.agent.test_execution import SLEEP, gone

pytestmark = pytest.mark.e2e

WAIT_FOR_GATE = "import os, sys; print('up', os.getpid(), flush=True); print(open(sys.argv[1]).read())"


async def test_a_killed_agent_adopts_its_running_command(
    server: SmallServer, start_process: StartProcess, gate: Path
) -> None:
    first = await start_process()
    run_id = await server.give(claimed("shell", python(WAIT_FOR_GATE, str(gate))))
    pid = int((await server.log_of(run_id, "stdout", "up")).split()[1])
    first.kill()
    await first.wait()
    assert not gone(pid), "the command survives its agent"

    await start_process()
    await server.until(lambda: len(server.registrations) == 2)
    assert [lease.run_id for lease in server.registrations[1].held] == [run_id]
    assert server.registrations[1].instance != server.registrations[0].instance
    assert server.registrations[1].take_over
    _open(gate, "finished")

    report = await server.report_of(run_id)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_SUCCEEDED, 0)
    assert "finished" in await server.log_of(run_id, "stdout", "finished")
    assert server.reports_by_run() == {run_id: 1}
    assert report.ran_for.ToNanoseconds() > 0


async def test_what_ended_without_an_agent_is_reported_by_the_next_one(
    server: SmallServer, start_process: StartProcess, gate: Path, tmp_path: Path
) -> None:
    first = await start_process()
    run_id = await server.give(claimed("shell", python(WAIT_FOR_GATE + "; sys.exit(3)", str(gate))))
    await server.log_of(run_id, "stdout", "up")
    first.kill()
    await first.wait()
    _open(gate, "finished alone")
    shim = _shim(tmp_path)
    await _until_gone(shim)

    await start_process()

    report = await server.report_of(run_id)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_FAILED, 3)
    await server.log_of(run_id, "stdout", "finished alone")
    assert server.reports_by_run() == {run_id: 1}


async def test_a_process_that_vanished_is_a_failure_that_says_so(
    server: SmallServer, start_process: StartProcess, tmp_path: Path
) -> None:
    first = await start_process()
    run_id = await server.give(claimed("shell", python(SLEEP)))
    await server.log_of(run_id, "stdout", "up")
    first.kill()
    await first.wait()
    shim = _shim(tmp_path)
    os.killpg(shim, signal.SIGKILL)
    await _until_gone(shim)

    await start_process()

    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_FAILED
    assert report.error == "the process vanished without an exit status: was it killed?"


async def test_after_a_restart_of_the_machine_nothing_is_signalled(
    server: SmallServer, start_process: StartProcess, tmp_path: Path, gate: Path
) -> None:
    first = await start_process()
    run_id = await server.give(claimed("shell", python(WAIT_FOR_GATE, str(gate))))
    pid = int((await server.log_of(run_id, "stdout", "up")).split()[1])
    first.kill()
    await first.wait()
    _pretend_another_boot(tmp_path)

    await start_process()

    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_FAILED
    assert report.error == "the process vanished: the machine was restarted while it ran"
    assert not gone(pid)
    _open(gate, "end")


async def test_an_adopted_command_can_be_cancelled(server: SmallServer, start_process: StartProcess) -> None:
    first = await start_process()
    run_id = await server.give(claimed("shell", python(SLEEP)))
    await server.log_of(run_id, "stdout", "up")
    first.kill()
    await first.wait()
    server.verdict = wire.VERDICT_CANCEL  # what Register answers

    await start_process()

    report = await server.report_of(run_id)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_CANCELLED, 143)


async def test_once_runs_what_is_ready_and_exits(server: SmallServer, start_process: StartProcess) -> None:
    run_ids = [await server.give(claimed("shell", {"argv": ["echo", "hello"]})) for _ in range(8)]
    agent = await start_process("--once", "--idle-exit", "0.3")
    assert await agent.wait() == 0
    assert server.reports_by_run() == dict.fromkeys(run_ids, 1)
    assert all(server.logs[run_id, "stdout"] == b"hello\n" for run_id in run_ids)


async def test_finish_waits_for_what_runs(
    server: SmallServer, start_process: StartProcess, gate: Path
) -> None:
    agent = await start_process()
    run_id = await server.give(claimed("shell", python(WAIT_FOR_GATE, str(gate))))
    await server.log_of(run_id, "stdout", "up")
    agent.send_signal(signal.SIGTERM)
    await _said(agent, "stopping")
    _open(gate, "finished")
    assert await agent.wait() == 0
    assert (await server.report_of(run_id)).outcome == run_pb2.OUTCOME_SUCCEEDED


@pytest.mark.parametrize(("mode", "signals"), [("release", 1), ("finish", 2)])
async def test_release_gives_back_what_runs(
    server: SmallServer, start_process: StartProcess, mode: str, signals: int
) -> None:
    agent = await start_process("--on-stop", mode)
    run_id = await server.give(claimed("shell", python(SLEEP)))
    await server.log_of(run_id, "stdout", "up")
    for _ in range(signals):
        agent.send_signal(signal.SIGTERM)
        await _said(agent, "stopping")
    assert await agent.wait() == 0
    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_RELEASED


async def test_leave_lets_the_command_go_on(
    server: SmallServer, start_process: StartProcess, gate: Path
) -> None:
    agent = await start_process("--on-stop", "leave")
    run_id = await server.give(claimed("shell", python(WAIT_FOR_GATE, str(gate))))
    pid = int((await server.log_of(run_id, "stdout", "up")).split()[1])
    agent.send_signal(signal.SIGTERM)
    assert await agent.wait() == 0
    assert not gone(pid)

    await start_process()
    await server.until(lambda: len(server.registrations) == 2)
    _open(gate, "finished")
    assert (await server.report_of(run_id)).outcome == run_pb2.OUTCOME_SUCCEEDED


async def test_a_second_agent_of_the_name_does_not_start(
    server: SmallServer, start_process: StartProcess
) -> None:
    await start_process()
    await server.until(lambda: len(server.registrations) == 1)
    second = await start_process()
    _, told = await second.communicate()
    assert second.returncode == 2
    assert "another agent (pid " in told.decode()


@pytest.mark.parametrize(
    ("options", "environment", "code", "told"),
    [
        pytest.param([], {"CONDUCTOR_TOKEN": "wrong"}, 3, "the token is not known", id="token"),
        pytest.param(["--source", "nonsense"], {}, 2, "no executor for source 'nonsense'", id="source"),
        pytest.param(["--source", "cron=x"], {}, 2, "name or name=number", id="bound"),
        pytest.param(["--allow", "nowhere.yaml"], {}, 2, "cannot be read", id="allow"),
        pytest.param(["--name", "a/b"], {}, 2, "an agent's name", id="name"),
        pytest.param(["--idle-exit", "soon"], {}, 2, "not a span", id="span"),
    ],
)
async def test_exit_codes(
    start_process: StartProcess, options: list[str], environment: dict[str, str], code: int, told: str
) -> None:
    agent = await start_process(*options, **environment)
    _, stderr = await agent.communicate()
    assert agent.returncode == code
    assert told in " ".join(stderr.decode().split())


async def test_a_name_that_is_taken_elsewhere_is_refused(
    server: SmallServer, start_process: StartProcess
) -> None:
    server.refuse_registration = (grpc.StatusCode.ALREADY_EXISTS, "agent test is alive on other-host")
    agent = await start_process()
    _, stderr = await agent.communicate()
    assert agent.returncode == 3
    assert "agent test is alive on other-host" in stderr.decode()
    assert not server.registrations[0].take_over


async def _said(agent: asyncio.subprocess.Process, text: str) -> None:
    assert agent.stderr is not None
    async with asyncio.timeout(30):
        while text not in (await agent.stderr.readline()).decode():
            assert not agent.stderr.at_eof()


def _pretend_another_boot(home: Path) -> None:
    process = next((home / "agents" / "test" / "runs").glob("*/process"))
    process.write_text("another-boot\n" + process.read_text().partition("\n")[2])


def _open(gate: Path, text: str) -> None:
    """Lets the command at the gate go on, with something to print."""
    gate.write_text(text)


def _shim(home: Path) -> int:
    process = next((home / "agents" / "test" / "runs").glob("*/process"))
    return int(process.read_text().splitlines()[1].split()[0])


async def _until_gone(pid: int) -> None:
    """Waits for a process that is not our child."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pidfd, event.set)
    async with asyncio.timeout(30):
        await event.wait()
    loop.remove_reader(pidfd)
    os.close(pidfd)
