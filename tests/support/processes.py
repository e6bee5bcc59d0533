"""Our programs as processes in a home folder of their own, killed without a trace in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tests.support.audit import audit_home

T = TypeVar("T")

PATIENCE_S = 60.0
"""Until a test that waits for something to be seen gives up: far more than any of it takes."""

QUICK = {
    "COMMAND_HEARTBEAT_INTERVAL_SECONDS": "0.3",
    "COMMAND_LOOP_INTERVAL_SECONDS": "0.3",
    "COMMAND_RETRIES_STANDARD_DELAY_MINUTES": "0",
    "COMMAND_SLOTS_CREATE_EXTRA_DAYS": "0",
    "CONDUCTOR_LISTEN": "127.0.0.1:0",
}
"""A night in seconds. After a restart port 0 is another port: agents and command line look it up in the home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A process of ours, with what it has said."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL for the process alone: what it has started lives on."""
        self.popen.kill()
        self.popen.wait(PATIENCE_S)

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.exit_code()

    def exit_code(self) -> int:
        return self.popen.wait(PATIENCE_S)


@dataclass(slots=True, kw_only=True)
class Home:
    """A home folder, and all that was started in it."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    started: list[Program] = field(default_factory=list)

    def start(self, *argv: str, via: Sequence[str] = (), **environment: str) -> Program:
        """Start one of our programs; ``via`` is what comes before it on the command line, such as ``nsenter``."""
        log = self.path.parent / f"{self.path.name}-{len(self.started)}-{argv[0]}.log"
        with log.open("wb") as file:
            popen = subprocess.Popen(
                [*via, program(argv[0]), *argv[1:]],
                env=self._environment(environment),
                cwd=self.path.parent,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(Program(name=argv[0], popen=popen, log=log))
        return self.started[-1]

    def serve(self, *options: str, via: Sequence[str] = (), **environment: str) -> Program:
        """Start a server, and wait until it answers."""
        server = self.start("conductor-server", *options, via=via, **environment)

        def answers() -> bool:
            assert server.popen.poll() is None, f"the server has ended:\n{server.said}"
            return self.announced().get("pid") == server.popen.pid

        seen(answers)
        return server

    def announced(self) -> dict[str, Any]:
        """What the server wrote for those who look for it."""
        with suppress(OSError, ValueError):
            return dict(json.loads((self.path / "server.json").read_text()))
        return {}

    def run(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of our programs to its end."""
        return subprocess.run(
            [program(argv[0]), *argv[1:]],
            env=self._environment(environment),
            cwd=self.path.parent,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def cli(self, *arguments: str) -> str:
        """What ``conductor-cli`` prints. It must succeed."""
        done = self.run("conductor-cli", *arguments)
        assert done.returncode == 0, f"conductor-cli {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cli(*arguments, "-o", "json"))

    def end(self) -> None:
        """Kill all that was started, and all that these have started: commands outlive their agents."""
        for each in self.started:
            if each.popen.poll() is None:
                each.popen.kill()
            each.popen.wait()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("CONDUCTOR_HOME") == str(self.path) and process.pid != os.getpid():
                    process.kill()
                    process.wait(PATIENCE_S)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Whatever a person has set for a Conductor of their own must not reach this one."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("CONDUCTOR_", "COMMAND_"))}
        return own | {"CONDUCTOR_HOME": str(self.path)} | dict(self.environment) | more


@contextmanager
def home_in(folder: Path, environment: Mapping[str, str] = QUICK) -> Iterator[Home]:
    """A home that does not exist yet; nothing that was started in it outlives the block, and what its servers have
    left in their file must be sound.
    """
    home = Home(path=folder / "home", environment=environment)
    try:
        yield home
    finally:
        home.end()
    audit_home(home.path)


def program(name: str) -> str:
    """One of our commands, from the same environment as this Python."""
    return str(Path(sys.executable).parent / name)


def seen(look: Callable[[], T], until: Callable[[T], bool] = bool, *, within_s: float = PATIENCE_S) -> T:
    """Look again and again until what is seen is as wished, and answer it."""
    deadline = time.monotonic() + within_s
    while not until(found := look()):
        assert time.monotonic() < deadline, f"still not as wished after {within_s} s: {found}"
        time.sleep(0.02)
    return found
