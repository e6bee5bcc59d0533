"""Real commands through one real agent, with shim, journal, logs and completion, beside the bare cost of a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.frame import Benchmark, Measured, Target, in_turns
from benchmarks.laboratory import Laboratory, Server
from conductor_server.model.states import RunStatus
from conductor_server.store import schema

SAMPLES = 5
RUNS = 200
CONCURRENCY = 16
AIRFLOW_PER_SECOND = 7.9
"""Mapped tasks of Airflow 3.3.2 with SQLite and its defaults, measured on a machine of two cores."""

_TRUE = "/bin/true"
_SAMPLE_SECONDS_MAX = 120.0

_COMMAND: dict[str, Any] = {"source": "shell", "shell": {"argv": [_TRUE]}}
_FUNCTION: dict[str, Any] = {"source": "python", "python": {"callable": "nothing:nothing"}}


class RealAgent:
    """An agent in a process of its own, which is stopped (SIGSTOP) between two samples."""

    def __init__(self, process: subprocess.Popen[bytes], server: Server) -> None:
        self._process = process
        self._server = server

    def work_off(self, runs: int) -> float:
        """Lets it go on until so many more runs have succeeded. Answers runs per second.

        The clock starts when it has come into its stride: what had ended while it stood still is not counted.
        """
        self._process.send_signal(signal.SIGCONT)
        try:
            settled = self._wait_for(self._succeeded() + 3 * CONCURRENCY)
            began = time.perf_counter()
            done = self._wait_for(settled + runs)
            return (done - settled) / (time.perf_counter() - began)
        finally:
            self._process.send_signal(signal.SIGSTOP)

    def _wait_for(self, count: int) -> int:
        deadline = time.monotonic() + _SAMPLE_SECONDS_MAX
        while (succeeded := self._succeeded()) < count:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError(f"the agent came to {succeeded} of {count} runs")
            time.sleep(0.02)
        return succeeded

    def _succeeded(self) -> int:
        run = schema.run
        query = sa.select(sa.func.count()).where(run.c.status == RunStatus.SUCCESS).select_from(run)
        return int(self._server.database.read(lambda db: db.execute(query).scalar_one()))


@contextmanager
def _agent(laboratory: Laboratory, command: dict[str, Any], *, runs: int) -> Iterator[RealAgent]:
    """An agent with that command to run so many times: as many accounts, a definition."""
    definition = command | {
        "name": "work",
        "matrix": "account",
        "frequency": "one_off",
        "starts_on": "2020-01-01",
    }
    with ExitStack() as stack:
        server = stack.enter_context(laboratory.server("sqlite", definitions=[definition], accounts=runs))
        server.wait_for_waiting_runs(runs)
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conductor-bench-agent-")))
        (home / "nothing.py").write_text("def nothing():\n    pass\n")
        process = subprocess.Popen(
            [
                Path(sys.executable).with_name("conductor-agent"),
                *("--source", command["source"], "--concurrency", str(CONCURRENCY)),
                *("--server", server.address, "--root", home, "--on-stop", "leave"),
            ],
            env=os.environ | {"CONDUCTOR_HOME": str(home), "CONDUCTOR_TOKEN": server.token},
            stderr=subprocess.DEVNULL,
        )
        stack.callback(_end, process)
        yield RealAgent(process, server)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.wait()


def _bare(runs: int) -> float:
    """Fork, exec and wait, one after another, by the cheapest way that there is. Answers how many a second."""
    began = time.perf_counter()
    for _ in range(runs):
        os.waitpid(os.posix_spawn(_TRUE, [_TRUE], os.environ), 0)
    return runs / (time.perf_counter() - began)


def _enough(runs: int) -> int:
    return (runs + 10 * CONCURRENCY) * (SAMPLES + 1)


@cache
def commands(laboratory: Laboratory) -> Measured:
    """Runs of ``/bin/true`` a second, beside its bare fork, exec and wait. Measured once for both rows."""
    runs = laboratory.scaled(RUNS)
    with _agent(laboratory, _COMMAND, runs=_enough(runs)) as agent:
        agent.work_off(runs)
        return in_turns(lambda: agent.work_off(runs), lambda: _bare(runs), samples=SAMPLES)


def functions(laboratory: Laboratory) -> Measured:
    """Runs of a Python function a second, beside those of ``/bin/true`` through an agent like it."""
    runs = laboratory.scaled(RUNS)
    with (
        _agent(laboratory, _COMMAND, runs=_enough(runs)) as plain,
        _agent(laboratory, _FUNCTION, runs=_enough(runs)) as warm,
    ):
        plain.work_off(runs)
        warm.work_off(runs)
        return in_turns(lambda: warm.work_off(runs), lambda: plain.work_off(runs), samples=SAMPLES)


ROWS: Sequence[Benchmark] = (
    Benchmark(
        name="commands",
        meaning=f"{_TRUE} as a child process through one agent, beside its bare fork, exec and wait",
        unit="runs/s",
        target=Target(of="ratio", at_least=0.3),
        measure=commands,
    ),
    Benchmark(
        name="commands-beside-airflow",
        meaning=f"the same, beside the {AIRFLOW_PER_SECOND} a second mapped tasks of Airflow 3.3.2",
        unit="runs/s",
        target=Target(of="ratio", at_least=10),
        measure=lambda laboratory: Measured(value=commands(laboratory).value, baseline=AIRFLOW_PER_SECOND),
    ),
    Benchmark(
        name="functions",
        meaning="functions of --source python, isolated, beside /bin/true through an agent like it",
        unit="runs/s",
        target=Target(of="ratio", at_least=3),
        measure=functions,
    ),
)
