"""A warm Python: it has imported what a source needs, and forks a child for every run instead of starting anew.

Starting Python and importing a database driver costs more than most calls do (0.3 s against 0.01 s), and a fork of
a process that has done so costs milliseconds. The agent starts it as ``python -m conductor_agent.warm_host FD`` and
sends it requests over that socket, a JSON message each; see ``warm.py``. It has one thread and runs no user code
itself, so its children are as isolated from one another as any.

What it forks does what ``shim.sh`` does, with the same files: it leads a session of its own, writes who it is, waits
for the command, and writes how that ended. It outlives the agent, and this process, which ends with the agent.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

REQUEST_BYTES_MAX = 128 * 1024


def main(descriptor: int) -> int:
    control = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: nobody here waits for a run
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C is meant for the agent, whose end closes the socket
    while request := control.recv(REQUEST_BYTES_MAX):
        order = json.loads(request)
        for module in order["modules"]:
            importlib.import_module(module)
        gc.collect()
        gc.freeze()  # what was imported stays shared between all children
        if os.fork() == 0:
            _lead(control, order)
    return 0


def _lead(control: socket.socket, order: dict[str, Any]) -> NoReturn:
    """The counterpart of ``shim.sh``: the leader of the run's process group."""
    status = 70  # EX_SOFTWARE: replaced unless we fail ourselves
    try:
        os.setsid()
        os.umask(0o077)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(
                number, lambda *_: None
            )  # meant for the command; the leader stays to write the status
        folder = Path(order["folder"])
        _redirect(folder)
        try:
            _write_new(folder / "process", _identity())
        except OSError:
            control.send(b"failed")
            raise
        control.send(b"started")
        control.close()
        child = os.fork()
        if child == 0:
            _work(order)
        _, waited = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(waited)
        status = code if code >= 0 else 128 - code
        _write_new(folder / "exit", f"{status} {_uptime()}\n")
        os.killpg(0, signal.SIGKILL)  # the run is over when its command is: so is what that left behind
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _work(order: dict[str, Any]) -> NoReturn:
    """The command itself, in a process that has never run any other."""
    status = 70
    try:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["working_folder"])
        sys.argv = [order["modules"][0], *order["arguments"]]
        status = importlib.import_module(order["modules"][0]).main(*order["arguments"])
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else 1
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _redirect(folder: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for number, name in ((1, "stdout"), (2, "stderr")):
        target = os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(target, number)
        os.close(target)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]  # they are text files here


def _write_new(path: Path, text: str) -> None:
    """In one write, and only if it is not there: whoever creates ``process`` owns the start of the run."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _identity() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    stat = Path(f"/proc/{os.getpid()}/stat").read_text().strip()
    return f"{boot}\n{stat}\n{_uptime()}\n"


def _uptime() -> str:
    return Path("/proc/uptime").read_text().strip()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
