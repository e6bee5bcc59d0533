"""Definitions that cannot be used as they are stored are set aside, and those that read from them are held."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.store import events, faults
from conductor_server.store.events import Event
from conductor_server.store.faults import Found


def ensure_faults_are_set_aside(db: sa.Connection, tick: Tick) -> StepResult:
    """Look at every definition, calendar and zone by itself; those that are mended go on."""
    faulty, zones = faults.of_definitions(db), faults.broken_zones(db)
    held = {**faults.readers_across_zones(db, zones), **faults.readers_of(db, faulty), **faulty}
    changed = faults.record(db, faulty=faulty, held=held)
    events.append(db, [_event(each) for each in changed], now=tick.now)
    said = [f"members in {name!r} get no slots: {reason}" for name, reason in zones.items()]
    return StepResult(changed=len(changed), faults=(*(faults.in_words(db) if faulty else ()), *said))


def _event(found: Found) -> Event:
    if found.fault:
        kind, message = "definition.set_aside", f"{found.name} is set aside: {found.fault}"
    elif found.held:
        kind, message = "definition.held", f"{found.name} is held: {found.held}"
    else:
        kind, message = "definition.restored", f"{found.name} goes on"
    return Event(kind=kind, subject=found.name, message=message)
