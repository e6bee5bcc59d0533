"""What a change of schedule does to slots: what has begun stays, what has not is forgotten, and planning goes on.

Slots that are due and wait for their inputs stay as well: they would not come again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.model.states import Frequency, SlotState
from conductor_server.policy.planning import declared_instant
from conductor_server.store import calendars, schema
from conductor_server.store.calendars import Calendar, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with the zone of its calendar."""

    plan: Plan
    timezone: str


def start_over(db: sa.Connection, definition_id: int) -> None:
    """Another start, or another matrix: the next pass plans from the declared start, and keeps what has begun."""
    slot, plan = schema.slot, schema.definition_calendar
    db.execute(sa.delete(slot).where(slot.c.definition_id == definition_id, slot.c.state == SlotState.OPEN))
    db.execute(sa.delete(plan).where(plan.c.definition_id == definition_id))


def move_end(db: sa.Connection, definition_id: int, *, ends_on: str) -> None:
    """Another end: slots beyond it go, slots before it come with the next pass."""
    table = schema.definition_calendar
    for planned in _plans(db, definition_id):
        ends_at = declared_instant(ends_on, planned.timezone)
        until = planned.plan.slots_until if ends_at is None else min(planned.plan.slots_until, ends_at)
        if ends_at is not None:
            _forget(db, planned.plan, since=ends_at)
        db.execute(sa.update(table).where(_is(planned.plan)).values(ends_at=ends_at, slots_until=until))


def change_calendar(
    db: sa.Connection, definition_id: int, *, frequency: Frequency, expression: str, ends_on: str
) -> None:
    """Another frequency: the new windows begin where the last one ends that has begun.

    The old plan stays as far as it came, so that its slots are still what children in their time need.
    """
    table = schema.definition_calendar
    for planned in _plans(db, definition_id):
        if planned.plan.ends_at is not None and planned.plan.ends_at <= planned.plan.slots_until:
            continue  # it came to its end before, by this very function or by the declared end
        resume = _begun_until(db, planned.plan)
        _forget(db, planned.plan, since=resume)
        if resume > planned.plan.starts_at:
            db.execute(sa.update(table).where(_is(planned.plan)).values(ends_at=resume, slots_until=resume))
        else:
            db.execute(sa.delete(table).where(_is(planned.plan)))
        calendar = Calendar(frequency=frequency, expression=expression, timezone=planned.timezone)
        plan = Plan(
            definition_id=definition_id,
            calendar_id=calendars.ensure_calendar(db, calendar),
            starts_at=resume,
            ends_at=declared_instant(ends_on, planned.timezone),
            slots_until=resume,
            member_watermark=0,
        )
        calendars.save_plans(db, [plan])


def follows(db: sa.Connection, definition_id: int, *, frequency: Frequency, expression: str) -> bool:
    """Whether a definition is planned by that calendar already, in all zones."""
    plan, calendar = schema.definition_calendar, schema.calendar
    rows = db.execute(
        sa.select(calendar.c.frequency, calendar.c.expression)
        .join(plan, plan.c.calendar_id == calendar.c.id)
        .where(
            plan.c.definition_id == definition_id,
            plan.c.ends_at.is_(None) | (plan.c.ends_at > plan.c.slots_until),
        )
    ).all()
    return bool(rows) and all((row.frequency, row.expression) == (frequency, expression) for row in rows)


def forget_member(
    db: sa.Connection, account_id: int, *, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> None:
    """Forget what has not begun of an account and everything below it, of windows that start within these bounds."""
    ancestor, slot, window = schema.member_ancestor, schema.slot, schema.window
    below = sa.select(ancestor.c.member_id).where(ancestor.c.ancestor_id == account_id)
    bounds = [] if since is None else [window.c.starts_at >= since]
    bounds += [] if until is None else [window.c.starts_at < until]
    db.execute(
        sa.delete(slot).where(
            slot.c.state == SlotState.OPEN,
            slot.c.member_id.in_(below),
            slot.c.window_id.in_(sa.select(window.c.id).where(*bounds)),
        )
    )


def _plans(db: sa.Connection, definition_id: int) -> Sequence[Planned]:
    table, calendar = schema.definition_calendar, schema.calendar
    rows = db.execute(
        sa.select(table, calendar.c.timezone)
        .join(calendar, calendar.c.id == table.c.calendar_id)
        .where(table.c.definition_id == definition_id)
        .order_by(table.c.calendar_id)
    ).mappings()
    return [
        Planned(
            plan=Plan(**{name: row[name] for name in Plan.__dataclass_fields__}), timezone=row["timezone"]
        )
        for row in rows
    ]


def _begun_until(db: sa.Connection, plan: Plan) -> dt.datetime:
    slot, window = schema.slot, schema.window
    newest = db.execute(
        sa.select(sa.func.max(window.c.ends_at))
        .join(slot, slot.c.window_id == window.c.id)
        .where(
            window.c.calendar_id == plan.calendar_id,
            slot.c.definition_id == plan.definition_id,
            slot.c.state != SlotState.OPEN,
        )
    ).scalar_one()
    return max(plan.starts_at, newest) if newest is not None else plan.starts_at


def _forget(db: sa.Connection, plan: Plan, *, since: dt.datetime) -> None:
    slot, window = schema.slot, schema.window
    beyond = sa.select(window.c.id).where(
        window.c.calendar_id == plan.calendar_id, window.c.starts_at >= since
    )
    db.execute(
        sa.delete(slot).where(
            slot.c.definition_id == plan.definition_id,
            slot.c.state == SlotState.OPEN,
            slot.c.window_id.in_(beyond),
        )
    )


def _is(plan: Plan) -> sa.ColumnElement[bool]:
    table = schema.definition_calendar
    return (table.c.definition_id == plan.definition_id) & (table.c.calendar_id == plan.calendar_id)
