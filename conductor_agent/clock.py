"""The only module that reads a clock or makes an id; everything else is handed what it needs."""

from __future__ import annotations

import time
import uuid


class Clock:
    """Spans are measured since the machine booted, its sleep included, so that they outlive an agent's restart."""

    def boottime(self) -> float:
        """Seconds since boot; the same scale as ``/proc/uptime``, which the shim writes down."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def now(self) -> float:
        """Seconds since the epoch, by the wall clock: only for how old something is that outlives a boot."""
        return time.time()


def new_id() -> str:
    """An id that nobody has had before."""
    return uuid.uuid4().hex
