"""Relates windows: which windows of a parent's calendar each window of a child's calendar needs.

This depends on calendars and rules alone, not on definitions or members: daily slots of a thousand definitions in one
zone share the same rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterator, Mapping

import sqlalchemy as sa

from conductor_server.model.states import MemberRule, WindowRule
from conductor_server.model.window import Window
from conductor_server.policy import parents
from conductor_server.policy.frequency import typical_period, windows
from conductor_server.store import calendars, faults
from conductor_server.store.calendars import Calendar, Relation

Span = tuple[dt.datetime, dt.datetime]


def relate_windows(db: sa.Connection, known: Mapping[Calendar, int], unknown_zones: Container[str]) -> int:
    """Complete the relations that the stored dependencies need. Answers how many calendar pairs it extended."""
    # Of a calendar that cannot be used nothing follows: those who would need it are held (``store/faults.py``).
    unusable = faults.broken_calendars(db)
    by_id = {
        number: calendar
        for calendar, number in known.items()
        if number not in unusable and calendar.timezone not in unknown_zones
    }
    spans = calendars.planned_span(db)
    stored = calendars.relations(db)
    extended = 0
    for rule, child, parent in sorted(_needed(db, by_id)):
        if child not in spans:
            continue
        wanted = spans[child]
        before = stored.get((rule, child, parent))
        for span in _missing(wanted, before):
            _relate(db, rule, (child, by_id[child]), (parent, by_id[parent]), span, _joined(wanted, before))
            extended += 1
    return extended


def _needed(db: sa.Connection, by_id: Mapping[int, Calendar]) -> set[tuple[WindowRule, int, int]]:
    """Every (rule, child calendar, parent calendar) that a dependency brings together."""
    return {
        (rule, child, parent)
        for rule, members, child, parent in calendars.meetings(db)
        if child in by_id and parent in by_id
        # The same member lives in one zone; of other members any two zones may meet.
        if members is not MemberRule.SAME or by_id[child].timezone == by_id[parent].timezone
    }


def _missing(wanted: Span, before: Relation | None) -> Iterator[Span]:
    start, end = wanted
    if before is None:
        yield wanted
        return
    if start < before.related_from:
        yield start, before.related_from
    if end > before.related_until:
        yield before.related_until, end


def _joined(wanted: Span, before: Relation | None) -> Span:
    if before is None:
        return wanted
    return min(wanted[0], before.related_from), max(wanted[1], before.related_until)


def _relate(
    db: sa.Connection,
    rule: WindowRule,
    child: tuple[int, Calendar],
    parent: tuple[int, Calendar],
    span: Span,
    joined: Span,
) -> None:
    of_child = calendars.window_ids(db, child[0], start=span[0], end=span[1])
    around = _windows_around(parent[1], of_child[0][1], of_child[-1][1]) if of_child else []
    needed = [(number, parents.required(window, around, rule)) for number, window in of_child]
    distinct = sorted({window for _, required in needed for window in required})
    ids = calendars.ensure_windows(db, parent[0], distinct)
    calendars.save_relation(
        db,
        Relation(
            window_rule=rule,
            child_calendar_id=child[0],
            parent_calendar_id=parent[0],
            related_from=joined[0],
            related_until=joined[1],
        ),
        pairs=[(number, ids[window.start]) for number, required in needed for window in required],
    )


def _windows_around(calendar: Calendar, first: Window, last: Window) -> list[Window]:
    """The parent's windows that any rule could ask for: those beside the child's, and one closed before the first.

    A cron expression may leave gaps of any length, so the look back grows until it finds one.
    """
    end = last.end + dt.timedelta(microseconds=1)
    back = 3 * typical_period(calendar.frequency, calendar.expression if calendar.is_cron else "")
    while True:
        start = _BEGINNING if calendar.is_one_off or back > _FURTHEST_BACK else first.start - back
        found = windows(calendar.frequency, calendar.expression, calendar.timezone, start=start, end=end)
        if start is _BEGINNING or (found and found[0].end <= first.start):
            return found
        back *= 4


_FURTHEST_BACK = dt.timedelta(days=3 * 366)
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
