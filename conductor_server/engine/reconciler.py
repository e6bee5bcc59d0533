"""One pass of the engine: the steps in their order, each in a transaction of its own.

A full pass looks at everything. Between full passes only what has changed is looked at: slots on the agenda, and
windows that have closed since. So a pass costs what has changed; whatever was overlooked, the next full pass finds.

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
    now = clock.now()
    state, due, news = database.write(lambda db: _arrive(db, settings, None if readings else watch, now=now))
    tick = Tick(
        now=now,
        settings=settings,
        full=news is None,
        news=news or News(slots=due.slots),
        readings=readings,
        missed_since=state.missed_since,
        grace_until=state.grace_until,
    )
    changed: dict[str, int] = {}
    problems: list[str] = []
    faults: list[str] = []
    failed: set[str] = set()
    more = due.more
    looked_for_silence = unfinished = False
    for step in steps:
        name = step.__name__
        if not _is_due(name, tick, watch):
            continue
        looked_for_silence |= name in LOOK_FOR_SILENCE
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
        unfinished |= result.more and name not in LOOK_AT_NEWS | LOOK_FOR_SILENCE
        if result.changed:
            changed[name] = result.changed
            log.info("step", step=name, changed=result.changed)
    _leave(
        database,
        settings,
        state,
        # What a step could not see to stays on the agenda.
        Agenda() if failed else due,
        caught_up=tick.full and "ensure_slots_exist" not in failed,
        began=now,
        now=clock.now(),
    )
    return Pass(
        full=tick.full,
        watch=None
        if failed or unfinished
        else _watch_after(database, tick, watch, looked=looked_for_silence),
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


def _is_due(step: str, tick: Tick, watch: Watch | None) -> bool:
    if tick.full or watch is None:
        return True
    if step in LOOK_AT_NEWS:
        return bool(tick.news.slots or tick.news.windows)
    return step in LOOK_FOR_SILENCE and tick.now >= watch.silence_by


def _arrive(
    db: sa.Connection, settings: EngineSettings, watch: Watch | None, *, now: dt.datetime
) -> tuple[EngineState, Agenda, News | None]:
    """How things stand, what is on the agenda, and what is new; ``None`` where this has to be a full pass."""
    state = _state(db, settings, now)
    due = agenda.due(db, now=now, limit=settings.agenda_batch)
    if (
        watch is None
        or due.everything
        or state.missed_since is not None
        or not watch.seen_until <= now < watch.full_by
    ):
        return state, due, None
    windows = readiness.windows_newly_due(db, watch.delays, since=watch.seen_until, now=now)
    return state, due, News(slots=due.slots, windows=tuple(windows))


def _watch_after(database: Database, tick: Tick, watch: Watch | None, *, looked: bool) -> Watch:
    settings = tick.settings
    silence_by = tick.now + settings.heartbeat_interval / 10
    if watch is not None and not tick.full:
        return replace(watch, seen_until=tick.now, silence_by=silence_by if looked else watch.silence_by)
    return Watch(
        seen_until=tick.now,
        # Slots exist so far ahead: the plan has to be prolonged long before its end.
        full_by=tick.now + min(settings.full_pass_interval, settings.slots_create_extra / 2),
        silence_by=silence_by,
        delays=frozenset(database.read(definitions.delays)),
    )


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
    to_be_recorded = (
        now - state.looped_at >= min(RECORD_EVERY, settings.outage_gap / 4)
        or missed_since != state.missed_since
    )
    if not to_be_recorded and not seen_to.notes:
        return

    def write(db: sa.Connection) -> None:
        agenda.done(db, seen_to)
        if to_be_recorded:
            engine_state.save(db, replace(state, looped_at=now, missed_since=missed_since))

    database.write(write)
