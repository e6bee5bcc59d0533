"""What was decided long ago is deleted: slots with their runs and logs, and agents that are gone."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.store import agents, events, slots


def ensure_retention(db: sa.Connection, tick: Tick) -> StepResult:
    """Delete at most a batch, oldest first. Does nothing where retention is not set."""
    if tick.settings.retention is None:
        return StepResult()
    before = tick.now - tick.settings.retention
    deleted = slots.delete_decided(db, before=before, limit=tick.settings.batch)
    forgotten = agents.forget(db, silent_since=before) + events.delete_before(
        db, before, limit=tick.settings.batch
    )
    return StepResult(changed=deleted + forgotten, more=deleted == tick.settings.batch)
