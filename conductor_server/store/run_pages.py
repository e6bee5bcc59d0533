"""Runs as people see them: listed, newest first, and one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from conductor_server.model.definition import Json
from conductor_server.model.errors import NotFoundError
from conductor_server.model.states import CreatedBy, Outcome, RunStatus
from conductor_server.store import readiness, schema
from conductor_server.store.sight import Sight, sees
from conductor_server.store.slots import slot_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    """A run. ``ended_at`` is set when it has ended, whatever way; ``late_reports`` are sentences."""

    id: int
    slot: str
    definition: str
    source: str
    attempt: int
    status: RunStatus
    created_by: CreatedBy
    agent: str
    epoch: int
    waiting_at: dt.datetime
    running_at: dt.datetime | None
    heartbeat_at: dt.datetime | None
    ended_at: dt.datetime | None
    cancel_requested_at: dt.datetime | None
    exit_code: int | None
    error: str
    result: Mapping[str, Json] | None
    progress: Mapping[str, Json] | None
    late_reports: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs, of those that are seen; what is empty does not narrow. An account's include those of its keywords."""

    sight: Sight
    definition: str = ""
    account: str = ""
    slot_id: int | None = None
    statuses: Collection[RunStatus] = ()


def page(
    db: sa.Connection, query: RunQuery, *, after: int | None, limit: int
) -> tuple[list[ShownRun], int | None]:
    """The runs before that one, newest first, and the id to go on from if there are more."""
    run = schema.run
    rows = _rows().where(sees(schema.slot.c.member_id, query.sight))
    if query.definition:
        rows = rows.where(schema.definition.c.name == query.definition)
    if query.account:
        rows = rows.where(readiness.account.c.token == query.account)
    if query.slot_id is not None:
        rows = rows.where(run.c.slot_id == query.slot_id)
    if query.statuses:
        rows = rows.where(run.c.status.in_(query.statuses))
    if after is not None:
        rows = rows.where(run.c.id < after)
    found = _shown(db, db.execute(rows.order_by(run.c.id.desc()).limit(limit + 1)).all())
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def by_id(db: sa.Connection, run_id: int, *, sight: Sight) -> ShownRun:
    """Raises NotFoundError."""
    wanted = (schema.run.c.id == run_id) & sees(schema.slot.c.member_id, sight)
    found = _shown(db, db.execute(_rows().where(wanted)).all())
    if not found:
        raise NotFoundError(f"there is no run {run_id}: see conductor-cli runs list")
    return found[0]


ENDED_AT: Mapping[RunStatus, sa.Column[dt.datetime | None]] = {
    RunStatus.SUCCESS: schema.run.c.success_at,
    RunStatus.FAILED: schema.run.c.failed_at,
    RunStatus.TIMEOUT: schema.run.c.timeout_at,
    RunStatus.CANCELLED: schema.run.c.cancelled_at,
    RunStatus.RELEASED: schema.run.c.released_at,
}
"""The instant of each status that ends a run."""


def _rows() -> sa.Select[Any]:
    run, slot, definition, member = schema.run, schema.slot, schema.definition, schema.member
    return sa.select(
        *(
            run.c[name]
            for name in (
                "id",
                "attempt",
                "status",
                "created_by",
                "agent",
                "epoch",
                "waiting_at",
                "running_at",
                "heartbeat_at",
                "cancel_requested_at",
                "exit_code",
                "error",
                "result",
                "progress",
            )
        ),
        sa.func.coalesce(*ENDED_AT.values()).label("ended_at"),
        definition.c.name.label("definition"),
        schema.source.c.name.label("source"),
        member.c.path,
        schema.window.c.label,
    ).select_from(
        run.join(slot, slot.c.id == run.c.slot_id)
        .join(definition, definition.c.id == slot.c.definition_id)
        .join(member, member.c.id == slot.c.member_id)
        .join(schema.window, schema.window.c.id == slot.c.window_id)
        .join(schema.source, schema.source.c.id == run.c.source_id)
        .outerjoin(readiness.account, readiness.account.c.id == member.c.account_id)
    )


def _shown(db: sa.Connection, rows: Sequence[Any]) -> list[ShownRun]:
    late = _late_reports(db, [row.id for row in rows])
    return [
        ShownRun(
            id=row.id,
            slot=slot_name(row.definition, row.path, row.label),
            definition=row.definition,
            source=row.source,
            attempt=row.attempt,
            status=RunStatus(row.status),
            created_by=CreatedBy(row.created_by),
            agent=row.agent or "",
            epoch=row.epoch,
            waiting_at=row.waiting_at,
            running_at=row.running_at,
            heartbeat_at=row.heartbeat_at,
            ended_at=row.ended_at,
            cancel_requested_at=row.cancel_requested_at,
            exit_code=row.exit_code,
            error=row.error or "",
            result=row.result,
            progress=row.progress,
            late_reports=late.get(row.id, ()),
        )
        for row in rows
    ]


def _late_reports(db: sa.Connection, run_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    table = schema.late_report
    found: dict[int, tuple[str, ...]] = {}
    for row in db.execute(sa.select(table).where(table.c.run_id.in_(run_ids)).order_by(table.c.id)):
        outcome = Outcome(row.outcome).word.replace("_", " ")
        error = f": {row.error}" if row.error else ""
        sentence = (
            f"{row.disposition} at {row.at:%F %T}Z: agent {row.agent} says under epoch {row.epoch} "
            f"that it {outcome}{error}"
        )
        found[row.run_id] = (*found.get(row.run_id, ()), sentence)
    return found
