"""Runs that start in a fork of a warm Python: real hosts, real agents, real signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.protobuf.json_format import MessageToDict

from conductor_agent.errors import RunError
from conductor_agent.warm import WarmPython
from conductor_agent.warm_host import READY, STARTED, Order
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartAgent, StartProcess
from tests.agent.runs import claimed
from tests.agent.server import SmallServer
from tests.agent.test_execution import gone, until_idle
from tests.postgres import database_url, postgres_url

__all__ = ["database_url", "postgres_url"]  # fixtures

pytestmark = pytest.mark.e2e

JOBS = """
import atexit, os, signal, subprocess, sys, threading, time

def parent_of(pid):
    return int(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[1])

def who():
    # a command is the child of its leader, and that of its host
    return {'host': parent_of(os.getppid()), 'leader': os.getppid(), 'argv': open('/proc/self/cmdline').read()}

def wait(gate, status=0):
    print('up', os.getpid(), os.getppid(), parent_of(os.getppid()), flush=True)
    print(open(gate).read())
    sys.exit(status)

def sleep():
    print('up', flush=True)
    time.sleep(600)

def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
    print('up', child.pid, os.getpid(), os.getppid(), flush=True)
    time.sleep(600)

def spoil():
    import colorsys, json
    os.environ['SPOILT'] = os.environ['OWN']
    colorsys.spoilt = json.spoilt = True
    json.dumps = None
    sys.path.insert(0, '/spoilt')
    os.chdir('/')
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.umask(0)
    return None

def look():
    import json, tempfile
    return {
        'variables': [name for name in ('SPOILT', 'OWN') if name in os.environ],
        'modules': [name for name in ('colorsys', 'tests') if name in sys.modules],
        'json': json.dumps is not None and not hasattr(json, 'spoilt'),
        'path': '/spoilt' in sys.path,
        'cwd': os.getcwd(),
        'term': str(signal.getsignal(signal.SIGTERM)),
        'int': signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        'blocked': sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        'umask': os.umask(0),
        'threads': threading.active_count(),
        'files': sorted(os.readlink(f'/proc/self/fd/{fd}').rpartition('/')[2] for fd in (0, 1, 2)),
        'more': [fd for fd in os.listdir('/proc/self/fd') if int(fd) > 2 and os.path.exists(f'/proc/self/fd/{fd}')],
        'token': 'secret' in open('/proc/self/environ').read(),
        'own_session': os.getsid(0) == os.getppid() == os.getpgid(0),
    }

def leave(how):
    exec(how)

def orderly():
    global kept
    kept = open('kept', 'w')
    kept.write('whole')
    print('first')
    os.write(1, b'second\\n')
    subprocess.run(['echo', 'third'])
    sys.stdout.buffer.write(b'fourth\\n')
    atexit.register(print, 'last')
    threading.Thread(target=lambda: (time.sleep(0.01), print('fifth'))).start()

def flags():
    return {'utf8': sys.flags.utf8_mode, 'argv': open('/proc/self/cmdline').read()}

def length(text):
    return len(text) + len(os.environ['LARGE_7'])
"""


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A pipe that a function waits at until somebody writes to it."""
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


def call(function: str, *arguments: Any, timeout: float | None = None, **spec: Any) -> run_pb2.ClaimedRun:
    spec = {"callable": f"jobs:{function}", "arguments": list(arguments), **spec}
    return claimed("python", spec, **({} if timeout is None else {"timeout": timeout}))


async def result_of(server: SmallServer, run: run_pb2.ClaimedRun) -> dict[str, Any]:
    report = await server.report_of(await server.give(run))
    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error
    result: dict[str, Any] = MessageToDict(report.result)
    return result


# --- what a command finds


async def test_functions_run_in_forks_of_one_process(server: SmallServer, start_agent: StartAgent) -> None:
    agent = await start_agent("python")
    first, second = [await result_of(server, call("who")) for _ in range(2)]
    assert first["host"] == second["host"]
    assert first["leader"] != second["leader"]
    assert "conductor_agent.warm_host" in first["argv"]
    assert b"Threads:\t1\n" in read_of(first["host"], "status")
    await until_idle(agent)
    await agent.leave()
    assert not exists(first["host"]), "ended, and reaped"


async def test_nothing_of_one_run_is_left_for_the_next(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    await start_agent("python", environment={"CONDUCTOR_TOKEN": "secret"})
    await result_of(server, call("spoil", environment={"OWN": "x"}))
    assert await result_of(server, call("look")) == {
        "variables": [],
        "modules": [],
        "json": True,
        "path": False,
        "cwd": str(tmp_path),
        "term": str(signal.SIG_DFL),
        "int": True,
        "blocked": [],
        "umask": 0o077,
        "threads": 1,
        "files": ["null", "stderr", "stdout"],
        "more": [],
        "token": False,
        "own_session": True,
    }


async def test_the_host_holds_nothing_of_the_agents(server: SmallServer, start_agent: StartAgent) -> None:
    await start_agent("python")
    host = (await result_of(server, call("who")))["host"]
    folder = Path(f"/proc/{host:.0f}/fd")
    more = [os.readlink(folder / name) for name in os.listdir(folder) if int(name) > 2]
    assert len(more) == 1, more
    assert more[0].startswith("socket:")


@pytest.mark.parametrize(
    ("how", "exit_code", "error"),
    [
        pytest.param("sys.exit(3)", 3, "exit code 3", id="exit-code"),
        pytest.param("sys.exit()", 0, "", id="exit"),
        pytest.param("sys.exit('no such table')", 1, "exit code 1\nno such table", id="exit-with-words"),
        pytest.param("raise KeyError('acme')", 1, "KeyError: 'acme'", id="exception"),
        pytest.param("os.kill(os.getpid(), 11)", 139, "killed by SIGSEGV", id="signal"),
        pytest.param("os.kill(os.getpid(), 9)", 137, "killed by SIGKILL", id="kill"),
        pytest.param("os.kill(os.getpid(), 2)", 130, "killed by SIGINT\nTraceback", id="interrupt"),
        pytest.param("os._exit(7)", 7, "exit code 7", id="at-once"),
        pytest.param("os.kill(0, 9)", None, "the process vanished without an exit status", id="group"),
    ],
)
async def test_how_a_command_ends(
    server: SmallServer, start_agent: StartAgent, how: str, exit_code: int | None, error: str
) -> None:
    await start_agent("python")
    report = await server.report_of(await server.give(call("leave", how)))
    assert (report.exit_code if report.HasField("exit_code") else None) == exit_code
    assert error in report.error
    assert (report.outcome == run_pb2.OUTCOME_SUCCEEDED) == (exit_code == 0)


async def test_output_is_in_order_to_the_very_end(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    await start_agent("python")
    run_id = await server.give(call("orderly"))
    assert (await server.report_of(run_id)).outcome == run_pb2.OUTCOME_SUCCEEDED
    printed = await server.log_of(run_id, "stdout", "last")
    assert printed.split() == ["first", "second", "third", "fourth", "fifth", "last"]
    assert (tmp_path / "kept").read_text() == "whole", "what nobody has closed is written all the same"


async def test_what_only_a_new_python_could_heed_starts_one(
    server: SmallServer, start_agent: StartAgent
) -> None:
    await start_agent("python")
    warm = await result_of(server, call("flags"))
    cold = await result_of(server, call("flags", environment={"PYTHONUTF8": "1"}))
    assert (warm["utf8"], "warm_host" in warm["argv"]) == (0, True)
    assert (cold["utf8"], "warm_host" in cold["argv"]) == (1, False)


async def test_an_order_may_be_large(server: SmallServer, start_agent: StartAgent) -> None:
    await start_agent("python")
    large = {f"LARGE_{number}": "x" * 100_000 for number in range(8)}
    assert (await result_of(server, call("length", "y" * 1000, environment=large)))["value"] == 101_000


async def test_many_at_once(server: SmallServer, start_agent: StartAgent) -> None:
    await start_agent("python", concurrency=8)
    run_ids = [await server.give(call("who")) for _ in range(40)]
    await server.until(lambda: len(server.reports_by_run()) == len(run_ids))
    assert server.reports_by_run() == dict.fromkeys(run_ids, 1)
    assert {report.outcome for report in server.reports} == {run_pb2.OUTCOME_SUCCEEDED}
    hosts = {MessageToDict(report.result)["host"] for report in server.reports}
    assert len(hosts) == 1


async def test_a_procedure_is_called_and_cancelled_in_a_fork(
    server: SmallServer, start_agent: StartAgent, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE PROCEDURE add(n integer, INOUT total integer DEFAULT 1) LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE NOTICE 'adding %', n; total := total + n; END $$;"
            "CREATE PROCEDURE nap() LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE NOTICE 'sleeping'; PERFORM pg_sleep(600); END $$;"
        )
    agent = await start_agent("stored_procedure", environment={"WAREHOUSE_URL": database_url})
    spec: dict[str, Any] = {"database": "${env:WAREHOUSE_URL}", "procedure": "add", "parameters": {"n": 2}}
    added = await server.give(claimed("stored_procedure", spec))
    report = await server.report_of(added)
    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error
    assert MessageToDict(report.result) == {"total": 3}
    assert await server.log_of(added, "stdout", "NOTICE") == "NOTICE: adding 2\n"
    await until_idle(agent)

    napping = await server.give(claimed("stored_procedure", spec | {"procedure": "nap", "parameters": {}}))
    await server.log_of(napping, "stdout", "sleeping")
    assert b"conductor_agent.warm_host" in read_of(leader_of(tmp_path / "state"), "cmdline")
    await server.judge(napping, wire.VERDICT_CANCEL, "enough")
    report = await server.report_of(napping)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_CANCELLED, 143)
    with psycopg.connect(database_url) as connection:
        active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CALL%'"
        assert connection.execute(active).fetchall() == [(0,)]


# --- stopping


async def test_a_cancellation_reaches_the_command(server: SmallServer, start_agent: StartAgent) -> None:
    await start_agent("python")
    run_id = await server.give(call("sleep"))
    await server.log_of(run_id, "stdout", "up")
    await server.judge(run_id, wire.VERDICT_CANCEL, "an operator said so")
    report = await server.report_of(run_id)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_CANCELLED, 143)
    assert report.error == "an operator said so"


async def test_a_timeout_kills_the_group_and_its_leader(server: SmallServer, start_agent: StartAgent) -> None:
    await start_agent("python", grace=0.2)
    run_id = await server.give(call("stubborn", timeout=2.0))
    pids = [int(word) for word in (await server.log_of(run_id, "stdout", "up")).split()[1:]]
    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_TIMED_OUT
    assert report.error == "it ran longer than its timeout of 2 s"
    assert not report.HasField("exit_code")
    assert [gone(pid) for pid in pids] == [True] * 3


# --- deaths


async def test_a_host_that_was_killed_is_replaced(server: SmallServer, start_agent: StartAgent) -> None:
    await start_agent("python")
    first = (await result_of(server, call("who")))["host"]
    await kill(int(first))
    second = (await result_of(server, call("who")))["host"]
    assert second != first
    assert not exists(first), "the dead one is reaped"


async def test_a_run_goes_on_without_its_host(
    server: SmallServer, start_agent: StartAgent, gate: Path
) -> None:
    agent = await start_agent("python")
    run_id = await server.give(call("wait", str(gate), 5))
    host = int((await server.log_of(run_id, "stdout", "up")).split()[3])
    await kill(host)
    let_go(gate, "went on")
    report = await server.report_of(run_id)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_FAILED, 5)
    assert "went on" in await server.log_of(run_id, "stdout", "went on")
    await until_idle(agent)
    assert server.reports_by_run() == {run_id: 1}


@pytest.mark.parametrize("while_away", [False, True], ids=["adopted-alive", "ended-alone"])
async def test_a_killed_agent_takes_its_run_up_again(
    server: SmallServer, start_process: StartProcess, gate: Path, tmp_path: Path, while_away: bool
) -> None:
    options = ("--source", "python", "--root", str(tmp_path))
    first = await start_process(*options)
    run_id = await server.give(call("wait", str(gate), 3))
    pid, leader, host = map(int, (await server.log_of(run_id, "stdout", "up")).split()[1:4])
    first.kill()
    await first.wait()
    await until_gone(host)
    assert not gone(pid)
    if while_away:
        let_go(gate, "finished alone")
        await until_gone(leader)
    await start_process(*options)
    await server.until(lambda: len(server.registrations) == 2)
    assert [lease.run_id for lease in server.registrations[1].held] == [run_id]
    if not while_away:
        let_go(gate, "finished")

    report = await server.report_of(run_id)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_FAILED, 3)
    assert report.ran_for.ToNanoseconds() > 0
    await server.log_of(run_id, "stdout", "finished")
    assert server.reports_by_run() == {run_id: 1}


async def test_leave_ends_the_host_and_not_the_run(
    server: SmallServer, start_process: StartProcess, gate: Path, tmp_path: Path
) -> None:
    options = ("--source", "python", "--root", str(tmp_path), "--on-stop", "leave")
    agent = await start_process(*options)
    run_id = await server.give(call("wait", str(gate)))
    pid, _, host = map(int, (await server.log_of(run_id, "stdout", "up")).split()[1:4])
    agent.send_signal(signal.SIGTERM)
    assert await agent.wait() == 0
    assert gone(host)
    assert not gone(pid)

    await start_process(*options)
    await server.until(lambda: len(server.registrations) == 2)
    let_go(gate, "finished")
    assert (await server.report_of(run_id)).outcome == run_pb2.OUTCOME_SUCCEEDED


# --- one start, without an agent around it

MODULES = ("conductor_agent.children.call_function",)


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[WarmPython]:
    warm = WarmPython(folder=tmp_path, environment=os.environ)
    yield warm
    warm.close()


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order to make the folder ``made``; the run's own is ``run``."""
    folder = tmp_path / "run"
    folder.mkdir()
    what: dict[str, Any] = {"callable": "os:mkdir", "arguments": [str(tmp_path / "made")]}
    what |= {"values": {}, "path": [], "messages": "", "confined": False}
    (folder / "call").write_text(json.dumps(what))
    return Order(
        program=[],
        arguments=[str(folder / "call")],
        folder=str(folder),
        working_folder=str(tmp_path),
        environment=dict(os.environ),
    )


def test_the_reason_of_a_start_that_fails_is_told(warm: WarmPython, order: Order, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"could not be started: .*No such file or directory.*nowhere"):
        warm.start(MODULES, order | Order(working_folder="nowhere"))  # type: ignore[typeddict-item]
    assert not (tmp_path / "run" / "process").exists()
    assert warm.start(MODULES, order)


def test_a_run_that_somebody_has_started_is_not_started_again(
    warm: WarmPython, order: Order, tmp_path: Path
) -> None:
    (tmp_path / "run" / "process").write_text("somebody")
    assert warm.start(MODULES, order)
    assert (tmp_path / "run" / "process").read_text() == "somebody"
    assert not (tmp_path / "made").exists()


def test_a_module_that_cannot_be_imported_is_the_commands_affair(
    warm: WarmPython, order: Order, tmp_path: Path
) -> None:
    assert warm.start(("conductor_agent.children.nothing", "nothing"), order)
    until_ended(leader_of_folder(tmp_path / "run"))
    assert (tmp_path / "run" / "exit").read_text().split()[0] == "1"
    assert "No module named 'conductor_agent.children.nothing'" in (tmp_path / "run" / "stderr").read_text()


def test_a_host_that_is_stuck_is_given_up(warm: WarmPython, order: Order, tmp_path: Path) -> None:
    stuck = host_of(warm, order, tmp_path)
    os.kill(stuck, signal.SIGSTOP)
    warm.patience = 0.05
    assert not warm.start(MODULES, order)
    assert not exists(stuck)
    assert not (tmp_path / "run" / "process").exists()
    warm.patience = 30.0
    assert warm.start(MODULES, order)


def test_leaving_ends_a_start_that_is_under_way(warm: WarmPython, order: Order, tmp_path: Path) -> None:
    stuck = host_of(warm, order, tmp_path)
    os.kill(stuck, signal.SIGSTOP)
    told: list[str] = []

    def start() -> None:
        try:
            warm.start(MODULES, order)
        except RunError as error:
            told.append(str(error))

    starting = threading.Thread(target=start)
    starting.start()
    warm.close()
    starting.join(30)
    assert told == ["the agent is leaving"]
    assert not (tmp_path / "run" / "process").exists()
    with pytest.raises(RunError, match="leaving"):
        warm.start(MODULES, order)


# --- the host's end of a conversation, by hand


@pytest.fixture
def converse(tmp_path: Path) -> Iterator[Callable[[], tuple[socket.socket, int]]]:
    """Starts a leader that is ready for its order: the conversation with it, and a pidfd of it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with contextlib.ExitStack() as stack:
        stack.enter_context(ours)
        with theirs:
            argv = [sys.executable, "-P", "-m", "conductor_agent.warm_host", str(theirs.fileno()), *MODULES]
            host = stack.enter_context(subprocess.Popen(argv, pass_fds=[theirs.fileno()], cwd=tmp_path))

        def begin() -> tuple[socket.socket, int]:
            mine, its = socket.socketpair()
            stack.enter_context(mine)
            with its:
                socket.send_fds(ours, [b"\0"], [its.fileno()])
            assert mine.recv(1) == READY
            leader = int(Path(f"/proc/{host.pid}/task/{host.pid}/children").read_text())
            pidfd = os.pidfd_open(leader)
            stack.callback(os.close, pidfd)
            return mine, pidfd

        yield begin
        ours.close()
        assert host.wait(30) == 0


@pytest.mark.parametrize("cut", [0, 100], ids=["no-order", "half-an-order"])
def test_nothing_starts_for_an_agent_that_died_before_its_order(
    converse: Callable[[], tuple[socket.socket, int]], order: Order, tmp_path: Path, cut: int
) -> None:
    conversation, leader = converse()
    conversation.sendall(json.dumps(order).encode()[:cut])
    conversation.close()
    until_readable(leader)
    assert not (tmp_path / "run" / "process").exists()
    assert not (tmp_path / "made").exists()


def test_a_run_goes_on_for_an_agent_that_died_before_the_answer(
    converse: Callable[[], tuple[socket.socket, int]], order: Order, tmp_path: Path
) -> None:
    conversation, leader = converse()
    conversation.sendall(json.dumps(order).encode())
    conversation.close()
    until_readable(leader)
    assert (tmp_path / "made").exists()
    assert (tmp_path / "run" / "exit").read_text().split()[0] == "0"


def test_a_leader_that_is_killed_before_its_order_leaves_nothing(
    converse: Callable[[], tuple[socket.socket, int]], order: Order, tmp_path: Path
) -> None:
    conversation, leader = converse()
    signal.pidfd_send_signal(leader, signal.SIGKILL)
    assert conversation.recv(1) == b""
    again, leader = converse()
    again.sendall(json.dumps(order).encode())
    again.shutdown(socket.SHUT_WR)
    assert again.makefile("rb").read() == STARTED
    until_readable(leader)
    assert (tmp_path / "run" / "exit").read_text().split()[0] == "0"


# --- helpers


def let_go(gate: Path, text: str) -> None:
    """Lets the function at the gate go on, with something to print."""
    gate.write_text(text)


def exists(pid: float) -> bool:
    """Whether there is a process, or what is left of one that nobody has waited for."""
    return Path(f"/proc/{pid:.0f}").exists()


def read_of(pid: float, name: str) -> bytes:
    return Path(f"/proc/{pid:.0f}/{name}").read_bytes()


def host_of(warm: WarmPython, order: Order, tmp_path: Path) -> int:
    """Starts a host by a run that cannot be; its pid."""
    with pytest.raises(RunError):
        warm.start(MODULES, order | Order(working_folder="nowhere"))  # type: ignore[typeddict-item]
    (host,) = warm._hosts.values()
    return host.process.pid


def leader_of(state: Path) -> int:
    (process,) = (state / "runs").glob("*/process")
    return leader_of_folder(process.parent)


def leader_of_folder(folder: Path) -> int:
    return int((folder / "process").read_text().splitlines()[1].split()[0])


async def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    await until_gone(pid)


async def until_gone(pid: int) -> None:
    await asyncio.to_thread(until_ended, pid)


def until_ended(pid: int) -> None:
    """Waits for a process that is not our child."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    until_readable(pidfd)
    os.close(pidfd)


def until_readable(pidfd: int) -> None:
    assert select.select([pidfd], [], [], 30)[0]
