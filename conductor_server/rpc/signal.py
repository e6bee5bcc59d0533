"""Tells everybody who waits that something may have changed."""

from __future__ import annotations

import asyncio
import contextlib


class Signal:
    """Set it as often as you like: whoever waits at that moment goes on. A hint, never the news itself."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout_s: float) -> None:
        """Until the next ``set``, or that many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
