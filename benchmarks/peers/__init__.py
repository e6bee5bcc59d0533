"""Other people's queues, each in a process of its own, drained of no-op jobs on the same database beside us.

They come with the extra ``bench``, which ``make bench`` installs.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any, Self


class Peer:
    """The worker of ``NAME_worker.py``, on the empty database that the URL names."""

    def __init__(self, name: str, url: str) -> None:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"{name} is not installed: `make bench` does it")
        self._name = name
        self._command = [sys.executable, "-m", "benchmarks.peers.work", name, url]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_error: Any) -> None:
        with self._process:  # closes its stdin, at which it ends, and waits
            pass

    def drain(self, jobs: int) -> float:
        """Enqueue that many, which is not timed, and work them off. Answers jobs per second."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(jobs, file=self._process.stdin, flush=True)
        seconds = self._process.stdout.readline()
        if not seconds:
            raise RuntimeError(f"{self._name} has ended with exit code {self._process.wait()}")
        return jobs / float(seconds)
