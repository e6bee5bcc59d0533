"""Output of runs: chunks addressed by offset, so that a repeated or reordered one does no harm; capped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.store import dialect, schema

RUN_BYTES_MAX = 10 * 1024 * 1024
"""Of one run's output, all streams together, the first this many bytes are kept."""

TRUNCATED = b"\n[conductor: the rest of this output was not kept: it is over the limit of 10 MiB a run]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a stream (``stdout``, ``stderr``, ``agent``) that begins at an offset."""

    run_id: int
    stream: str
    offset: int
    data: bytes
    eof: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """Where to go on from; ``closed`` means not at all."""

    next_offset: int
    closed: bool


def append(db: sa.Connection, chunk: Chunk) -> Appended:
    """Add a chunk if it begins where its stream ends, or overlaps that point; else only say where that is."""
    table = schema.log_stream
    sizes = {
        row.stream: row.size
        for row in db.execute(sa.select(table.c.stream, table.c.size).where(table.c.run_id == chunk.run_id))
    }
    if not sizes and not _exists(db, chunk.run_id):
        return Appended(next_offset=chunk.offset, closed=True)
    size, total = sizes.get(chunk.stream, 0), sum(sizes.values())
    if chunk.offset > size:
        return Appended(next_offset=size, closed=False)
    data = chunk.data[size - chunk.offset :]
    room = RUN_BYTES_MAX - total
    over = len(data) > room
    if over:
        data = data[: max(room, 0)] + TRUNCATED if room >= 0 else b""
    if data:
        values = {"run_id": chunk.run_id, "stream": chunk.stream, "offset": size, "data": data}
        db.execute(sa.insert(schema.log_chunk).values(**values))
    if data or chunk.eof or chunk.stream not in sizes:
        values = {"size": size + len(data), "complete": chunk.eof or over}
        db.execute(
            dialect.insert(db, table)
            .values(run_id=chunk.run_id, stream=chunk.stream, **values)
            .on_conflict_do_update(index_elements=["run_id", "stream"], set_=values)
        )
    return Appended(next_offset=size + len(data), closed=over)


def is_from_holder(db: sa.Connection, run_id: int, *, agent: str, epoch: int) -> bool:
    """Whether that agent holds, or held, the run under that epoch: nobody else may write its output."""
    run = schema.run
    query = sa.select(1).where(run.c.id == run_id, run.c.agent == agent, run.c.epoch == epoch)
    return db.execute(query).first() is not None


def read(
    db: sa.Connection, run_id: int, *, positions: dict[str, int], stream: str = "", limit: int = 32
) -> Sequence[Chunk]:
    """The chunks of a run beyond the positions reached, stream by stream; all streams, or one."""
    table = schema.log_chunk
    streams = (
        [stream]
        if stream
        else db.execute(
            sa.select(schema.log_stream.c.stream)
            .where(schema.log_stream.c.run_id == run_id)
            .order_by(schema.log_stream.c.stream)
        )
        .scalars()
        .all()
    )
    found: list[Chunk] = []
    for name in streams:
        rows = db.execute(
            sa.select(table)
            .where(table.c.run_id == run_id, table.c.stream == name, table.c.offset >= positions.get(name, 0))
            .order_by(table.c.offset)
            .limit(limit)
        )
        found += [Chunk(run_id=run_id, stream=row.stream, offset=row.offset, data=row.data) for row in rows]
    return found


def all_here(db: sa.Connection, run_id: int) -> bool:
    """Whether every stream that was begun is complete."""
    table = schema.log_stream
    query = sa.select(sa.func.count()).where(table.c.run_id == run_id, ~table.c.complete)
    return db.execute(query).scalar_one() == 0


def _exists(db: sa.Connection, run_id: int) -> bool:
    return db.execute(sa.select(1).where(schema.run.c.id == run_id)).first() is not None
