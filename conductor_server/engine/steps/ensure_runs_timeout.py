"""Runs whose agents are silent for too long, or do not stop what should long be over, are given up."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.policy import overdue
from conductor_server.store import events, timeouts
from conductor_server.store.events import Event


def ensure_runs_timeout(db: sa.Connection, tick: Tick) -> StepResult:
    """Time out running runs without a heartbeat, but not for the time in which nobody could have received one.

    A full pass also looks for those that run far beyond their time-out, under agents that live.
    """
    if tick.grace_until is not None and tick.now < tick.grace_until:
        return StepResult()
    ended = _give_up_silent(db, tick) + (_give_up_overdue(db, tick) if tick.full else [])
    events.append(db, ended, now=tick.now)
    # Their slots are on the agenda: they are retried, or quarantined, in the next pass.
    return StepResult(changed=len(ended), more=bool(ended))


def _give_up_silent(db: sa.Connection, tick: Tick) -> list[Event]:
    before = tick.now - tick.settings.timeout
    silent = timeouts.silent_since(db, before, limit=tick.settings.batch)
    return [
        Event(kind="run.timeout", subject=f"run {lost.id}", message=f"agent {lost.agent} was not heard of")
        for lost in timeouts.give_up_silent(db, silent, before=before, now=tick.now)
    ]


def _give_up_overdue(db: sa.Connection, tick: Tick) -> list[Event]:
    given_up: list[Event] = []
    for timeout in timeouts.declared(db):
        before = overdue.claimed_before(
            timeout=timeout, margin=tick.settings.timeout, present_since=tick.grace_until, now=tick.now
        )
        if before is None:
            continue
        running = timeouts.running_since(db, before, timeout=timeout, limit=tick.settings.batch)
        hit = timeouts.give_up_overdue(db, running, timeout=timeout, before=before, now=tick.now)
        given_up += [
            Event(
                kind="run.timeout",
                subject=f"run {held.id}",
                message=f"agent {held.agent} did not stop it after its timeout of {timeout}",
            )
            for held in hit
        ]
    return given_up
