"""The few counts that metrics show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.model.states import LIVE_RUNS, RunStatus, SlotState
from conductor_server.store import leadership, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """``live_runs`` by source and status, ``slots`` by state."""

    slots: Mapping[str, int]
    live_runs: Mapping[tuple[str, str], int]
    agents: int
    leader_epoch: int


def read(db: sa.Connection) -> Gauges:
    slot, run, source, agent = schema.slot, schema.run, schema.source, schema.agent
    slots = db.execute(sa.select(slot.c.state, sa.func.count()).group_by(slot.c.state))
    live = db.execute(
        sa.select(source.c.name, run.c.status, sa.func.count())
        .join(source, source.c.id == run.c.source_id)
        .where(run.c.status.in_(LIVE_RUNS))
        .group_by(source.c.name, run.c.status)
    )
    return Gauges(
        slots={SlotState(state).word: number for state, number in slots},
        live_runs={(name, RunStatus(status).word): number for name, status, number in live},
        agents=db.execute(sa.select(sa.func.count()).select_from(agent)).scalar_one(),
        leader_epoch=leadership.load(db).epoch,
    )
