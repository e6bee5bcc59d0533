"""A warm Python: it has imported what a command needs, and forks a child for every run instead of starting anew.

Starting Python and importing a database driver costs more than most calls do, and a fork of a process that has done
so costs milliseconds. The agent (``warm.py``) starts it as ``python -P -m conductor_agent.warm_host FD MODULE …``. It
has one thread and runs no user code itself, so its children are as isolated from one another as any. It ends with the
agent, and what it has forked goes on.

Over the socket FD the agent hands it a conversation, a socket too, for every run. Its child, the run's leader, says
that it is ready, reads the order to its end, and answers that it has started, or why it could not. So nothing is
started for an agent that has stopped listening, and an answer that is missing leaves one question open, which the
file ``process`` answers.

The leader does what ``shim.sh`` does, with the same files: it leads a session of its own, writes who it is, waits for
the command, and writes how that ended. The command is a fork of itself or, where no module is asked for, any program:
forking the leader costs less than starting a shell, and the agent's other threads do not wait for it.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypedDict

READY, STARTED = b"r", b"started"

_TO_THE_GROUP = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_OS_ERROR = 71  # EX_OSERR


class Order(TypedDict):
    """One run: what it is, the run's folder, and where and with what it runs.

    ``program`` is an argv with an absolute path; empty for a host with modules, and then the ``arguments`` are for
    ``main`` of the first of them.
    """

    program: list[str]
    arguments: list[str]
    folder: str
    working_folder: str
    environment: dict[str, str]


def main(descriptor: int, *modules: str) -> Any:
    # Blocked here and in every leader: Ctrl-C is meant for the agent, and a signal to a run's group for its command,
    # which unblocks them. Not ignored: one that comes before it has done so waits for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _TO_THE_GROUP)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: nobody here waits for a run
    for module in modules:
        with contextlib.suppress(Exception):  # the command will try again, and say what is wrong
            importlib.import_module(module)
    gc.collect()
    gc.freeze()  # what was imported stays shared between all children
    order = _serve(socket.socket(fileno=descriptor))
    return 0 if order is None else _leave(lambda: _work(modules[0], order))


def _serve(control: socket.socket) -> Order | None:
    """Forks a leader for every conversation. Returns its order in the process that is to be the command.

    ``None`` once the agent is gone.
    """
    with control:
        while True:
            _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not descriptors:
                return None
            with socket.socket(fileno=descriptors[0]) as conversation:
                try:
                    leader = os.fork()
                except OSError:
                    continue  # no process to be had: the agent reads the end of the conversation
                if leader == 0:
                    control.close()
                    return _lead(conversation)


def _lead(conversation: socket.socket) -> Order:
    """The counterpart of ``shim.sh``: the leader of the run's process group. Returns in its command only."""
    os.setsid()
    os.umask(0o077)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        conversation.sendall(READY)
        with conversation.makefile("rb") as words:
            order: Order = json.loads(words.read())  # cut short, it is no JSON
        _take(order)
    except FileExistsError:
        os._exit(_OS_ERROR)  # somebody else has started this run
    except Exception as error:
        with contextlib.suppress(OSError):
            conversation.sendall(str(error).encode(errors="replace"))
        os._exit(_OS_ERROR)
    with contextlib.suppress(OSError):  # an agent that died meanwhile takes the run up again
        conversation.sendall(STARTED)
    conversation.close()
    folder = Path(order["folder"])
    try:
        command = _spawn(order) if order["program"] else os.fork()
    except (OSError, ValueError) as error:
        os.write(2, f"the command could not be started: {error}\n".encode(errors="replace"))
        _end(folder, _OS_ERROR)
    if command != 0:
        _, status = os.waitpid(command, 0)
        code = os.waitstatus_to_exitcode(status)
        _end(folder, code if code >= 0 else 128 - code)
    return order


def _take(order: Order) -> None:
    """Makes this process that of the run. Raises ``FileExistsError`` if it has one."""
    folder = Path(order["folder"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        target = os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(target, number)
        os.close(target)
    os.chdir(order["working_folder"])
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    stat = Path(f"/proc/{os.getpid()}/stat").read_text().strip()
    _write_new(folder / "process", f"{boot}\n{stat}\n{_uptime()}\n")


def _spawn(order: Order) -> int:
    """Starts the program as a shell would: with the signals that a Python ignores, or we have blocked, as they were."""
    argv, environment = order["program"], order["environment"]
    try:
        return os.posix_spawn(argv[0], argv, environment, setsigmask=(), setsigdef=_IGNORED_BY_PYTHON)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        argv = ["/bin/sh", *argv]  # a script that does not say by whom it is to be read
        return os.posix_spawn(argv[0], argv, environment, setsigmask=(), setsigdef=_IGNORED_BY_PYTHON)


def _end(folder: Path, status: int) -> NoReturn:
    """The run is over when its command is: whatever that left in the group goes now, the leader itself last."""
    try:
        _write_new(folder / "exit", f"{status} {_uptime()}\n")
    finally:
        os.killpg(0, signal.SIGKILL)
        os._exit(status)


def _work(module: str, order: Order) -> Any:
    """The command itself, in a process that has never run any other, as ``python -m module argument …`` would."""
    os.environ.clear()
    os.environ.update(order["environment"])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_THE_GROUP)
    command = importlib.import_module(module)
    if not os.environ.get("PYTHONSAFEPATH"):
        sys.path.insert(0, order["working_folder"])
    sys.argv = [str(command.__file__), *order["arguments"]]
    return command.main(*order["arguments"])


def _leave(work: Callable[[], Any]) -> NoReturn:
    """Does the work and ends as a Python does whose program it is, but does not take the imported modules apart.

    That costs several times what a fork does. Threads are waited for, exit handlers are called, and what is open is
    flushed, as the end of a Python would have done.
    """
    try:
        status = work()
    except SystemExit as end:
        status = end.code
    except KeyboardInterrupt:
        raise  # Python's own way out of this is a signal
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    if status is not None and not isinstance(status, int):
        sys.stderr.write(f"{status}\n")
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing ends its children
    atexit._run_exitfuncs()
    for each in [each for each in gc.get_objects() if isinstance(each, io.IOBase)]:
        with contextlib.suppress(Exception):  # it is closed, or for reading
            each.flush()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit((status or 0) & 0xFF)


def _write_new(path: Path, text: str) -> None:
    """In one write, and only if it is not there: whoever creates ``process`` owns the start of the run."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _uptime() -> str:
    return Path("/proc/uptime").read_text().strip()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
