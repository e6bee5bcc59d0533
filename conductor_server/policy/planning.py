"""Which windows a definition's slots are for: from its start to the horizon, and what is made of missed ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache

from conductor_server.model.states import Catchup, Frequency
from conductor_server.model.window import Window
from conductor_server.policy.frequency import local_instant, typical_period, windows, zone

WINDOWS_MAX = 1_000
"""At most this many windows of a definition are planned at once: a start far back is worked off in portions."""


def declared_instant(text: str, timezone: str) -> dt.datetime | None:
    """The instant of a stored ``starts_on`` or ``ends_on``; a date is that zone's midnight; empty is ``None``."""
    if not text:
        return None
    value = dt.datetime.fromisoformat(text) if "T" in text else dt.date.fromisoformat(text)
    return local_instant(value, zone(timezone))


def calendar_expression(frequency: Frequency, expression: str, *, starts_at: dt.datetime) -> str:
    """What, with the frequency and a zone, makes a calendar: the cron expression, or a one-off's instant."""
    return starts_at.isoformat() if frequency is Frequency.ONE_OFF else expression


@lru_cache(maxsize=64)
def next_windows(
    frequency: Frequency,
    expression: str,
    timezone: str,
    *,
    since: dt.datetime,
    ends_at: dt.datetime | None,
    horizon: dt.datetime,
) -> tuple[Window, ...]:
    """The windows that start in ``[since, horizon)`` and before ``ends_at``, at most ``WINDOWS_MAX``.

    Of thousands of definitions most ask for the same in one pass: it is found once.
    """
    end = horizon if ends_at is None else min(horizon, ends_at)
    if end <= since:
        return ()
    portion = typical_period(frequency, expression if frequency is Frequency.CRON else "") * WINDOWS_MAX
    if dt.timedelta(0) < portion < end - since:
        found = windows(frequency, expression, timezone, start=since, end=since + portion)
        if found:
            return tuple(found[:WINDOWS_MAX])
        # An expression may pause for longer than its typical period suggests, such as "* 0 1 1 *".
    return tuple(windows(frequency, expression, timezone, start=since, end=end)[:WINDOWS_MAX])


def planned_until(found: Sequence[Window]) -> dt.datetime:
    """Where the windows after these begin: they tile."""
    last = found[-1]
    return max(last.end, last.start + dt.timedelta(microseconds=1))


def missed(due: Sequence[Window], catchup: Catchup, *, later: bool) -> Sequence[Window]:
    """Of windows that fell due while nobody was there, in order: those that will not be run.

    ``later`` says that after these came others, of which the latest is.
    """
    match catchup:
        case Catchup.ALL:
            return ()
        case Catchup.LATEST:
            return due if later else due[:-1]
        case Catchup.NONE:
            return due
