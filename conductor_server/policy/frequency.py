"""Calendars: the windows of a frequency in a time zone, as people there would tear off the pages.

Windows of one calendar tile: each ends where the next one starts, whatever the clocks do in between.
Boundaries are local wall times, and a wall time means the first instant at which the local clock shows it or
a later one: after a gap the first instant that exists, in a fold the first of the two. ``policy.parents``
relates the windows of two calendars, ``policy.graph`` ranks frequencies by their typical period.
"""

from __future__ import annotations

import datetime as dt
import re
import statistics
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count, islice, pairwise
from typing import TypeAlias, assert_never
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from conductor_server.model.states import Frequency
from conductor_server.model.window import Window

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)

Edge: TypeAlias = tuple[dt.datetime, str]
"""Where a window starts, and its label."""

_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):([0-5]\d)")

_PERIODS = {
    Frequency.HOURLY: HOUR,
    Frequency.DAILY: DAY,
    Frequency.WEEKLY: 7 * DAY,
    Frequency.MONTHLY: 31 * DAY,  # the commonest length, so that "0 0 1 * *" ranks as monthly
    Frequency.ONE_OFF: dt.timedelta(0),
}


@lru_cache(maxsize=1024)
def zone(name: str) -> dt.tzinfo:
    """The time zone of an IANA name such as ``Europe/London``, or of an offset such as ``+05:30`` or ``UTC``.

    Raises ``ValueError`` with a message for people.
    """
    if name == "UTC":
        return dt.UTC
    if offset := _OFFSET.fullmatch(name):
        sign = -1 if offset[1] == "-" else 1
        return dt.timezone(sign * dt.timedelta(hours=int(offset[2]), minutes=int(offset[3])))
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # a folder, a path out of the database, no such key
        raise ValueError(
            f"there is no time zone `{name}`; use a name such as Europe/London or an offset such as +05:30"
        ) from error


def local_instant(value: dt.date | dt.datetime, local: dt.tzinfo) -> dt.datetime:
    """The UTC instant of a date (its midnight) or of a wall time there; an aware one stays what it is."""
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time.min)
    if value.tzinfo is not None:
        return value.astimezone(dt.UTC)
    first, second = (value.replace(tzinfo=local, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    return first if first <= second else _end_of_gap(second, first, local)


def windows(
    frequency: Frequency, expression: str, timezone: str, *, start: dt.datetime, end: dt.datetime
) -> list[Window]:
    """Every window that starts in ``[start, end)``, in order.

    ``expression`` is the cron expression for ``CRON``, the due instant in ISO format for ``ONE_OFF`` (without
    an offset: local wall time), and otherwise unused. ``start`` and ``end`` are aware.

    Labels tell the windows of one calendar apart: ``2026-11-20``, ``2026-11-20T13``, ``2026-W47``,
    ``2026-11``, ``once``, and ``2026-11-20T13:15`` for a cron expression or an hour that does not start on
    the hour. The second of two equal wall times carries its offset: ``2026-11-01T01-0500``. Raises
    ``ValueError`` for an unknown zone or a bad expression.
    """
    local = zone(timezone)
    if frequency is Frequency.ONE_OFF:
        due = local_instant(dt.datetime.fromisoformat(expression), local)
        return [Window(start=due, end=due, label="once")] if start <= due < end else []
    found = []
    for (opens, label), (closes, _) in pairwise(_edges(frequency, expression, local, start=start, end=end)):
        if opens >= end:
            break
        if opens >= start and closes > opens:  # a day that a zone skipped has no length, and no window
            found.append(Window(start=opens, end=closes, label=label))
    return found


@lru_cache(maxsize=1024)
def typical_period(frequency: Frequency, expression: str = "") -> dt.timedelta:
    """How long a window usually is, to tell which of two frequencies is the finer one; zero for a one-off.

    Of a cron expression: the median of its first sixty windows in a year that starts on a Monday.
    """
    if frequency is not Frequency.CRON:
        return _PERIODS[frequency]
    ticks = list(islice(CronSim(expression, dt.datetime(2001, 1, 1)), 61))  # noqa: DTZ001 - a wall calendar
    return statistics.median_low([later - earlier for earlier, later in pairwise(ticks)])


def validate_cron(expression: str) -> None:
    """Raise ``ValueError`` unless this is a cron expression of five fields that ticks at all."""
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"the cron expression `{expression}` has {len(fields)} fields instead of five")
    try:
        ticks = len(list(islice(CronSim(expression, dt.datetime(2001, 1, 1)), 2)))  # noqa: DTZ001
    except CronSimError as error:
        raise ValueError(f"the cron expression `{expression}` is wrong: {str(error).lower()}") from error
    if ticks < 2:
        raise ValueError(f"the cron expression `{expression}` never ticks")


def _edges(
    frequency: Frequency, expression: str, local: dt.tzinfo, *, start: dt.datetime, end: dt.datetime
) -> Iterable[Edge]:
    """Window starts in order, from before ``start`` to after ``end``."""
    first = start.astimezone(local).date() - DAY
    match frequency:
        case Frequency.HOURLY:
            return _hours(first, local)
        case Frequency.DAILY:
            return ((local_instant(day, local), day.isoformat()) for day in _days(first, step=1))
        case Frequency.WEEKLY:
            monday = first - first.weekday() * DAY
            return ((local_instant(day, local), f"{day:%G-W%V}") for day in _days(monday, step=7))
        case Frequency.MONTHLY:
            return ((local_instant(day, local), f"{day:%Y-%m}") for day in _months(first))
        case Frequency.CRON:
            return _ticks(expression, local, start=start, end=end)
        case Frequency.ONE_OFF:
            raise AssertionError("a one-off has no calendar")
        case _:
            assert_never(frequency)


def _days(first: dt.date, *, step: int) -> Iterator[dt.date]:
    return (first + days * DAY for days in count(0, step))


def _months(first: dt.date) -> Iterator[dt.date]:
    for month in count(first.year * 12 + first.month - 1):
        yield dt.date(month // 12, month % 12 + 1, 1)


def _hours(first: dt.date, local: dt.tzinfo) -> Iterator[Edge]:
    """Hours of elapsed time from each local midnight to the next.

    Anchored anew every day: after a shift of half an hour (Lord Howe) a calendar anchored once would straddle
    every later midnight. The day of the shift gets one short hour instead, its last.
    """
    for midnight, next_midnight in pairwise(local_instant(day, local) for day in _days(first, step=1)):
        opens = midnight
        while opens < next_midnight:
            clock = opens.astimezone(local)
            yield opens, _clock_label(clock, "minutes" if clock.minute else "hours")
            opens += HOUR


def _ticks(expression: str, local: dt.tzinfo, *, start: dt.datetime, end: dt.datetime) -> Iterator[Edge]:
    """Ticks of a cron expression. cronsim knows the calendar, we know the clock.

    The rule is Vixie cron's: with a ``*`` in the minute or hour field an expression follows elapsed time, so
    it ticks at every instant whose wall time matches (twice in a fold, never in a gap); otherwise it follows
    the wall clock, so that each wall time ticks once (in a gap: the first instant after it).
    """
    elapsed = any(field.startswith("*") for field in expression.split()[:2])
    ticks: set[dt.datetime] = set()
    # A day to either side: no zone has turned its clock by more since 1970, so wall order and time order
    # agree again.
    for wall in CronSim(expression, (start - DAY).astimezone(local).replace(tzinfo=None, fold=0)):
        instants = _occurrences(wall, local) if elapsed else [local_instant(wall, local)]
        ticks.update(instants)
        if instants and instants[0] >= end + DAY:
            break
    return ((tick, _clock_label(tick.astimezone(local), "minutes")) for tick in sorted(ticks))


def _occurrences(wall: dt.datetime, local: dt.tzinfo) -> list[dt.datetime]:
    """The instants at which a local clock shows this: none in a gap, two in a fold."""
    candidates = {wall.replace(tzinfo=local, fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
    return sorted(instant for instant in candidates if instant.astimezone(local).replace(tzinfo=None) == wall)


def _clock_label(clock: dt.datetime, precision: str) -> str:
    label = clock.replace(tzinfo=None).isoformat(timespec=precision)
    return f"{label}{clock:%z}" if clock.fold else label


def _end_of_gap(before: dt.datetime, after: dt.datetime, local: dt.tzinfo) -> dt.datetime:
    """The instant between the two at which the clock jumped, to the second."""
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    offset = before.astimezone(local).utcoffset()
    while (span := (after - before) // dt.timedelta(seconds=1)) > 1:
        middle = before + dt.timedelta(seconds=span // 2)
        if middle.astimezone(local).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
