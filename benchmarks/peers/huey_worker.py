"""huey on SQLite, every commit on disk, results not kept; one worker, since they would share the one lock.

It takes a job off by deleting it, in one commit: a job that its worker dies with is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from huey import SqliteHuey
from sqlalchemy.engine import make_url


@contextmanager
def worker(url: str) -> Iterator[Callable[[int], float]]:
    queue = SqliteHuey(filename=make_url(url).database, fsync=True, results=False)

    @queue.task()
    def noop() -> None:
        pass

    def drain(jobs: int) -> float:
        """Timed until the last is done; the loop is that of huey's own worker."""
        for _ in range(jobs):
            noop()
        began = time.perf_counter()
        for _ in range(jobs):
            queue.execute(queue.dequeue())
        return time.perf_counter() - began

    yield drain
