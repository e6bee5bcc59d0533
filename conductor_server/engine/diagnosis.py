"""Gathers what ``policy/diagnosis`` judges. Called for `conductor-cli doctor`."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from conductor_server.engine.clock import Clock
from conductor_server.engine.status import EngineStatus, problems
from conductor_server.engine.step import EngineSettings
from conductor_server.policy import diagnosis
from conductor_server.policy.diagnosis import Facts, Finding
from conductor_server.store import agents, engine_state, leadership, vitals
from conductor_server.store.database import Database

HEARTBEATS_MISSED = 3
LATE_AT_LEAST = dt.timedelta(minutes=2)
"""Passes are recorded every few seconds; one over millions of slots may take a while."""


def diagnose(
    database: Database, clock: Clock, settings: EngineSettings, status: EngineStatus, *, machine: Clock
) -> list[Finding]:
    """Everything that is wrong, as far as this server can see it. ``machine`` is its own clock, right or wrong."""
    seen = vitals.read(database)
    skew = dt.timedelta(0) if seen.now is None else seen.now - machine.now()

    def facts(db: sa.Connection) -> Facts:
        now, state = clock.now(), engine_state.load(db)
        return Facts(
            late=None if state is None else now - state.looped_at,
            late_after=max(LATE_AT_LEAST, 3 * settings.loop_interval),
            leader=leadership.load(db).server,
            problems=problems(db, status),
            agents=[
                diagnosis.Agent(
                    name=agent.registration.name,
                    silent_for=now - agent.heartbeat_at,
                    sources=frozenset(name for name, n in agent.registration.capacities.items() if n > 0),
                    running=sum(agent.running.values()),
                    skew=agent.clock_skew,
                )
                for agent in agents.all_agents(db)
            ],
            silent_after=HEARTBEATS_MISSED * settings.heartbeat_interval,
            definitions=vitals.definitions_by_source(db),
            quarantined=vitals.quarantined(db),
            database_skew=skew,
            database=seen.settings,
            free=seen.free,
            file_system=seen.file_system,
        )

    return diagnosis.findings(database.read(facts))
