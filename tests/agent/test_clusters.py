"""Functions on real clusters of this machine: Dask and Ray, with workers that are killed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from conductor_agent.allowlist import AllowList
from conductor_agent.errors import RunError, UsageError
from conductor_agent.executors import registry
from conductor_agent.executors.contract import Place
from conductor_agent.process import read_identity
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartAgent, StartProcess
from tests.agent.runs import a_run, claimed
from tests.agent.server import SmallServer
from tests.agent.test_execution import gone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CLUSTERS = ("dask", "ray")
ADDRESS = {"dask": "DASK_SCHEDULER_ADDRESS", "ray": "RAY_ADDRESS"}
STARTING_SECONDS_MAX = 200.0  # Ray takes nine on an idle machine

JOBS = '''
import os, signal, subprocess, sys, time
from pathlib import Path

def report(text, checkpoint):
    from dagster_pipes import open_dagster_pipes
    with open_dagster_pipes() as pipes:
        pipes.report_custom_message({"progress": 0.5, "checkpoint": checkpoint})
        print("said", text, flush=True)
        print("aside", file=sys.stderr, flush=True)
        return {"text": text, "slot": os.environ["CONDUCTOR_SLOT"], "before": pipes.get_extra("checkpoint")}

def fail():
    raise ValueError("no such table")

def end(status):
    os._exit(status)

def wait(gate):
    """Says who it is, and waits until somebody writes into the pipe."""
    print("up", os.getpid(), flush=True)
    Path(gate).read_text()
    print("over", flush=True)

def stubborn():
    """Neither it nor its child heeds TERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("up", os.getpid(), child.pid, flush=True)
    time.sleep(600)
'''


class Cluster:
    """A cluster that runs already. ``variables`` is what an agent's environment says of it."""

    def __init__(self, source: str, variables: dict[str, str]) -> None:
        self.source = source
        self.variables = variables

    def call(
        self, function: str, *, resources: dict[str, float] | None = None, **given: Any
    ) -> run_pb2.ClaimedRun:
        spec = {"callable": f"cluster_jobs:{function}", "arguments": given, "resources": resources or {}}
        return claimed(self.source, spec)


@contextmanager
def process(*command: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | environment)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def until(condition: Callable[[], Any], log: Path) -> Any:
    deadline = time.monotonic() + STARTING_SECONDS_MAX
    while not (found := condition()):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.2", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def dask(folder: Path) -> Iterator[Cluster]:
    program, log = str(Path(sys.executable).with_name("dask")), folder / "log"
    with ExitStack() as stack:
        scheduler = (program, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        stack.enter_context(process(*scheduler, log=log))
        [address] = until(lambda: [w for w in log.read_text().split() if w.startswith("tcp://")][:1], log)
        worker = (program, "worker", address, "--no-dashboard", "--nthreads", "4", "--resources", "GPU=1")
        stack.enter_context(process(*worker, log=log, PYTHONPATH=str(folder)))
        until(lambda: "Registered to:" in log.read_text(), log)
        yield Cluster("dask", {"DASK_SCHEDULER_ADDRESS": address})


@contextmanager
def ray(folder: Path) -> Iterator[Cluster]:
    # not 127.0.0.1: Ray would take the machine's own address instead, and be reachable from outside
    started = (
        str(Path(sys.executable).with_name("ray")),
        "start",
        "--head",
        "--block",
        "--node-ip-address=127.0.0.2",
    )
    ports = ("--port=0", f"--ray-client-server-port={free_port()}", "--include-dashboard=false")
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 32}
    log = folder / "log"
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(folder)}
    # not in pytest's folder: the paths of its sockets may have 107 bytes
    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as short:
        size = ("--num-cpus=4", "--num-gpus=1", "--object-store-memory=80000000", f"--temp-dir={short}")
        with process(*started, *ports, *size, log=log, **token, **quiet):
            [address] = until(lambda: re.findall(r"--address='([^']+)'", log.read_text()), log)
            yield Cluster("ray", token | {"RAY_ADDRESS": address})


only_dask = pytest.mark.parametrize("cluster", ["dask"], indirect=True)
"""What the two have in common, asked of the one that starts sooner."""


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "cluster_jobs.py").write_text(JOBS)
    with {"dask": dask, "ray": ray}[request.param](folder) as cluster:
        yield cluster


async def test_output_progress_checkpoint_and_result_come_back(
    cluster: Cluster, server: SmallServer, start_agent: StartAgent
) -> None:
    await start_agent(cluster.source, environment=cluster.variables | {"SECRET": "hush-hush"})
    run = cluster.call("report", text="$${slot} ${env:SECRET}", checkpoint={"part": 2}, resources={"GPU": 1})
    run.checkpoint = b'{"part": 1}'
    run_id = await server.give(run)
    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error
    result = {"text": "${slot} [secret SECRET]", "slot": run.slot, "before": {"part": 1}}
    assert MessageToDict(report.result) == result
    assert report.checkpoint == b'{"part": 2}'
    assert await server.log_of(run_id, "stdout", "\n") == "said ${slot} [secret SECRET]\n"
    assert "aside\n" in await server.log_of(run_id, "stderr", "aside")


@only_dask
async def test_what_it_raises_is_the_runs_failure(
    cluster: Cluster, server: SmallServer, start_agent: StartAgent
) -> None:
    await start_agent(cluster.source, environment=cluster.variables)
    raised, ended, missing = [
        await server.give(run)
        for run in (cluster.call("fail"), cluster.call("end", status=7), cluster.call("nowhere"))
    ]
    report = await server.report_of(raised)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_FAILED, 1)
    assert "ValueError: no such table" in report.error
    assert (await server.report_of(ended)).exit_code == 7
    report = await server.report_of(missing)
    assert report.exit_code == 2
    assert "cluster_jobs:nowhere cannot be imported" in report.error


async def test_cancelling_stops_it_on_the_worker(
    cluster: Cluster, server: SmallServer, start_agent: StartAgent
) -> None:
    await start_agent(cluster.source, environment=cluster.variables, grace=30)
    run_id = await server.give(cluster.call("stubborn"))
    pids = await said_to_be_up(server, run_id)
    await server.judge(run_id, wire.VERDICT_CANCEL, "asked by an operator")
    report = await server.report_of(run_id)
    assert (report.outcome, report.error) == (run_pb2.OUTCOME_CANCELLED, "asked by an operator")
    assert all(map(gone, pids)), "the end is not reported before it is one"


@only_dask
async def test_what_no_worker_has_room_for_can_be_cancelled(
    cluster: Cluster, server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    await start_agent(cluster.source, environment=cluster.variables, grace=30)
    run_id = await server.give(cluster.call("wait", gate="", resources={"GPU": 9}))
    driver = await until_up(lambda: driver_of(tmp_path / "state", run_id))
    await until_up(lambda: catches_term(driver))
    await server.judge(run_id, wire.VERDICT_CANCEL, "asked by an operator")
    report = await server.report_of(run_id)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_CANCELLED, 143)


async def test_a_worker_that_dies_fails_the_run_and_takes_it_along(
    cluster: Cluster, server: SmallServer, start_agent: StartAgent
) -> None:
    await start_agent(cluster.source, environment=cluster.variables)
    run_id = await server.give(cluster.call("stubborn"))
    pids = await said_to_be_up(server, run_id)
    os.kill(parent_of(parent_of(pids[0])), signal.SIGKILL)
    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_FAILED
    assert re.search(r"the worker .*(is gone|died|crashed)", report.error.lower(), re.DOTALL), report.error
    await until_up(lambda: all(map(gone, pids)))
    assert server.logs[run_id, "stdout"].count(b"up") == 1, "nobody made the call again"


async def test_it_does_not_outlive_the_process_that_asked_for_it(
    cluster: Cluster, server: SmallServer, start_agent: StartAgent, gate: Path, tmp_path: Path
) -> None:
    await start_agent(cluster.source, environment=cluster.variables)
    run_id = await server.give(cluster.call("wait", gate=str(gate)))
    pids = await said_to_be_up(server, run_id)
    os.kill(await until_up(lambda: driver_of(tmp_path / "state", run_id)), signal.SIGKILL)
    report = await server.report_of(run_id)
    assert (report.outcome, report.exit_code) == (run_pb2.OUTCOME_FAILED, 137)
    await until_up(lambda: all(map(gone, pids)))


@only_dask
async def test_a_killed_agent_finds_it_again(
    cluster: Cluster, server: SmallServer, start_process: StartProcess, gate: Path
) -> None:
    first = await start_process("--source", cluster.source, **cluster.variables)
    run_id = await server.give(cluster.call("wait", gate=str(gate)))
    pids = await said_to_be_up(server, run_id)
    first.kill()
    await first.wait()
    await start_process("--source", cluster.source, **cluster.variables)
    await server.until(lambda: len(server.registrations) == 2)
    assert not any(map(gone, pids))
    await asyncio.to_thread(gate.write_text, "go on")
    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error
    assert await server.log_of(run_id, "stdout", "over") == f"up {pids[0]}\nover\n"


async def test_a_cluster_that_is_not_there_fails_the_run(
    server: SmallServer, start_agent: StartAgent
) -> None:
    nowhere = {"DASK_SCHEDULER_ADDRESS": "tcp://127.0.0.1:1"}
    hurried = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    await start_agent("dask", environment=nowhere | hurried)
    report = await server.report_of(await server.give(Cluster("dask", nowhere).call("fail")))
    assert report.outcome == run_pb2.OUTCOME_FAILED
    assert "tcp://127.0.0.1:1" in report.error


@pytest.mark.parametrize("source", CLUSTERS)
def test_an_agent_that_knows_no_cluster_says_what_it_needs(source: str, tmp_path: Path) -> None:
    place = Place(
        run=a_run(source, {"callable": "jobs:run"}), root=tmp_path, folder=tmp_path / "run", environment={}
    )
    with pytest.raises(RunError, match=f"set {ADDRESS[source]} in its environment"):
        registry.load([source])[source].launch(place)


@pytest.mark.parametrize("source", CLUSTERS)
def test_the_allow_list_judges_the_callable(source: str, tmp_path: Path) -> None:
    place = Place(
        run=a_run(source, {"callable": "jobs:run"}),
        root=tmp_path,
        folder=tmp_path / "run",
        environment={ADDRESS[source]: "somewhere"},
        confined=True,
    )
    launch = registry.load([source])[source].launch(place)
    AllowList(patterns={source: ("jobs:*",)}).check(source, launch.subjects, launch.environment)
    assert launch.subjects == ("jobs:run",)
    assert json.loads(launch.files["call"])["confined"]


@pytest.mark.parametrize(("source", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_what_is_not_installed_is_named(source: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"pip install 'conductor-orchestrator\[{source}\]'"):
        registry.load([source])


async def said_to_be_up(server: SmallServer, run_id: int) -> list[int]:
    """The processes that the function has named."""
    return [int(pid) for pid in (await server.log_of(run_id, "stdout", "\n")).split()[1:]]


async def until_up(condition: Callable[[], Any]) -> Any:
    async with asyncio.timeout(STARTING_SECONDS_MAX):
        while not (found := condition()):  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.05)
    return found


def driver_of(state: Path, run_id: int) -> int:
    """The run's own process on the agent's machine, the child of its shim; 0 while there is none."""
    identity = read_identity(state / "runs" / f"{run_id}-1" / "process")
    if identity is None:
        return 0
    children = Path(f"/proc/{identity.pid}/task/{identity.pid}/children").read_text().split()
    return int(children[0]) if children else 0


def catches_term(pid: int) -> bool:
    """Whether a process has a handler for SIGTERM by now."""
    [caught] = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
