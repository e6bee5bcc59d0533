"""The raw limit: a queue in one table on the same database, claimed and completed in batches by one client.

Each transaction completes the batch before and claims the next, through SQLAlchemy like the server: no network but the
database's, no slots, no agents, nothing decided. Its table holds what every queue with leases has to write.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from conductor_server.model.states import RunStatus
from conductor_server.store import schema
from conductor_server.store.database import Database, UtcDateTime

BATCH = 100

_WAITING = sa.text(f"status = {RunStatus.WAITING:d}")

queue = sa.Table(
    "bench_queue",
    sa.MetaData(),
    sa.Column("id", schema.Key, primary_key=True),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("epoch", schema.Key, nullable=False),
    sa.Column("agent", sa.Text),
    sa.Column("running_at", UtcDateTime),
    sa.Column("heartbeat_at", UtcDateTime),
    sa.Column("success_at", UtcDateTime),
    sa.Column("completion_id", sa.Text),
    sa.Index(
        "bench_queue_waiting_idx",
        sa.desc("priority"),
        "id",
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    ),
    postgresql_with={"fillfactor": 70},
)


class RawLoop:
    """A queue of its own beside the server's tables."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def fill(self, jobs: int) -> None:
        """Make the table anew, with that many waiting jobs."""
        rows = [
            {"id": number, "status": RunStatus.WAITING, "priority": 0, "epoch": 0}
            for number in range(1, jobs + 1)
        ]

        def work(db: sa.Connection) -> None:
            queue.metadata.drop_all(db)
            queue.metadata.create_all(db)
            db.execute(sa.insert(queue), rows)
            db.execute(sa.text("ANALYZE bench_queue"))

        self.database.write(work)

    def drain(self, jobs: int) -> float:
        """Claim and complete that many, which must be waiting. Answers jobs per second."""
        began = time.perf_counter()
        claimed: list[int] = []
        missing = jobs
        while claimed or missing:
            claimed = self.database.write(partial(turn, done=claimed, wanted=min(BATCH, missing)))
            assert claimed or not missing, "the queue ran dry"
            missing -= len(claimed)
        return jobs / (time.perf_counter() - began)


def turn(db: sa.Connection, *, done: Sequence[int], wanted: int) -> list[int]:
    """One transaction's work: complete those, claim up to so many. Answers the ids of the claimed."""
    now = dt.datetime.now(dt.UTC)
    if done:
        db.execute(_COMPLETE, {"ids": done, "now": now})
    if not wanted:
        return []
    return list(db.execute(_CLAIM[db.dialect.name], {"wanted": wanted, "now": now}).scalars())


_COMPLETE = (
    sa.update(queue)
    .where(queue.c.id.in_(sa.bindparam("ids", expanding=True)), queue.c.status == RunStatus.RUNNING)
    .values(status=RunStatus.SUCCESS, success_at=sa.bindparam("now"), completion_id="1-1")
)

_NEXT = (
    sa.select(queue.c.id)
    .where(queue.c.status == RunStatus.WAITING)
    .order_by(queue.c.priority.desc(), queue.c.id)
    .limit(sa.bindparam("wanted"))
    .with_for_update(skip_locked=True)
)

# PostgreSQL plans `IN (SELECT … LIMIT)` as a scan of the table; an array is looked up in the index.
_IS_NEXT = {
    "postgresql": queue.c.id == sa.any_(sa.func.array(_NEXT.scalar_subquery())),
    "sqlite": queue.c.id.in_(_NEXT),
}

_CLAIM = {
    dialect: sa.update(queue)
    .where(is_next)
    .values(
        status=RunStatus.RUNNING,
        epoch=queue.c.epoch + 1,
        agent="raw",
        running_at=sa.bindparam("now"),
        heartbeat_at=sa.bindparam("now"),
    )
    .returning(queue.c.id)
    for dialect, is_next in _IS_NEXT.items()
}
