"""Calendars and windows: which exist, how those of a child relate to a parent's, and how far slots have been planned.

There are few of these (days × zones), so everything about time is computed in Python, and SQL only joins ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.model.states import Frequency, MemberRule, WindowRule
from conductor_server.model.window import Window
from conductor_server.store import dialect, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A frequency in a zone. ``expression`` holds a cron expression, or the instant of a one-off."""

    frequency: Frequency
    expression: str
    timezone: str

    @property
    def is_cron(self) -> bool:
        return self.frequency is Frequency.CRON

    @property
    def is_one_off(self) -> bool:
        return self.frequency is Frequency.ONE_OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How far the slots of one definition in one calendar have been created.

    They exist for windows that start before ``slots_until``, and for members up to the arrival ``member_watermark``.
    """

    definition_id: int
    calendar_id: int
    starts_at: dt.datetime
    ends_at: dt.datetime | None
    slots_until: dt.datetime
    member_watermark: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """For which of a child calendar's windows the needed windows of a parent calendar are known."""

    window_rule: WindowRule
    child_calendar_id: int
    parent_calendar_id: int
    related_from: dt.datetime
    related_until: dt.datetime


def calendars(db: sa.Connection) -> dict[Calendar, int]:
    """All but those whose frequency there is none: who uses them is set aside (``store/faults.py``)."""
    return {
        Calendar(frequency=Frequency(row.frequency), expression=row.expression, timezone=row.timezone): row.id
        for row in db.execute(_CALENDARS)
    }


_CALENDARS = sa.select(schema.calendar).where(schema.calendar.c.frequency.in_(Frequency))


def ensure_calendar(db: sa.Connection, calendar: Calendar) -> int:
    """The id of that calendar, which is created if need be."""
    values = {
        "frequency": int(calendar.frequency),
        "expression": calendar.expression,
        "timezone": calendar.timezone,
    }
    db.execute(dialect.adding(db.dialect.name, schema.calendar), values)
    number: int = db.execute(_CALENDAR, {f"its_{name}": value for name, value in values.items()}).scalar_one()
    return number


_CALENDAR = sa.select(schema.calendar.c.id).where(
    *(
        schema.calendar.c[name] == sa.bindparam(f"its_{name}")
        for name in ("frequency", "expression", "timezone")
    )
)


def ensure_windows(db: sa.Connection, calendar_id: int, windows: Sequence[Window]) -> dict[dt.datetime, int]:
    """The ids of those windows by their start; the missing ones are created."""
    if not windows:
        return {}
    span = {"of": calendar_id, "first": windows[0].start, "last": windows[-1].start}
    known = dict(db.execute(_IDS_IN_SPAN, span).all())
    missing = [window for window in windows if window.start not in known]
    if missing:
        db.execute(
            dialect.adding(db.dialect.name, schema.window),
            [
                {
                    "calendar_id": calendar_id,
                    "starts_at": window.start,
                    "ends_at": window.end,
                    "label": window.label,
                }
                for window in missing
            ],
        )
        known = dict(db.execute(_IDS_IN_SPAN, span).all())
    return {window.start: known[window.start] for window in windows}


_IDS_IN_SPAN = sa.select(schema.window.c.starts_at, schema.window.c.id).where(
    schema.window.c.calendar_id == sa.bindparam("of"),
    schema.window.c.starts_at >= sa.bindparam("first"),
    schema.window.c.starts_at <= sa.bindparam("last"),
)


def plans(db: sa.Connection) -> dict[tuple[int, int], Plan]:
    """By definition and calendar."""
    return {(row.definition_id, row.calendar_id): Plan(**row._asdict()) for row in db.execute(_PLANS)}


_PLANS = sa.select(schema.definition_calendar)


def save_plans(db: sa.Connection, changed: Iterable[Plan]) -> None:
    """Keep these instead of what was planned of their definitions in their calendars."""
    if rows := [{name: getattr(plan, name) for name in Plan.__dataclass_fields__} for plan in changed]:
        db.execute(dialect.keeping(db.dialect.name, schema.definition_calendar), rows)


def relations(db: sa.Connection) -> dict[tuple[WindowRule, int, int], Relation]:
    """By rule, child calendar and parent calendar."""
    found = {}
    for row in db.execute(_RELATIONS):
        values = row._asdict() | {"window_rule": WindowRule(row.window_rule)}
        found[values["window_rule"], row.child_calendar_id, row.parent_calendar_id] = Relation(**values)
    return found


_RELATIONS = sa.select(schema.calendar_relation).where(schema.calendar_relation.c.window_rule.in_(WindowRule))


def save_relation(db: sa.Connection, relation: Relation, *, pairs: Iterable[tuple[int, int]]) -> None:
    """Add (child window, parent window) pairs, and remember for which span they are complete."""
    rows = [
        {"window_rule": int(relation.window_rule), "child_window_id": child, "parent_window_id": parent}
        for child, parent in pairs
    ]
    if rows:
        db.execute(dialect.adding(db.dialect.name, schema.window_relation), rows)
    values = {name: getattr(relation, name) for name in Relation.__dataclass_fields__}
    values["window_rule"] = int(relation.window_rule)
    db.execute(dialect.keeping(db.dialect.name, schema.calendar_relation), values)


def planned_span(db: sa.Connection) -> dict[int, tuple[dt.datetime, dt.datetime]]:
    """For each calendar with slots, the first planned start and the instant up to which windows are planned."""
    return {number: (first, until) for number, first, until in db.execute(_SPANS)}


_SPANS = sa.select(
    schema.definition_calendar.c.calendar_id,
    sa.func.min(schema.definition_calendar.c.starts_at),
    sa.func.max(schema.definition_calendar.c.slots_until),
).group_by(schema.definition_calendar.c.calendar_id)


def window_ids(
    db: sa.Connection, calendar_id: int, *, start: dt.datetime, end: dt.datetime
) -> Sequence[tuple[int, Window]]:
    """The stored windows that start in ``[start, end)``, in their order."""
    rows = db.execute(_IN_SPAN, {"of": calendar_id, "start": start, "end": end})
    return [(row.id, Window(start=row.starts_at, end=row.ends_at, label=row.label)) for row in rows]


_IN_SPAN = (
    sa.select(schema.window)
    .where(
        schema.window.c.calendar_id == sa.bindparam("of"),
        schema.window.c.starts_at >= sa.bindparam("start"),
        schema.window.c.starts_at < sa.bindparam("end"),
    )
    .order_by(schema.window.c.starts_at)
)


def meetings(db: sa.Connection) -> Sequence[tuple[WindowRule, MemberRule, int, int]]:
    """Rule, rule of members, child calendar, parent calendar: all that some dependency brings together.

    An edge whose rules make no sense is left out: it is about to be written anew.
    """
    return [
        (WindowRule(window), MemberRule(members), child, parent)
        for window, members, child, parent in db.execute(_MEETINGS)
    ]


_of_child, _of_parent = (
    schema.definition_calendar.alias("of_child"),
    schema.definition_calendar.alias("of_parent"),
)
_MEETINGS = (
    sa.select(
        schema.dependency.c.window_rule,
        schema.dependency.c.member_rule,
        _of_child.c.calendar_id,
        _of_parent.c.calendar_id,
    )
    .join(_of_child, _of_child.c.definition_id == schema.dependency.c.child_id)
    .join(_of_parent, _of_parent.c.definition_id == schema.dependency.c.parent_id)
    .where(schema.dependency.c.window_rule.in_(WindowRule) & schema.dependency.c.member_rule.in_(MemberRule))
    .distinct()
)
