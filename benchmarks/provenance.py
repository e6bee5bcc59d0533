"""Of what commit, when and on what machine a figure was made: what every generated page of figures says."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]

BUSY = 0.1
"""More than this and the page says so where nobody can overlook it."""


def machine() -> dict[str, Any]:
    """In what the numbers were made."""
    release = platform.freedesktop_os_release()
    return {
        "processors": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "kernel": platform.release().partition("-")[0],
        "system": release.get("PRETTY_NAME", platform.system()),
        "python": platform.python_version(),
    }


def revision() -> str:
    """The commit that was tested; a plus sign where the product differs from it."""
    head = _git("rev-parse", "--short", "HEAD")
    return head + ("+" if _git("status", "--porcelain", "conductor_server", "conductor_agent") else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M")


def provenance(machine: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """When, of what and in what company these rows were measured, in sentences."""
    dates = sorted(row["at"] for row in rows)
    revisions = ", ".join(f"`{each}`" for each in sorted({row["revision"] for row in rows}))
    busy = median(row["busy"] for row in rows)
    company = (
        f"**Others kept {busy:.0%} of the machine busy meanwhile (the median).**"
        if busy > BUSY
        else f"Others kept {busy:.0%} of the machine busy."
    )
    return (
        f"Measured {dates[0]} to {dates[-1]} UTC on {machine['processors']} processors, {machine['memory_gib']} GiB,\n"
        f"{machine['system']}, Linux {machine['kernel']}, Python {machine['python']}; commit {revisions}.\n{company}"
    )
