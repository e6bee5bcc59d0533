"""Of what commit, when and on what machine a figure was made: what every generated page of figures says."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]


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
