"""Slots that may start have a run; slots that never can are skipped, and opened again when they can after all."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.store import definitions, graph_state, runs


def ensure_runs_exist(db: sa.Connection, tick: Tick) -> StepResult:
    """Put every due slot to its start policy, all in sets. Raises ConflictError while the graph is half there."""
    graph_state.check(db)
    delays = definitions.delays(db)
    reopened = runs.reopen(db, now=tick.now, delays=delays)
    started = runs.start_ready(db, now=tick.now, delays=delays)
    started += runs.start_anew(db, now=tick.now, delays=delays)
    skipped = runs.skip_hopeless(db, now=tick.now, delays=delays)
    # A skipped slot may be all that its own children were waiting for.
    return StepResult(changed=reopened + started + skipped, more=skipped > 0)
