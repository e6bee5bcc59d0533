"""Running runs that are given up: their agents are silent, or let them go on far beyond their time-out.

Called by ``ensure_runs_timeout``. Every write is a compare-and-set on what was found: whatever an agent does in between
wins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import RunStatus, SlotState
from conductor_server.policy.retry import LOSSES_MAX, quarantine_reason
from conductor_server.store import agenda, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A run that its agent holds, and is to hold no longer. ``losses``: agents lost in a row with its slot before."""

    id: int
    slot_id: int
    agent: str
    losses: int
    cancel_requested: bool


def silent_since(db: sa.Connection, before: dt.datetime, *, limit: int) -> Sequence[Held]:
    """Running runs whose last heartbeat is older than that, the most silent first."""
    rows = db.execute(_SILENT, {"before": before, "at_most": limit})
    return [Held(**row._asdict()) for row in rows]


def declared(db: sa.Connection) -> Sequence[dt.timedelta]:
    """The time-outs that definitions have, but those that are set aside: they may have anything."""
    rows = db.execute(_DECLARED)
    return [dt.timedelta(seconds=seconds) for seconds in rows.scalars()]


def running_since(
    db: sa.Connection, before: dt.datetime, *, timeout: dt.timedelta, limit: int
) -> Sequence[Held]:
    """Running runs of definitions with that time-out that were claimed before that, the oldest first."""
    parameters = {"timeout_s": timeout.total_seconds(), "before": before, "at_most": limit}
    return [Held(**row._asdict()) for row in db.execute(_OVERDUE, parameters)]


_BEFORE: Any = sa.bindparam("before", type_=schema.run.c.running_at.type)
_HELD = (
    sa.select(
        schema.run.c.id,
        schema.run.c.slot_id,
        schema.run.c.agent,
        schema.slot.c.losses,
        schema.run.c.cancel_requested_at.is_not(None).label("cancel_requested"),
    )
    .join(schema.slot, schema.slot.c.id == schema.run.c.slot_id)
    .where(schema.run.c.status == RunStatus.RUNNING)
    .limit(sa.bindparam("at_most"))
)
_SILENT = _HELD.where(schema.run.c.heartbeat_at < _BEFORE).order_by(schema.run.c.heartbeat_at)
_OVERDUE = (
    _HELD.join(schema.definition, schema.definition.c.id == schema.slot.c.definition_id)
    .where(schema.definition.c.timeout_s == sa.bindparam("timeout_s"), schema.run.c.running_at < _BEFORE)
    .order_by(schema.run.c.running_at)
)
_DECLARED = (
    sa.select(schema.definition.c.timeout_s)
    .where(schema.definition.c.timeout_s.is_not(None), schema.definition.c.fault == "")
    .distinct()
    .order_by(schema.definition.c.timeout_s)
)


def forget_future_heartbeats(db: sa.Connection, *, now: dt.datetime) -> None:
    """After the clock was set back: a run is not to count as alive until the wrong time has come."""
    run = schema.run
    db.execute(
        sa.update(run)
        .where(run.c.status == RunStatus.RUNNING, run.c.heartbeat_at > now)
        .values(heartbeat_at=now)
    )


def give_up_silent(
    db: sa.Connection, silent: Collection[Held], *, before: dt.datetime, now: dt.datetime
) -> Sequence[Held]:
    """Time out those that are still silent: a heartbeat that came in between wins. Answers whom it hit."""
    reason = "agent {} was not heard of for too long: it, its machine or the network is gone"
    return _give_up(db, silent, still=schema.run.c.heartbeat_at < before, reason=reason, now=now)


def give_up_overdue(
    db: sa.Connection,
    overdue: Collection[Held],
    *,
    timeout: dt.timedelta,
    before: dt.datetime,
    now: dt.datetime,
) -> Sequence[Held]:
    """Time out those that still run, whatever their agents say; a report that came in between wins.

    Their agents' next heartbeats are answered with the news that the leases are lost. Answers whom it hit.
    """
    reason = f"it ran far beyond its timeout of {timeout}, and agent {{}} did not stop it"
    return _give_up(db, overdue, still=schema.run.c.running_at < before, reason=reason, now=now)


def _give_up(
    db: sa.Connection, held: Collection[Held], *, still: sa.ColumnElement[bool], reason: str, now: dt.datetime
) -> Sequence[Held]:
    """Time out those runs that are ``still`` as they were found. Answers which.

    Where a cancellation had been asked for, the slot is cancelled; after ``LOSSES_MAX`` agents in a row it is
    quarantined; else it waits for its retry.
    """
    run, slot = schema.run, schema.slot
    hit: list[Held] = []
    for each in held:
        changed = db.execute(
            sa.update(run)
            .where(run.c.id == each.id, run.c.status == RunStatus.RUNNING, still)
            .values(status=RunStatus.TIMEOUT, timeout_at=now, error=reason.format(each.agent))
        ).rowcount
        if not changed:
            continue
        hit.append(each)
        values: dict[str, Any] = {
            "failures": slot.c.failures + 1,
            "losses": slot.c.losses + 1,
            "failed_at": now,
            "ever_failed": True,
        }
        if each.cancel_requested:
            values |= {"state": SlotState.CANCELLED, "decided_at": now, "reason": "cancelled by an operator"}
        elif each.losses + 1 >= LOSSES_MAX:
            why = quarantine_reason(each.losses + 1)
            values |= {"state": SlotState.QUARANTINED, "decided_at": now, "reason": why}
        db.execute(
            sa.update(slot)
            .where(slot.c.id == each.slot_id, slot.c.state == SlotState.ACTIVE)
            .values(**values)
        )
    agenda.note(db, [each.slot_id for each in hit], at=now)
    return hit
