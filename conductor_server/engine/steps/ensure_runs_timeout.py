"""Runs whose agents are silent for too long are given up."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.store import events, runs
from conductor_server.store.events import Event


def ensure_runs_timeout(db: sa.Connection, tick: Tick) -> StepResult:
    """Time out running runs without a heartbeat, but not for the time in which nobody could have received one."""
    if tick.grace_until is not None and tick.now < tick.grace_until:
        return StepResult()
    before = tick.now - tick.settings.timeout
    silent = runs.silent_since(db, before, limit=tick.settings.batch)
    hit = runs.give_up(db, silent, before=before, now=tick.now)
    events.append(
        db,
        [
            Event(
                kind="run.timeout", subject=f"run {lost.id}", message=f"agent {lost.agent} was not heard of"
            )
            for lost in hit
        ],
        now=tick.now,
    )
    # Their slots are on the agenda: they are retried, or quarantined, in the next pass.
    return StepResult(changed=len(hit), more=bool(hit))
