"""The part of a run that happens on a worker of a cluster: the run's folder, at a distance.

There the function is called as on an agent's own machine (``shim.sh``, ``call_function``), in a process of its own with
a folder of its own. What it adds to the folder's files travels back in pieces, by whatever way the cluster's library
has. The worker needs this package, the function's module, and nothing of the agent's settings.

A pipe ties the process to the worker's: when that dies, the kernel closes it, and the group is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict

from conductor_agent import pipes, placeholders

EXIT = "exit"
FILES = ("stdout", "stderr", "messages")
GRACE = 5.0
"""Seconds from TERM to KILL; less than an agent's own, which kills what asked for the call."""

Piece = tuple[str, bytes]
"""What was added to one of ``FILES``; the last one is ``EXIT`` with the exit status."""

_PIECE = 64 * 1024
_LOOK_EVERY = 0.1
_SHIM = str(files("conductor_agent") / "shim.sh")
# The reader ignores what is meant for the command; the shim takes the pipe's place, so its death ends the reader too.
_TETHERED = """
exec 3<&0 </dev/null
(trap '' HUP INT QUIT TERM; read -r _ <&3; kill -KILL 0) &
exec 3<&-
exec /bin/sh "$@"
"""


class Order(TypedDict):
    """One call, with nothing left to be filled in. ``files`` are those of the run's folder that it reads."""

    callable: str
    arguments: Any
    confined: bool
    environment: dict[str, str]
    files: dict[str, bytes]


def order_of(call: Mapping[str, Any]) -> Order:
    """The order for what an executor has described, made where ``${env:NAME}`` is to be resolved.

    Raises ``RunError``.
    """
    folder = Path(call["folder"])
    return Order(
        callable=call["callable"],
        arguments=placeholders.fill(call["arguments"], call["values"], os.environ),
        confined=call["confined"],
        environment=call["environment"],
        files={name: (folder / name).read_bytes() for name in ("context", "checkpoint")},
    )


def pieces(order: Order, is_wanted: Callable[[], bool] = lambda: True) -> Iterator[Piece]:
    """Makes the call, and yields what it says while it goes on. Closing this stops it.

    So does ``is_wanted``, which is asked all the time; then what the call still says is yielded, and how it ended.
    """
    with TemporaryDirectory(prefix="conductor-run-") as name:
        folder = Path(name)
        command = _start(order, folder)
        offsets = dict.fromkeys(FILES, 0)
        try:
            while _goes_on(command):
                yield from _added(folder, offsets)
                if not is_wanted():
                    _stop(command)
            yield from _added(folder, offsets)
            yield EXIT, _status(folder)
        finally:
            _stop(command)


def take(piece: Piece, folder: Path) -> int | None:
    """Adds a piece to the files of the run's own folder; the exit status when it is the last."""
    name, data = piece
    if name == EXIT:
        return int(data)
    with (folder / name).open("ab") as file:
        file.write(data)
    return None


def _start(order: Order, folder: Path) -> subprocess.Popen[bytes]:
    call = {
        "callable": order["callable"],
        "arguments": order["arguments"],
        "values": None,
        "path": [entry or os.getcwd() for entry in sys.path],  # what the worker can import, the call can
        "messages": str(folder / "messages"),
        "confined": order["confined"],
    }
    contents = {"call": json.dumps(call).encode(), **dict.fromkeys(FILES, b""), **order["files"]}
    for name, data in contents.items():  # nobody else can look into the folder
        (folder / name).write_bytes(data)
    environment = {
        **os.environ,
        **order["environment"],
        "PYTHONUNBUFFERED": "1",
        "CONDUCTOR_CHECKPOINT": str(folder / "checkpoint"),
        **pipes.environment(folder / "context", folder / "messages"),
    }
    call_function = (sys.executable, "-m", "conductor_agent.children.call_function", str(folder / "call"))
    with (folder / "stdout").open("ab") as stdout, (folder / "stderr").open("ab") as stderr:
        return subprocess.Popen(
            ["/bin/sh", "-c", _TETHERED, "sh", _SHIM, str(folder), "", *call_function],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


def _goes_on(command: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        command.wait(_LOOK_EVERY)
    return command.returncode is None


def _added(folder: Path, offsets: dict[str, int]) -> Iterator[Piece]:
    for name in offsets:
        with (folder / name).open("rb") as file:
            file.seek(offsets[name])
            while data := file.read(_PIECE):
                offsets[name] += len(data)
                yield name, data


def _status(folder: Path) -> bytes:
    """What the shim has written; without that it was killed."""
    try:
        return (folder / "exit").read_bytes().split()[0]
    except (FileNotFoundError, IndexError):
        return b"%d" % (128 + signal.SIGKILL)


def _stop(command: subprocess.Popen[bytes]) -> None:
    """TERM to the whole group, and after a while KILL. That it is over already is no error."""
    if command.poll() is None:
        os.killpg(command.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.wait(GRACE)
    assert command.stdin is not None
    command.stdin.close()  # whoever is left is killed by the end of the pipe
    command.wait()
