"""Procrastinate: asynchronous tasks and several at a time, as its guide to concurrency says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from procrastinate import App, PsycopgConnector

CONCURRENCY = 5


@contextmanager
def worker(url: str) -> Iterator[Callable[[int], float]]:
    with asyncio.Runner() as runner:
        runner.run(_install(url))
        yield lambda jobs: runner.run(_drain(url, jobs))


async def _drain(url: str, jobs: int) -> float:
    """Timed until the worker has found the queue empty."""
    app = App(connector=PsycopgConnector(conninfo=url, min_size=CONCURRENCY, max_size=CONCURRENCY + 4))

    @app.task(name="noop")
    async def noop() -> None:
        pass

    async with app.open_async():
        await noop.batch_defer_async(*({} for _ in range(jobs)))
        began = time.perf_counter()
        await app.run_worker_async(
            wait=False, concurrency=CONCURRENCY, listen_notify=False, install_signal_handlers=False
        )
        return time.perf_counter() - began


async def _install(url: str) -> None:
    app = App(connector=PsycopgConnector(conninfo=url))
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
