"""One pass of the engine: the steps in their order.

A full pass looks at everything, each step in a transaction of its own. One that fails stops itself, not the pass: its
transaction is undone, the problem is reported, and the next pass tries again. Only a database that does not answer, or
another server that leads since, ends the pass.

Between full passes only what has changed is looked at: slots on the agenda, and windows that have closed since. That is
one transaction, which costs what has changed. Whatever was overlooked, or could not be seen to, a full pass finds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
import structlog

from conductor_server.engine.clock import Clock
from conductor_server.engine.step import EngineSettings, News, Step, StepResult, Tick
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
from conductor_server.store import agenda, definitions, dialect, engine_state, events, readiness, timeouts
from conductor_server.store.agenda import Agenda
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

LOOK_AT_NEWS = frozenset({"ensure_runs_exist", "ensure_retries_exist"})
"""Steps that need not look at everything, and have nothing to do where there is no news."""

LOOK_FOR_SILENCE = frozenset({"ensure_runs_timeout"})
"""Steps that look at all that runs: cheap, but not in every pass of many a second."""

RECORD_EVERY = dt.timedelta(seconds=15)
"""How stale ``looped_at`` may be: at most a quarter of the gap that counts as an outage, and no write in every pass."""

CLOCKS_DIFFER = dt.timedelta(seconds=1)
"""Servers know the database's clock to some milliseconds: one that takes the lead may be a little behind the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a pass leaves to the next one: until when it has seen to everything, and what it knows of definitions."""

    seen_until: dt.datetime
    full_by: dt.datetime
    silence_by: dt.datetime
    delays: frozenset[dt.timedelta]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What one pass did: rows changed by step, what could not be done, and whether some step has more to do.

    ``faults``: what is wrong with stored rows, which were set aside; only full passes look for them. ``watch`` is for
    the next pass; ``None`` where that has to be a full one.
    """

    full: bool = True
    watch: Watch | None = None
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
    watch: Watch | None = None,
) -> Pass:
    """Run the steps once: all of them, over everything, unless there is a ``watch`` from the pass before.

    Raises StoreUnavailableError and NotLeadingError; every other failure is in the answer.
    """
    if watch is not None and not readings:
        now = clock.now()
        try:
            done = database.write(lambda db: _look_at_news(db, settings, steps, watch, now=now))
        except (StoreUnavailableError, NotLeadingError):
            raise
        except Exception:  # the boundary of a pass: in a full one, each step stands for itself
            log.exception("what is new could not be seen to: looking at everything")
            done = None
        if done is not None:
            return done
    return _look_at_everything(database, clock, settings, readings, steps)


def _look_at_news(
    db: sa.Connection, settings: EngineSettings, steps: tuple[Step, ...], watch: Watch, *, now: dt.datetime
) -> Pass | None:
    """See to what is on the agenda and to what has fallen due, in one transaction, or to nothing of it.

    ``None`` where everything is to be looked at.
    """
    state = _state(db, settings, now)
    if state.missed_since is not None or not watch.seen_until <= now < watch.full_by:
        return None
    due = agenda.due(db, now=now, limit=settings.agenda_batch)
    if due.everything:
        return None
    windows = readiness.windows_newly_due(db, watch.delays, since=watch.seen_until, now=now)
    tick = Tick(
        now=now,
        settings=settings,
        full=False,
        news=News(slots=due.slots, windows=tuple(windows)),
        grace_until=state.grace_until,
    )
    names = (LOOK_AT_NEWS if due.slots or windows else frozenset()) | (
        LOOK_FOR_SILENCE if now >= watch.silence_by else frozenset()
    )
    if names:
        dialect.lock_steps(db)
    results = {step.__name__: step(db, tick) for step in steps if step.__name__ in names}
    agenda.done(db, due)
    if now - state.looped_at >= _record_every(settings):
        engine_state.save(db, replace(state, looped_at=now))
    silence_by = _silence_by(tick) if names >= LOOK_FOR_SILENCE else watch.silence_by
    return Pass(
        full=False,
        watch=replace(watch, seen_until=now, silence_by=silence_by),
        changed=_changed(results),
        problems=tuple(problem for result in results.values() for problem in result.problems),
        more=due.more or any(result.more for result in results.values()),
    )


def _look_at_everything(
    database: Database,
    clock: Clock,
    settings: EngineSettings,
    readings: tuple[Declarations, ...],
    steps: tuple[Step, ...],
) -> Pass:
    """Every step in a transaction of its own: one that fails stops itself, and those that rely on it."""
    now = clock.now()
    state, due = database.write(
        lambda db: (_state(db, settings, now), agenda.due(db, now=now, limit=settings.agenda_batch))
    )
    tick = Tick(
        now=now,
        settings=settings,
        news=News(slots=due.slots),
        readings=readings,
        missed_since=state.missed_since,
        grace_until=state.grace_until,
    )
    results: dict[str, StepResult] = {}
    failed: dict[str, str] = {}
    for step in steps:
        name = step.__name__
        if not NEEDS.get(name, frozenset()).isdisjoint(failed):
            failed[name] = ""
            continue
        try:
            results[name] = _run(database, step, tick)
        except (StoreUnavailableError, NotLeadingError):
            raise
        except Exception as error:  # the boundary of a step: what one cannot do must not stop the others
            log.exception("step failed", step=name)
            failed[name] = f"{name}: {error}"
    problems = [problem for result in results.values() for problem in result.problems]
    unfinished = any(
        result.more and name not in LOOK_AT_NEWS | LOOK_FOR_SILENCE for name, result in results.items()
    )
    _leave(
        database,
        settings,
        state,
        # What a step could not see to stays on the agenda.
        Agenda() if failed else due,
        caught_up="ensure_slots_exist" not in failed,
        began=now,
        now=clock.now(),
    )
    return Pass(
        watch=None if failed or unfinished else _watch_after(database, tick),
        changed=_changed(results),
        problems=(*problems, *filter(None, failed.values())),
        faults=tuple(fault for result in results.values() for fault in result.faults),
        more=due.more or any(result.more for result in results.values()),
        failed=frozenset(failed),
    )


def _run(database: Database, step: Step, tick: Tick) -> StepResult:
    def work(db: sa.Connection) -> StepResult:
        dialect.lock_steps(db)
        return step(db, tick)

    return database.write(work)


def _changed(results: Mapping[str, StepResult]) -> dict[str, int]:
    changed = {name: result.changed for name, result in results.items() if result.changed}
    for name, number in changed.items():
        log.info("step", step=name, changed=number)
    return changed


def _watch_after(database: Database, tick: Tick) -> Watch:
    settings = tick.settings
    return Watch(
        seen_until=tick.now,
        # Slots exist so far ahead: the plan has to be prolonged long before its end.
        full_by=tick.now + min(settings.full_pass_interval, settings.slots_create_extra / 2),
        silence_by=_silence_by(tick),
        delays=frozenset(database.read(definitions.delays)),
    )


def _silence_by(tick: Tick) -> dt.datetime:
    return tick.now + tick.settings.heartbeat_interval / 10


def _record_every(settings: EngineSettings) -> dt.timedelta:
    return min(RECORD_EVERY, settings.outage_gap / 4)


def _state(db: sa.Connection, settings: EngineSettings, now: dt.datetime) -> EngineState:
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
        timeouts.forget_future_heartbeats(db, now=now)
        state = replace(state, grace_until=grace, looped_at=now)
    message = f"{message}; silent agents are given until {grace:%F %T}Z"
    events.append(db, [Event(kind="engine.gap", subject="engine", message=message)], now=now)
    engine_state.save(db, state)
    return state


def _leave(
    database: Database,
    settings: EngineSettings,
    state: EngineState,
    seen_to: Agenda,
    *,
    caught_up: bool,
    began: dt.datetime,
    now: dt.datetime,
) -> None:
    """Take from the agenda what was seen to, and record that an engine was at work until now: long is not away.

    But the process may have been stopped in its midst, with all its streams: silent agents are given time.
    """
    missed_since = None if caught_up else state.missed_since
    if now - began > settings.outage_gap:
        state = replace(state, grace_until=max(state.grace_until, now + settings.grace))
    to_be_recorded = now - state.looped_at >= _record_every(settings) or missed_since != state.missed_since
    if not to_be_recorded and not seen_to.notes:
        return

    def write(db: sa.Connection) -> None:
        agenda.done(db, seen_to)
        if to_be_recorded:
            engine_state.save(db, replace(state, looped_at=now, missed_since=missed_since))

    database.write(write)
