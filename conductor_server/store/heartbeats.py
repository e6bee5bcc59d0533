"""Heartbeats: which leases still hold, and which runs got lost because their agent does not mention them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.model.definition import Json
from conductor_server.model.states import RunStatus, SlotState, Verdict
from conductor_server.policy.retry import LOSSES_MAX, quarantine_reason
from conductor_server.store import agenda, given, leases, schema
from conductor_server.store.leases import NOW, Lease, still


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A sign of life of one run; progress and checkpoint where they have changed."""

    lease: Lease
    progress: Mapping[str, Json] | None = None
    checkpoint: bytes | None = None


def beat(
    db: sa.Connection, agent: str, beats: Sequence[Beat], *, now: dt.datetime
) -> Mapping[Lease, tuple[Verdict, str]]:
    """Prolong the leases that still hold. Answers a verdict for every run named."""
    held = {held_beat.lease.run_id: held_beat for held_beat in beats}
    rows = db.execute(_facts_of_held(db.dialect.name), given.numbers(held)) if held else ()
    facts = {row.id: row for row in rows}
    verdicts = {beat.lease: _verdict(facts.get(beat.lease.run_id), beat.lease, agent) for beat in beats}
    alive = [
        lease for lease, (verdict, _) in verdicts.items() if verdict in (Verdict.CONTINUE, Verdict.CANCEL)
    ]
    if alive:
        leases = given.rows({"id": lease.run_id, "epoch": lease.epoch} for lease in alive)
        db.execute(_prolonging(db.dialect.name), leases | {"now": now})
    for lease in alive:
        news = held[lease.run_id]
        values: dict[str, object] = {}
        if news.progress is not None:
            values["progress"] = dict(news.progress)
        if news.checkpoint is not None:
            values["checkpoint"] = news.checkpoint
        if values:
            db.execute(
                _telling(frozenset(values)), {"run": lease.run_id, "held_epoch": lease.epoch, **values}
            )
    return verdicts


@cache
def _facts_of_held(dialect_name: str) -> sa.Select[Any]:
    run = schema.run
    return sa.select(run.c.id, run.c.epoch, run.c.status, run.c.agent, run.c.cancel_requested_at).where(
        given.within(dialect_name, run.c.id)
    )


@cache
def _prolonging(dialect_name: str) -> sa.Update:
    run, held = schema.run, given.table(dialect_name, {"id": schema.Key, "epoch": schema.Key})
    return (
        sa.update(run)
        .where(
            given.joined(dialect_name, run.c.id, held),
            run.c.epoch == held.c.epoch,
            still(RunStatus.RUNNING),
        )
        .values(heartbeat_at=NOW)
    )


@cache
def _telling(what: frozenset[str]) -> sa.Update:
    run = schema.run
    return (
        sa.update(run)
        .where(
            run.c.id == sa.bindparam("run"),
            run.c.epoch == sa.bindparam("held_epoch"),
            run.c.status == RunStatus.RUNNING,
        )
        .values({name: sa.bindparam(name) for name in what})
    )


def _verdict(
    row: sa.Row[int, int, int, str, dt.datetime | None] | None, lease: Lease, agent: str
) -> tuple[Verdict, str]:
    if row is None:
        return Verdict.FORGET, f"run {lease.run_id} was removed with its definition or account"
    if row.agent != agent:
        # Whoever holds it, and what became of it, is nobody else's business.
        return Verdict.LEASE_LOST, f"run {lease.run_id} is not held by agent {agent}"
    if row.epoch != lease.epoch:
        return Verdict.LEASE_LOST, f"run {lease.run_id} is at epoch {row.epoch}, not {lease.epoch}"
    if row.status != RunStatus.RUNNING:
        return Verdict.LEASE_LOST, f"run {lease.run_id} is {RunStatus(row.status).word}"
    if row.cancel_requested_at is not None:
        return Verdict.CANCEL, "an operator asked for it"
    return Verdict.CONTINUE, ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A running run that somebody asked to stop."""

    lease: Lease
    agent: str


def cancellations(db: sa.Connection) -> Sequence[Cancellation]:
    """Every running run that is to be stopped."""
    run = schema.run
    rows = db.execute(
        sa.select(run.c.id, run.c.epoch, run.c.agent).where(
            run.c.status == RunStatus.RUNNING, run.c.cancel_requested_at.is_not(None)
        )
    )
    return [Cancellation(lease=Lease(run_id=row.id, epoch=row.epoch), agent=row.agent) for row in rows]


def release_missing(
    db: sa.Connection,
    agent: str,
    held: Collection[int],
    *,
    claimed_before: dt.datetime,
    restarted: bool = False,
    now: dt.datetime,
) -> int:
    """Take back runs that this agent claimed before that instant and does not hold: they were lost on the way.

    Or with the agent's process, if it has been ``restarted`` since. That charges no attempt either, but counts towards
    quarantine: a command that kills its agent, journal and all, would be tried for ever.
    """
    run = schema.run
    lost = db.execute(_CLAIMED_BEFORE, {"agent_name": agent, "before": claimed_before}).scalars()
    missing = [number for number in lost if number not in held]
    if not missing:
        return 0
    released: int = db.execute(
        sa.update(run)
        .where(run.c.id.in_(missing), run.c.status == RunStatus.RUNNING, run.c.agent == agent)
        .values(
            status=RunStatus.RELEASED,
            released_at=now,
            error=f"agent {agent} never received it, or does not know it",
        )
    ).rowcount
    leases.cancel_as_asked(db, missing, now=now)
    if restarted:
        _count_losses(db, missing, now=now)
    agenda.note_ended(db, missing, RunStatus.RELEASED, at=now)
    return released


_CLAIMED_BEFORE = sa.select(schema.run.c.id).where(
    schema.run.c.status == RunStatus.RUNNING,
    schema.run.c.agent == sa.bindparam("agent_name"),
    schema.run.c.running_at < sa.bindparam("before"),
)


def _count_losses(db: sa.Connection, run_ids: Collection[int], *, now: dt.datetime) -> None:
    """One more agent was lost with each of these runs, which are released."""
    run, slot = schema.run, schema.slot
    of_runs = sa.select(run.c.slot_id).where(run.c.id.in_(run_ids), run.c.status == RunStatus.RELEASED)
    lost = sa.update(slot).where(slot.c.id.in_(of_runs), slot.c.state == SlotState.ACTIVE)
    db.execute(lost.values(losses=slot.c.losses + 1))
    db.execute(
        lost.where(slot.c.losses >= LOSSES_MAX).values(
            state=SlotState.QUARANTINED, decided_at=now, reason=quarantine_reason(LOSSES_MAX)
        )
    )
