"""The agent's end of the warm Pythons (``warm_host.py``): one for each set of modules, from when it is first needed.

One without modules starts programs.

A set of its own for each, so that what a command finds imported does not depend on what else has run here.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conductor_agent.errors import RunError
from conductor_agent.warm_host import STARTED, Order

_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "TZ", "MALLOC_", "GLIBC_", "OPENSSL_")
"""Variables that begin so have no effect on a process that runs already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Host:
    """A warm Python, and the socket that it takes conversations from."""

    process: subprocess.Popen[bytes]
    control: socket.socket

    def end(self) -> None:
        """What it has started goes on."""
        self.control.close()
        self.process.kill()  # it may be stuck
        self.process.wait()


class WarmPython:
    """Starts programs, and modules of ours in forks of a process that has imported them. Used from several threads.

    ``folder`` and ``environment`` are what a Python is started with. ``patience`` is the number of seconds in which a
    host must have begun with a run; beyond it the host is given up.
    """

    def __init__(self, *, folder: Path, environment: Mapping[str, str], patience: float = 10.0) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self.patience = patience
        self._lock = threading.Lock()  # never held while waiting for an answer
        self._hosts: dict[tuple[str, ...], _Host] = {}
        self._closed = False

    def start(self, modules: tuple[str, ...], order: Order) -> bool:
        """Runs ``main`` of the first module as ordered; the others are what it will import. Without any, a program.

        True once the run's file ``process`` says who runs it. False when nothing was started, nor will be: the caller
        goes another way. Raises ``RunError`` when nothing was started, and no other way would do.
        """
        if modules and _at_start(order["environment"]) != _at_start(self._environment):
            return False
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                host = self._hand_over(modules, theirs)
            if host is None or not self._is_ready(modules, host, ours):
                # from here on there is nobody to read an order from, so no late leader can begin with the run
                if self._closed:
                    raise RunError("the agent is leaving")
                return False
            answer = _ask(ours, order)
        if answer == STARTED:
            return True
        if answer:
            raise RunError(f"the command could not be started: {answer.decode(errors='replace')}")
        return (
            Path(order["folder"]) / "process"
        ).exists()  # the leader is gone: this will not change any more

    def close(self) -> None:
        """Ends the hosts; starts that are under way come to their end. What was started goes on."""
        with self._lock:
            self._closed = True
            for host in self._hosts.values():
                host.end()
            self._hosts.clear()

    def _hand_over(self, modules: tuple[str, ...], conversation: socket.socket) -> _Host | None:
        with self._lock:
            for _ in range(2):  # that a host was killed shows here, and then there is a new one
                if self._closed:
                    return None
                try:
                    host = self._hosts.get(modules) or self._begin(modules)
                except OSError:
                    return None
                try:
                    socket.send_fds(host.control, [b"\0"], [conversation.fileno()])
                except BlockingIOError:
                    return None  # it does not keep up
                except OSError:
                    self._hosts.pop(modules).end()
                else:
                    return host
            return None

    def _is_ready(self, modules: tuple[str, ...], host: _Host, conversation: socket.socket) -> bool:
        conversation.settimeout(self.patience)
        try:
            return bool(conversation.recv(1))
        except TimeoutError:
            with self._lock:
                if self._hosts.get(modules) is host:
                    self._hosts.pop(modules).end()
        except OSError:
            pass
        return False

    def _begin(self, modules: tuple[str, ...]) -> _Host:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            try:
                process = subprocess.Popen(
                    # -P: it imports nothing from the folder; a command of its does, as ever
                    [sys.executable, "-P", "-m", "conductor_agent.warm_host", str(theirs.fileno()), *modules],
                    pass_fds=[theirs.fileno()],
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
            except OSError:
                ours.close()
                raise
        host = self._hosts[modules] = _Host(process=process, control=ours)
        return host


def _ask(conversation: socket.socket, order: Order) -> bytes:
    """The leader's answer; empty where it was killed, or somebody else has started the run.

    Without a time limit: the leader has the order, and only its answer or its end say what it made of it.
    """
    conversation.settimeout(None)
    try:
        conversation.sendall(json.dumps(order).encode())
        conversation.shutdown(socket.SHUT_WR)
        with conversation.makefile("rb") as words:
            return words.read()
    except OSError:
        return b""


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}
