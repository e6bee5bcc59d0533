"""What the agent knows about its runs, on disk: a folder for each, which outlives the agent and most of its deaths.

=================  ==========  ==========================================================================
file               written by  what it holds
=================  ==========  ==========================================================================
``run.pb``         agent       the claimed run, before anything is started
``process``        shim        boot id, ``/proc`` line and start of the shim; whoever creates it owns the start
``stdout stderr``  command     its output
``agent``          agent       what the agent and the command's Pipes messages say to people
``messages``       command     Dagster Pipes messages, a JSON object a line
``stop``           agent       that the run is being stopped, with the outcome and the reason
``exit``           shim        exit status, and when
``completion.pb``  agent       the report, before it is first sent
``answered``       agent       empty: the report was answered; only output is still to be pushed
=================  ==========  ==========================================================================

Where a run starts in a fork of a warm Python, its leader (``warm_host.py``) writes what is the shim's here.

Reports that were answered stay for a day, in ``answered/`` beside the runs, as many as ``ANSWERED_MAX`` and
``ANSWERED_BYTES_MAX`` allow: a server whose database is restored from a backup is told them again. ``incarnation`` says
which store they were told to.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from conductor_agent import convert
from conductor_agent.errors import UsageError
from conductor_agent.model import Completion, Lease, Outcome, Run
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2

_REMOVED = "removed-"

ANSWERED_FOR = 24 * 60 * 60.0  # seconds
ANSWERED_MAX = 10_000
ANSWERED_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A run as the journal has it."""

    run: Run
    completion: Completion | None = None
    answered: bool = False


class Journal:
    """The runs under one state folder, which it owns by a lock as long as it is open."""

    def __init__(self, state: Path) -> None:
        """Raises ``UsageError`` when another agent has this folder."""
        self._runs = state / "runs"
        self._runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        state.chmod(0o700)
        self._registered = state / "registered"
        self._answered = _Answered(state / "answered")
        self._incarnation = state / "incarnation"
        self._cleaner = ThreadPoolExecutor(1, thread_name_prefix="journal-cleaner")
        # close-on-exec, as every descriptor of Python: a child that inherited it would keep the lock of a dead agent
        self._lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._lock, 32, 0).decode() or "unknown"
            os.close(self._lock)
            message = (
                f"another agent (pid {holder}) uses the state folder {state}: give this one another --name"
            )
            raise UsageError(message) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def close(self) -> None:
        """Gives the state folder up."""
        self._cleaner.shutdown()
        os.close(self._lock)

    @property
    def was_registered(self) -> bool:
        """Whether a server has accepted an agent with this state folder before: then the name is ours."""
        return self._registered.exists()

    def record_registration(self) -> None:
        self._registered.touch()

    def folder(self, lease: Lease) -> Path:
        return self._runs / str(lease)

    def entries(self) -> Iterator[Entry]:
        """Every run that is not done with. What an interrupted removal or claim left is cleared away."""
        for folder in sorted(self._runs.iterdir()):
            run = None if folder.name.startswith(_REMOVED) else _read_run(folder)
            if run is None:
                self._cleaner.submit(shutil.rmtree, folder, ignore_errors=True).result()
                continue
            answered = (folder / "answered").exists()
            yield Entry(run=run, completion=_read_completion(folder), answered=answered)

    def claim(self, run: Run) -> None:
        """A run was received. On disk when this returns."""
        folder = self.folder(run.lease)
        folder.mkdir(mode=0o700)
        _write(folder / "run.pb", convert.run_to_wire(run).SerializeToString())

    def own_start(self, lease: Lease) -> bool:
        """Whether nobody has started this run; then, from now on, nobody will."""
        try:
            os.close(os.open(self.folder(lease) / "process", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True

    def note(self, lease: Lease, line: str) -> None:
        """A line for people, beside the command's own output."""
        with contextlib.suppress(OSError), (self.folder(lease) / "agent").open("a", encoding="utf-8") as file:
            file.write(line.rstrip("\n") + "\n")

    def record_stop(self, lease: Lease, outcome: Outcome, reason: str) -> None:
        """The run is being stopped: an agent that is killed now goes on with it after its restart."""
        _write(self.folder(lease) / "stop", json.dumps([outcome, reason]).encode())

    def stop(self, lease: Lease) -> tuple[Outcome, str] | None:
        """Whether the run was being stopped, as what, and why."""
        try:
            outcome, reason = json.loads((self.folder(lease) / "stop").read_bytes())
        except FileNotFoundError:
            return None
        return Outcome(outcome), reason

    def exit(self, lease: Lease) -> tuple[int, float] | None:
        """The exit status and the seconds since boot at which it came; ``None`` while there is none."""
        try:
            text = (self.folder(lease) / "exit").read_text()
        except FileNotFoundError:
            return None
        if not text.endswith("\n"):
            return None
        status, when, *_ = text.split()
        return int(status), float(when)

    def complete(self, completion: Completion) -> None:
        """A run has ended. On disk when this returns, so that the report may be sent."""
        data = convert.completion_to_wire(completion).SerializeToString()
        _write(self.folder(completion.lease) / "completion.pb", data)

    def record_answer(self, lease: Lease, *, now: float) -> None:
        """The report was answered. Losing this only means to send the report once more."""
        folder = self.folder(lease)
        self._answered.keep(folder / "completion.pb", name=str(lease), now=now)
        if folder.exists():  # else it could not be written when the run was claimed
            (folder / "answered").touch()

    def answered(self, *, now: float) -> Iterator[Completion]:
        """Reports that were answered within the last day, the oldest first. ``now`` is in seconds since the epoch."""
        for path in self._answered.since(now - ANSWERED_FOR):
            with contextlib.suppress(OSError, DecodeError):
                yield convert.completion_from_wire(wire.Completion.FromString(path.read_bytes()))

    def forget_answered(self) -> None:
        """Nobody will ask for them any more."""
        self._answered.clear()

    @property
    def incarnation(self) -> tuple[str, str] | None:
        """The store, and its incarnation, that all reports were told to; ``None`` before the first."""
        try:
            store, token = json.loads(self._incarnation.read_bytes())
        except (OSError, ValueError):
            return None
        return store, token

    def record_incarnation(self, store: str, token: str) -> None:
        if self.incarnation != (store, token):
            _write(self._incarnation, json.dumps([store, token]).encode())

    def remove(self, lease: Lease) -> None:
        """Nothing of this run is needed any more."""
        # a dozen files, each a wait where the disk is busy: not in the way of what goes on
        self._cleaner.submit(self._clear_away, lease)

    def _clear_away(self, lease: Lease) -> None:
        # renamed first: half a folder must never look like a run that was claimed and not started
        removed = self._runs / f"{_REMOVED}{lease}"
        with contextlib.suppress(FileNotFoundError):
            self.folder(lease).rename(removed)
            shutil.rmtree(removed)


class _Answered:
    """The reports that were answered, a file each; the oldest make room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True, mode=0o700)
        found = ((path, path.stat()) for path in folder.iterdir())
        self._kept = deque(sorted((stat.st_mtime, stat.st_size, path.name) for path, stat in found))
        self._bytes = sum(size for _, size, _ in self._kept)

    def keep(self, report: Path, *, name: str, now: float) -> None:
        """Another name for the same file: nothing is copied, and a crash loses nothing that was not answered."""
        with contextlib.suppress(OSError):  # there is no file, or no room: then it is not repeated
            os.utime(report, (now, now))
            os.link(report, self._folder / name)
            size = report.stat().st_size
            self._kept.append((now, size, name))
            self._bytes += size
        self._make_room(now)

    def since(self, instant: float) -> list[Path]:
        return [self._folder / name for kept_at, _, name in self._kept if kept_at >= instant]

    def clear(self) -> None:
        while self._kept:
            self._drop_oldest()

    def _make_room(self, now: float) -> None:
        while self._kept and (
            len(self._kept) > ANSWERED_MAX
            or self._bytes > ANSWERED_BYTES_MAX
            or self._kept[0][0] < now - ANSWERED_FOR
        ):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, size, name = self._kept.popleft()
        self._bytes -= size
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()


def _read_run(folder: Path) -> Run | None:
    try:
        return convert.run_from_wire(run_pb2.ClaimedRun.FromString((folder / "run.pb").read_bytes()))
    except (FileNotFoundError, DecodeError):
        return None  # the claim was not journalled to its end, so nothing was started: the server misses it


def _read_completion(folder: Path) -> Completion | None:
    try:
        return convert.completion_from_wire(
            wire.Completion.FromString((folder / "completion.pb").read_bytes())
        )
    except FileNotFoundError:
        return None


def _write(path: Path, data: bytes) -> None:
    """Replaces a file so that after any crash it is either the old one or the new one."""
    draft = path.with_name(path.name + ".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
