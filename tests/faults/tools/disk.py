"""A small disk that can be filled and freed: a tmpfs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BLOCK = b"\0" * 65536


def missing() -> str:
    """Why there is none."""
    if os.geteuid() != 0:
        return "mounting is root's"
    return "" if shutil.which("mount") else "there is no mount"


class SmallDisk:
    """In a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Until nothing more fits."""
        with (self.folder / "ballast").open("ab", buffering=0) as file:
            for size in (len(_BLOCK), 4096, 1):
                try:
                    while file.write(_BLOCK[:size]):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        (self.folder / "ballast").unlink()


@contextmanager
def small_disk(folder: Path, *, mib: int) -> Iterator[SmallDisk]:
    """Taken away in the end, whoever still has a file open on it."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", str(folder)], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
