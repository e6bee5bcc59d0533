"""The agent's end of the warm Python (``warm_host.py``): started when it is first needed, and again when it is gone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from conductor_agent.warm_host import REQUEST_BYTES_MAX

_ANSWER_WITHIN_S = 30.0  # imports on a busy machine; beyond it the host is given up


class WarmPython:
    """Starts modules of ours in forks of a process that has imported them. Used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._host: subprocess.Popen[bytes] | None = None

    def start(
        self,
        modules: Sequence[str],
        arguments: Sequence[str],
        *,
        folder: Path,
        working_folder: Path,
        environment: Mapping[str, str],
    ) -> bool:
        """Run ``modules[0].main(*arguments)``; the others are what it will import.

        True once the run's leader has written who it is into ``folder``. False when nothing was started: the caller
        goes another way. (A leader that was given up after all finds the run's ``process`` file taken.)
        """
        request = json.dumps(
            {
                "modules": list(modules),
                "arguments": list(arguments),
                "folder": str(folder),
                "working_folder": str(working_folder),
                "environment": dict(environment),
            }
        ).encode()
        if len(request) > REQUEST_BYTES_MAX:
            return False
        with self._lock:
            try:
                control = self._control or self._begin()
                control.send(request)
                if answer := control.recv(16):
                    return answer == b"started"
            except OSError:
                pass
            self._end()
            return False

    def close(self) -> None:
        """End the host. What it has started goes on."""
        with self._lock:
            self._end()

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_ANSWER_WITHIN_S)
        with theirs:
            self._host = subprocess.Popen(
                [sys.executable, "-m", "conductor_agent.warm_host", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._control = ours
        return ours

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()  # the host reads the end of it, and goes
            self._control = None
        if self._host is not None:
            self._host.kill()  # it may be stuck
            self._host.wait()
            self._host = None
