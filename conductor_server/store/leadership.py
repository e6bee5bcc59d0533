"""The leader's row: taken and renewed by compare-and-set, and checked within every transaction of the engine."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.model.errors import NotLeadingError
from conductor_server.policy.leadership import Leader
from conductor_server.store import schema

_ROW = schema.leader.c.id == 1

EPOCH = "conductor.leader_epoch"
"""PostgreSQL's name for the epoch under which the present transaction was decided; triggers and logs can read it."""


def load(db: sa.Connection) -> Leader:
    table = schema.leader
    query = sa.select(table.c.holder, table.c.server, table.c.epoch, table.c.renewals).where(_ROW)
    return Leader(**db.execute(query).one()._asdict())


def take(db: sa.Connection, seen: Leader, *, holder: str, server: str) -> int | None:
    """Take the lead if the row is still as it was seen. Answers the new epoch, or ``None`` if somebody was faster.

    Waits for the transaction in which the old leader is, if there is one: what it has begun under its epoch is
    committed or undone before the next epoch begins.
    """
    table = schema.leader
    db.execute(sa.select(table.c.id).where(_ROW).with_for_update())
    taken = db.execute(
        sa.update(table)
        .where(_ROW, table.c.epoch == seen.epoch, table.c.renewals == seen.renewals)
        .values(holder=holder, server=server, epoch=seen.epoch + 1, renewals=0)
    ).rowcount
    return seen.epoch + 1 if taken else None


def renew(db: sa.Connection, *, holder: str, epoch: int) -> bool:
    """Give a sign of life. Answers whether we still lead. Does not wait for transactions of the engine."""
    table = schema.leader
    ours = _ROW & (table.c.holder == holder) & (table.c.epoch == epoch)
    return bool(db.execute(sa.update(table).where(ours).values(renewals=table.c.renewals + 1)).rowcount)


def give_up(db: sa.Connection, *, holder: str, epoch: int) -> bool:
    """Leave the lead to whoever asks first. Answers whether it was ours."""
    table = schema.leader
    ours = _ROW & (table.c.holder == holder) & (table.c.epoch == epoch)
    return bool(db.execute(sa.update(table).where(ours).values(holder="")).rowcount)


def check(db: sa.Connection, *, epoch: int, idle_s: float) -> None:
    """Let nobody take the lead before this transaction ends. Raises NotLeadingError where somebody has.

    ``FOR KEY SHARE`` conflicts with the lock of ``take``, and not with the update of ``renew``. A leader that freezes
    within a transaction would keep all others out: after ``idle_s`` seconds without a statement PostgreSQL undoes it.
    """
    table = schema.leader
    columns: list[sa.ColumnElement[object]] = [table.c.epoch]
    if db.dialect.name == "postgresql":
        idle_ms = str(int(idle_s * 1000))
        columns += [
            sa.func.set_config("idle_in_transaction_session_timeout", idle_ms, True),
            sa.func.set_config(EPOCH, str(epoch), True),
        ]
    row = db.execute(sa.select(*columns).where(_ROW).with_for_update(read=True, key_share=True)).one()
    if row.epoch != epoch:
        raise NotLeadingError(f"this server led in epoch {epoch}, and the present one is {row.epoch}")
