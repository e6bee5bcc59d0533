"""The leader's row: taken and renewed by compare-and-set, and checked within every transaction of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.model.errors import NotLeadingError
from conductor_server.policy.leadership import Leader
from conductor_server.store import schema

_ROW = schema.leader.c.id == 1

_LOAD = sa.select(
    schema.leader.c.holder, schema.leader.c.server, schema.leader.c.epoch, schema.leader.c.renewals
).where(_ROW)

_RENEW = (
    sa.update(schema.leader)
    .where(
        _ROW,
        schema.leader.c.holder == sa.bindparam("our_holder"),
        schema.leader.c.epoch == sa.bindparam("our_epoch"),
    )
    .values(renewals=schema.leader.c.renewals + 1)
)

EPOCH = "conductor.leader_epoch"
"""PostgreSQL's name for the epoch under which the present transaction was decided; triggers and logs can read it."""


def load(db: sa.Connection) -> Leader:
    return Leader(**db.execute(_LOAD).one()._asdict())


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
        .values(holder=holder, server=server, epoch=seen.epoch + 1, renewals=0, problems=[])
    ).rowcount
    return seen.epoch + 1 if taken else None


def renew(db: sa.Connection, *, holder: str, epoch: int) -> bool:
    """Give a sign of life. Answers whether we still lead. Does not wait for transactions of the engine."""
    return bool(db.execute(_RENEW, {"our_holder": holder, "our_epoch": epoch}).rowcount)


def give_up(db: sa.Connection, *, holder: str, epoch: int) -> bool:
    """Leave the lead to whoever asks first. Answers whether it was ours."""
    table = schema.leader
    ours = _ROW & (table.c.holder == holder) & (table.c.epoch == epoch)
    return bool(db.execute(sa.update(table).where(ours).values(holder="")).rowcount)


def tell(db: sa.Connection, problems: Sequence[str]) -> None:
    """What the leader's last pass could not do. To be called within a transaction that only the leader can make."""
    db.execute(sa.update(schema.leader).where(_ROW).values(problems=list(problems)))


def problems(db: sa.Connection) -> tuple[str, ...]:
    """What the leader's last pass could not do."""
    return tuple(db.execute(sa.select(schema.leader.c.problems).where(_ROW)).scalar_one())


@cache
def _checking(dialect_name: str) -> sa.Select[Any]:
    columns: list[sa.ColumnElement[Any]] = [schema.leader.c.epoch]
    if dialect_name == "postgresql":
        columns += [
            sa.func.set_config("idle_in_transaction_session_timeout", sa.bindparam("idle_ms"), True),
            sa.func.set_config(EPOCH, sa.bindparam("our_epoch"), True),
        ]
    return sa.select(*columns).where(_ROW).with_for_update(read=True, key_share=True)


def check(db: sa.Connection, *, epoch: int, idle_s: float) -> None:
    """Let nobody take the lead before this transaction ends. Raises NotLeadingError where somebody has.

    ``FOR KEY SHARE`` conflicts with the lock of ``take``, and not with the update of ``renew``. A leader that freezes
    within a transaction would keep all others out: after ``idle_s`` seconds without a statement PostgreSQL undoes it.
    """
    settings = {"idle_ms": str(int(idle_s * 1000)), "our_epoch": str(epoch)}
    parameters = settings if db.dialect.name == "postgresql" else None
    present = db.execute(_checking(db.dialect.name), parameters).scalar_one()
    if present != epoch:
        raise NotLeadingError(f"this server led in epoch {epoch}, and the present one is {present}")
