"""A shim's process: known by boot id, pid and start time, watched by a pidfd, signalled as a group.

The kernel hands a pid out again as soon as its process is gone. Nothing here trusts a number alone: a process that was
written down is the same one only if the machine has not booted since and it started at the same tick, and a signal goes
through the pidfd where the kernel can do that (Linux 6.9).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import select
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME_FIELD = 22  # of /proc/<pid>/stat, counted from 1, in clock ticks since boot
_PIDFD_SIGNAL_PROCESS_GROUP = 1 << 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which process it was. ``started`` is in seconds since boot."""

    boot_id: str
    pid: int
    start_time: int
    started: float

    @property
    def of_this_boot(self) -> bool:
        return self.boot_id == _boot_id()


@functools.cache
def _boot_id() -> str:
    """The machine's; a process does not live to see another one."""
    return _BOOT_ID.read_text().strip()


def read_identity(path: Path) -> Identity | None:
    """What a shim wrote about itself; ``None`` where it has not (all of it is one write, ended by a line end)."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    if text.count("\n") < 3:
        return None
    boot_id, stat, uptime = text.splitlines()[:3]
    return Identity(
        boot_id=boot_id,
        pid=int(stat.split(" ", 1)[0]),
        start_time=_start_time(stat),
        started=float(uptime.split()[0]),
    )


class Process:
    """A live shim, our own child or one that an earlier agent left."""

    def __init__(self, pidfd: int, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self._pidfd = pidfd
        self._pid = pid
        self._child = child

    @classmethod
    def of_child(cls, child: subprocess.Popen[bytes]) -> Process:
        # not reaped yet, so the number is still its own
        return cls(os.pidfd_open(child.pid), child.pid, child)

    @classmethod
    def find(cls, identity: Identity) -> Process | None:
        """The process of that identity, if it still lives."""
        if not identity.of_this_boot:
            return None
        try:
            pidfd = os.pidfd_open(identity.pid)
        except ProcessLookupError:
            return None
        # only now, with the process pinned, does its start time say whose number this is
        try:
            stat = Path(f"/proc/{identity.pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            stat = ""
        if stat and _start_time(stat) == identity.start_time:
            return cls(pidfd, identity.pid)
        os.close(pidfd)
        return None

    @property
    def pid(self) -> int:
        return self._pid

    async def ended(self) -> None:
        """Returns when the shim is gone; may be awaited again and again, and given up."""
        if self._is_over():
            return
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        loop.add_reader(self._pidfd, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(self._pidfd)

    def signal_group(self, number: signal.Signals) -> None:
        """Sends a signal to everything in the shim's process group. That nobody is left is no error."""
        with contextlib.suppress(ProcessLookupError):
            try:
                signal.pidfd_send_signal(self._pidfd, number, None, _PIDFD_SIGNAL_PROCESS_GROUP)
            except OSError as error:
                if isinstance(error, ProcessLookupError):
                    raise
                # An older kernel. Our own child is not reaped yet and keeps its number; an adopted one that ends
                # just now could lose it between these two lines, and only there.
                if self._child is not None or not self._is_over():
                    os.killpg(self._pid, number)

    def close(self) -> None:
        """Lets go of the process; our own child is reaped if it has ended, and left to init if it goes on."""
        if self._child is not None and self._is_over():
            self._child.wait()
        os.close(self._pidfd)

    def _is_over(self) -> bool:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))


def _start_time(stat: str) -> int:
    """The start time in a line of ``/proc/<pid>/stat``, whose second field may hold spaces and parentheses."""
    after_name = stat.rpartition(")")[2].split()
    return int(after_name[_START_TIME_FIELD - 3])
