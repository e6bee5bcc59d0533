"""PgQueuer: asyncpg and uvloop, as its command line has them, and batches of 100, its fastest measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg
import uvloop
from pgqueuer import QueueManager
from pgqueuer.models import Job
from pgqueuer.queries import Queries

BATCH = 100


@contextmanager
def worker(url: str) -> Iterator[Callable[[int], float]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_install(url))
        yield lambda jobs: runner.run(_drain(url, jobs))


async def _drain(url: str, jobs: int) -> float:
    """Timed until the last job is logged as done and its row is gone."""
    connection = await asyncpg.connect(url)
    try:
        queries = Queries.from_asyncpg_connection(connection)
        await queries.enqueue(["noop"] * jobs, [None] * jobs, [0] * jobs)
        await connection.execute("ANALYZE")
        manager = QueueManager(queries)
        missing = jobs

        @manager.entrypoint("noop")
        async def noop(job: Job) -> None:
            nonlocal missing
            missing -= 1
            if not missing:
                manager.shutdown.set()

        began = time.perf_counter()
        await manager.run(batch_size=BATCH)
        return time.perf_counter() - began
    finally:
        await connection.close()


async def _install(url: str) -> None:
    connection = await asyncpg.connect(url)
    await Queries.from_asyncpg_connection(connection).install()
    await connection.close()
