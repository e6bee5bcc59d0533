"""What every step is given, and what it answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import sqlalchemy as sa

from conductor_server.model.definition import Declarations
from conductor_server.policy.retry import RetrySettings

GRACE_MIN = dt.timedelta(minutes=1)
"""Agents pause for up to half a minute before they dial again, whatever the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The engine's part of the settings; see ``config.py`` for their names outside and their meaning.

    ``many_parents``: from so many on, whether a slot may start is not always counted (``store/barriers.py``).
    """

    slots_create_extra: dt.timedelta = dt.timedelta(days=10)
    timeout: dt.timedelta = dt.timedelta(minutes=10)
    retries: RetrySettings = field(default_factory=RetrySettings)
    retention: dt.timedelta | None = None
    heartbeat_interval: dt.timedelta = dt.timedelta(seconds=10)
    outage_gap: dt.timedelta = dt.timedelta(minutes=1)
    missed_gap: dt.timedelta = dt.timedelta(minutes=1)
    loop_interval: dt.timedelta = dt.timedelta(seconds=5)
    full_pass_interval: dt.timedelta = dt.timedelta(minutes=5)
    batch: int = 1_000
    agenda_batch: int = 10_000
    many_parents: int = 1_000

    @property
    def grace(self) -> dt.timedelta:
        """For so long nobody is given up for silence after a time in which perhaps nobody could be heard."""
        return max(2 * self.heartbeat_interval, self.outage_gap, GRACE_MIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Slots that have changed, and windows that have closed since the pass before."""

    slots: tuple[int, ...] = ()
    windows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One pass of the engine, as its steps see it. The clock is read once, before the first.

    A ``full`` pass looks at everything, others at the ``news`` and what follows from them.
    ``readings`` are what definition sources say, of those that have changed since they were last applied.
    ``missed_since`` is set in the first pass after the engine was away: what fell due since then was missed.
    ``grace_until``: before it no agent is given up, since it may have been we who could not be reached.
    """

    now: dt.datetime
    settings: EngineSettings
    full: bool = True
    news: News = News()
    readings: tuple[Declarations, ...] = ()
    missed_since: dt.datetime | None = None
    grace_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How many rows a step changed; whether it stopped at its bound and has more to do; what it could not do.

    ``faults``: what is wrong with rows that are stored already, a sentence each; everything else was done.
    ``more`` counts changes, not rows looked at, or the loop would spin when every row loses its race.
    """

    changed: int = 0
    more: bool = False
    problems: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


Step: TypeAlias = Callable[[sa.Connection, Tick], StepResult]
