"""Slots that may start have a run; slots that never can are skipped, and opened again when they can after all."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.store import definitions, graph_state, starts
from conductor_server.store.starts import Decided, Moment


def ensure_runs_exist(db: sa.Connection, tick: Tick) -> StepResult:
    """Put to their start policies, all in sets, the slots that may have become ready since the last pass, or all.

    Raises ConflictError while the graph is half there.
    """
    graph_state.check(db)
    moment = Moment(
        now=tick.now,
        delays=tuple(sorted(definitions.delays(db))),
        many_parents=tick.settings.many_parents,
    )
    if tick.full:
        done = starts.decide_all(db, moment)
    else:
        done = starts.decide_changed(db, tick.news.slots, moment) if tick.news.slots else Decided()
        done += starts.decide_due(db, tick.news.windows, moment) if tick.news.windows else Decided()
    # A skipped slot may be all that its own children were waiting for.
    return StepResult(changed=done.changed, more=done.follows)
