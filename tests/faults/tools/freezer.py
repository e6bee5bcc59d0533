"""A group of processes that can be stopped in one instant, whatever they have started: a control group."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UNIFIED = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
_LEGACY = Path("/sys/fs/cgroup/freezer")


def missing() -> str:
    """Why there is none."""
    if os.geteuid() != 0:
        return "control groups are root's here"
    return "" if _parent() is not None else "this machine has no cgroup freezer"


class Freezer:
    """One group. Whoever is in it takes what it starts along."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_unified = (folder / "cgroup.freeze").exists()

    def add(self, pid: int) -> None:
        (self._folder / "cgroup.procs").write_text(str(pid))

    def freeze(self) -> None:
        self._turn("1", "FROZEN")

    def thaw(self) -> None:
        self._turn("0", "THAWED")

    def _turn(self, unified: str, legacy: str) -> None:
        if self._is_unified:
            (self._folder / "cgroup.freeze").write_text(unified)
        else:
            (self._folder / "freezer.state").write_text(legacy)


@contextmanager
def freezer(name: str) -> Iterator[Freezer]:
    parent = _parent()
    assert parent is not None
    folder = parent / name
    folder.mkdir()
    group = Freezer(folder)
    try:
        yield group
    finally:
        group.thaw()
        for pid in (folder / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (parent / "cgroup.procs").write_text(pid)
        time.sleep(0.05)
        with suppress(OSError):
            folder.rmdir()


def _parent() -> Path | None:
    for root in _UNIFIED:
        if (root / "cgroup.controllers").exists():
            return root
    return _LEGACY if (_LEGACY / "cgroup.procs").exists() else None
