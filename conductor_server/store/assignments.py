"""Assignments: what an agent is told about the runs that it has claimed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.store import given, readiness, schema
from conductor_server.store.leases import Lease
from conductor_server.store.slots import slot_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Everything about a claimed run that its agent needs, but the spec, which goes by definition."""

    lease: Lease
    slot: str
    attempt: int
    definition_id: int
    definition: str
    fingerprint: str
    source: str
    timeout: dt.timedelta | None
    matrix: str
    member: str
    account: str
    timezone: str
    window_start: dt.datetime
    window_end: dt.datetime
    window_label: str
    checkpoint: bytes | None


def of(db: sa.Connection, leases: Collection[Lease]) -> Sequence[Assignment]:
    """What the agents of freshly claimed runs are told, in the order of the claims."""
    if not leases:
        return []
    rows = db.execute(_assigning(db.dialect.name), given.numbers(lease.run_id for lease in leases)).all()
    by_run = {row.id: row for row in rows}
    return [
        Assignment(
            lease=lease,
            slot=slot_name(row.definition, row.path, row.label),
            attempt=row.attempt,
            definition_id=row.definition_id,
            definition=row.definition,
            fingerprint=row.fingerprint,
            source=row.source,
            timeout=None if row.timeout_s is None else dt.timedelta(seconds=row.timeout_s),
            matrix=row.matrix,
            member=row.member,
            account=row.account,
            timezone=row.timezone,
            window_start=row.starts_at,
            window_end=row.ends_at,
            window_label=row.label,
            checkpoint=row.checkpoint,
        )
        for lease in leases
        if (row := by_run.get(lease.run_id)) is not None
    ]


@cache
def _assigning(dialect_name: str) -> sa.Select[Any]:
    run, slot, definition, member = schema.run, schema.slot, schema.definition, schema.member
    window, source, matrix, above = schema.window, schema.source, schema.matrix, readiness.account
    earlier = schema.run.alias("earlier")
    checkpoint = (
        sa.select(earlier.c.checkpoint)
        .where(earlier.c.slot_id == run.c.slot_id, earlier.c.checkpoint.is_not(None))
        .order_by(earlier.c.attempt.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        sa.select(
            run.c.id,
            run.c.attempt,
            definition.c.id.label("definition_id"),
            definition.c.name.label("definition"),
            definition.c.fingerprint,
            source.c.name.label("source"),
            definition.c.timeout_s,
            matrix.c.name.label("matrix"),
            member.c.token.label("member"),
            member.c.path,
            sa.func.coalesce(above.c.token, "").label("account"),
            member.c.timezone,
            window.c.starts_at,
            window.c.ends_at,
            window.c.label,
            sa.case((run.c.attempt > 1, checkpoint)).label("checkpoint"),
        )
        .select_from(
            run.join(slot, slot.c.id == run.c.slot_id)
            .join(definition, definition.c.id == slot.c.definition_id)
            .join(source, source.c.id == run.c.source_id)
            .join(member, member.c.id == slot.c.member_id)
            .join(matrix, matrix.c.id == member.c.matrix_id)
            .join(window, window.c.id == slot.c.window_id)
            .outerjoin(above, above.c.id == member.c.account_id)
        )
        .where(given.within(dialect_name, run.c.id))
    )
