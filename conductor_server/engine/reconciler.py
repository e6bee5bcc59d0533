"""One pass of the engine: the steps in their order, each in a transaction of its own.

A step that fails stops itself, not the pass: its transaction is undone, the problem is reported, and the next pass
tries again. Only a database that does not answer, or another server that leads since, ends the pass.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
import structlog

from conductor_server.engine.clock import Clock
from conductor_server.engine.step import EngineSettings, Step, StepResult, Tick
from conductor_server.engine.steps.ensure_accounts_exist import ensure_accounts_exist
from conductor_server.engine.steps.ensure_definition_dependencies_exist import (
    ensure_definition_dependencies_exist,
)
from conductor_server.engine.steps.ensure_definitions_exist import ensure_definitions_exist
from conductor_server.engine.steps.ensure_faults_are_set_aside import ensure_faults_are_set_aside
from conductor_server.engine.steps.ensure_retention import ensure_retention
from conductor_server.engine.steps.ensure_retries_exist import ensure_retries_exist
from conductor_server.engine.steps.ensure_runs_exist import ensure_runs_exist
from conductor_server.engine.steps.ensure_runs_timeout import ensure_runs_timeout
from conductor_server.engine.steps.ensure_slots_exist import ensure_slots_exist
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import NotLeadingError, StoreUnavailableError
from conductor_server.store import dialect, engine_state, events, runs
from conductor_server.store.database import Database
from conductor_server.store.engine_state import EngineState
from conductor_server.store.events import Event

log = structlog.get_logger("engine")

STEPS: tuple[Step, ...] = (
    ensure_accounts_exist,
    ensure_definitions_exist,
    ensure_faults_are_set_aside,
    ensure_definition_dependencies_exist,
    ensure_slots_exist,
    ensure_runs_exist,
    ensure_runs_timeout,
    ensure_retries_exist,
    ensure_retention,
)

NEEDS: Mapping[str, frozenset[str]] = {
    "ensure_runs_exist": frozenset(
        {"ensure_faults_are_set_aside", "ensure_definition_dependencies_exist", "ensure_slots_exist"}
    ),
}
"""What a step relies on: where it failed, so do they. A slot must not start while it is unknown what it needs."""

RECORD_EVERY = dt.timedelta(seconds=15)
"""How stale ``looped_at`` may be: at most a quarter of the gap that counts as an outage, and no write in every pass."""

CLOCKS_DIFFER = dt.timedelta(seconds=1)
"""Servers know the database's clock to some milliseconds: one that takes the lead may be a little behind the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What one pass did: rows changed by step, what could not be done, and whether some step has more to do.

    ``faults``: what is wrong with stored rows, which were set aside.
    """

    changed: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    more: bool = False
    failed: frozenset[str] = frozenset()


def reconcile_once(
    database: Database,
    clock: Clock,
    settings: EngineSettings,
    readings: tuple[Declarations, ...] = (),
    steps: tuple[Step, ...] = STEPS,
) -> Pass:
    """Run every step once. Raises StoreUnavailableError and NotLeadingError; every other failure is in the answer."""
    now = clock.now()
    state = database.write(lambda db: _arrive(db, settings, now))
    tick = Tick(
        now=now,
        settings=settings,
        readings=readings,
        missed_since=state.missed_since,
        grace_until=state.grace_until,
    )
    changed: dict[str, int] = {}
    problems: list[str] = []
    faults: list[str] = []
    failed: set[str] = set()
    more = False
    for step in steps:
        name = step.__name__
        if NEEDS.get(name, frozenset()) & failed:
            failed.add(name)
            continue
        try:
            result = _run(database, step, tick)
        except (StoreUnavailableError, NotLeadingError):
            raise
        except Exception as error:  # the boundary of a step: what one cannot do must not stop the others
            log.exception("step failed", step=name)
            problems.append(f"{name}: {error}")
            failed.add(name)
            continue
        problems += result.problems
        faults += result.faults
        more |= result.more
        if result.changed:
            changed[name] = result.changed
            log.info("step", step=name, changed=result.changed)
    _leave(database, settings, state, caught_up="ensure_slots_exist" not in failed, now=clock.now())
    return Pass(
        changed=changed,
        problems=tuple(problems),
        faults=tuple(faults),
        more=more,
        failed=frozenset(failed),
    )


def _run(database: Database, step: Step, tick: Tick) -> StepResult:
    def work(db: sa.Connection) -> StepResult:
        dialect.lock_steps(db)
        return step(db, tick)

    return database.write(work)


def _arrive(db: sa.Connection, settings: EngineSettings, now: dt.datetime) -> EngineState:
    """Note the first pass of all, and open a time of grace after every gap and every leap of the clock.

    While no engine was at work, perhaps no server was either, and agents could not send their heartbeats: for a while
    nobody is given up for being silent.
    """
    state = engine_state.load(db)
    if state is None:
        state = EngineState(looped_at=now, grace_until=now, missed_since=None)
        engine_state.save(db, state)
        return state
    gap = now - state.looped_at
    if -CLOCKS_DIFFER <= gap <= settings.outage_gap:
        return state
    grace = now + settings.grace
    if gap > dt.timedelta(0):
        message = f"no engine was at work since {state.looped_at:%F %T}Z"
        # Told once: a pass that does not come to its end is no outage of its own.
        # And another server may need most of a lease to take the lead: what fell due meanwhile is late, not missed.
        missed_since = state.missed_since or (state.looped_at if gap > settings.missed_gap else None)
        state = replace(state, grace_until=grace, looped_at=now, missed_since=missed_since)
    else:
        message = f"the clock was set back by {-gap}"
        runs.forget_future_heartbeats(db, now=now)
        state = replace(state, grace_until=grace, looped_at=now)
    message = f"{message}; silent agents are given until {grace:%F %T}Z"
    events.append(db, [Event(kind="engine.gap", subject="engine", message=message)], now=now)
    engine_state.save(db, state)
    return state


def _leave(
    database: Database, settings: EngineSettings, state: EngineState, *, caught_up: bool, now: dt.datetime
) -> None:
    """Record that an engine was at work until now: a long pass is no outage."""
    missed_since = None if caught_up else state.missed_since
    if (
        now - state.looped_at >= min(RECORD_EVERY, settings.outage_gap / 4)
        or missed_since != state.missed_since
    ):
        done = replace(state, looped_at=now, missed_since=missed_since)
        database.write(lambda db: engine_state.save(db, done))
