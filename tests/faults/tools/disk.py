"""A small disk that can be filled and freed: a tmpfs in a mount namespace of its own, gone with its holder."""

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
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return "there is no unshare or nsenter (util-linux)"
    return ""


class SmallDisk:
    """``inside`` is its folder for programs started ``via`` it, ``outside`` the same folder for everybody else."""

    def __init__(self, folder: Path, holder: int) -> None:
        self.inside = folder
        self.outside = Path(f"/proc/{holder}/root{folder}")
        self.via = ("nsenter", "--mount", f"--target={holder}")

    def fill(self) -> None:
        """Until nothing more fits."""
        with (self.outside / "ballast").open("ab", buffering=0) as file:
            for size in (len(_BLOCK), 4096, 1):
                try:
                    while file.write(_BLOCK[:size]):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        (self.outside / "ballast").unlink()


@contextmanager
def small_disk(folder: Path, *, mib: int) -> Iterator[SmallDisk]:
    folder.mkdir()
    script = 'mount -t tmpfs -o "size=$1" none "$2" && echo mounted && exec sleep infinity'
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", f"{mib}m", str(folder)]
    holder = subprocess.Popen(argv, stdout=subprocess.PIPE, cwd="/")
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mounted\n", "the small disk could not be mounted"
        yield SmallDisk(folder, holder.pid)
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout is not None:
            holder.stdout.close()
