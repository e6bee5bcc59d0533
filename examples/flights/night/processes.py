"""The server and the agents as child processes: started, watched, and in the end stopped without a trace.

Each has a session of its own, so that Ctrl-C reaches the demo alone, which then stops them in order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import psutil

EXAMPLE = Path(__file__).resolve().parent.parent
STARTING_SECONDS = 30.0
STOPPING_SECONDS = 5.0

# A night in a minute: a failed run is tried again after a second, not after ten minutes.
QUICK_SETTINGS = {"COMMAND_RETRIES_STANDARD_DELAY_MINUTES": "0.02"}

# How many runs at once. A run is a process that computes: more than a few per core only wait for each other.
AGENTS = {"cron": 2, "stored_procedure": 3, "ml_command": 2}


class ProcessDiedError(Exception):
    """A process ended that should still be there. The message has the tail of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A child process with its log."""

    name: str
    log: Path
    popen: subprocess.Popen[bytes]

    def ensure_alive(self) -> None:
        """Raises ``ProcessDiedError`` when it has ended."""
        if self.popen.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
            raise ProcessDiedError(
                f"{self.name} ended with exit code {self.popen.returncode}; its log ends:\n{tail}"
            )


@dataclass(slots=True, kw_only=True)
class Processes:
    """All that runs in one home: ``$CONDUCTOR_HOME``, where agents and command line find the server."""

    home: Path
    running: list[Process] = field(default_factory=list)

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def start_server(self, definitions: Path) -> dict[str, str]:
        """Starts a server on SQLite, and returns its addresses when it accepts calls."""
        listening = self.home / "server.json"
        server = self._start(
            "server",
            ["conductor-server", "--definitions", str(definitions), "--listen", "127.0.0.1:0"],
            environment=QUICK_SETTINGS,
        )
        wait_until(listening.exists, watched=[server], wanted="the server to listen")
        return dict(json.loads(listening.read_text(encoding="utf-8")))

    def start_agents(self, warehouse: str) -> None:
        """Starts an agent per source; they reach the warehouse, and the server never does."""
        for source, concurrency in AGENTS.items():
            self._start(
                f"agent-{source}",
                agent_argv(source, concurrency=concurrency, state=self.home / "agents" / source),
                environment={"WAREHOUSE_URL": warehouse, "OPENBLAS_NUM_THREADS": "1"},
            )

    def graph(self) -> str:
        """The graph with the state of its slots, as the command line draws it."""
        drawn = subprocess.run(
            [program("conductor-cli"), "graph", "--format", "text"],
            env=self._environment({}),
            capture_output=True,
            text=True,
            check=False,
        )
        return drawn.stdout if drawn.returncode == 0 else drawn.stderr

    def ensure_alive(self) -> None:
        """Raises ``ProcessDiedError`` when one has ended."""
        for process in self.running:
            process.ensure_alive()

    def stop(self) -> None:
        """Ends all processes and what they have started; the server last, so that agents can say goodbye."""
        children = [child for process in self.running for child in descendants(process.popen.pid)]
        for process in reversed(self.running):
            process.popen.terminate()
            try:
                process.popen.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
        for child in children:  # an agent may leave its runs to its successor; here there is none
            if child.is_running():
                child.kill()
        self.running.clear()

    def _start(self, name: str, argv: Sequence[str], *, environment: Mapping[str, str]) -> Process:
        log = self.logs / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [program(argv[0]), *argv[1:]],
                env=self._environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = Process(name=name, log=log, popen=popen)
        self.running.append(process)
        return process

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        # Whatever a person has set for a Conductor of their own must not reach this one.
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CONDUCTOR_", "COMMAND_"))
        }
        return own | {"CONDUCTOR_HOME": str(self.home)} | dict(more)


@contextmanager
def stopped_at_the_end(home: Path) -> Iterator[Processes]:
    """Processes of a home that do not outlive the block."""
    processes = Processes(home=home)
    try:
        yield processes
    finally:
        processes.stop()


def agent_argv(source: str, *, concurrency: int, state: Path) -> list[str]:
    """An agent of one source that runs commands of this example, and gives them back when it is stopped."""
    options = {
        "--source": f"{source}={concurrency}",
        "--root": str(EXAMPLE),
        "--state": str(state),
        "--on-stop": "release",
        "--grace": "1s",
    }
    return ["conductor-agent", *chain.from_iterable(options.items())]


def wait_until(holds: Callable[[], bool], *, watched: Sequence[Process], wanted: str) -> None:
    """Waits for a condition. Raises ``ProcessDiedError`` if a watched process ends, and ``TimeoutError``."""
    deadline = time.monotonic() + STARTING_SECONDS
    while not holds():
        for process in watched:
            process.ensure_alive()
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {STARTING_SECONDS:.0f} s for {wanted}")
        time.sleep(0.05)


def program(name: str) -> str:
    """One of our commands, from the same environment as this Python."""
    return str(Path(sys.executable).parent / name)


def descendants(pid: int) -> list[psutil.Process]:
    """All processes below one, whatever sessions and groups they have made."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
