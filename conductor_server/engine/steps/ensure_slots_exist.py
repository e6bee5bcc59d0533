"""Every definition has its slots, from its start to the horizon; and windows know the parents' windows they need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
import structlog

from conductor_server.engine.relations import relate_windows
from conductor_server.engine.step import StepResult, Tick
from conductor_server.model.states import Catchup, Frequency
from conductor_server.model.window import Window
from conductor_server.policy import planning
from conductor_server.store import calendars, definitions, events, faults, graph_state, members, slots
from conductor_server.store.calendars import Calendar, Plan
from conductor_server.store.definitions import PlannedDefinition
from conductor_server.store.events import Event

log = structlog.get_logger("engine")


@dataclass(slots=True, kw_only=True)
class _Book:
    """What a pass has read of plans, and what it has to write: once, however many definitions there are.

    ``windows`` holds the ids of windows by calendar, first and last start: most definitions ask for the same.
    """

    calendars: dict[Calendar, int]
    plans: Mapping[tuple[int, int], Plan]
    windows: dict[tuple[int, dt.datetime, dt.datetime], list[int]] = field(default_factory=dict)
    changed: list[Plan] = field(default_factory=list)

    def window_ids(self, db: sa.Connection, calendar_id: int, found: Sequence[Window]) -> list[int]:
        key = (calendar_id, found[0].start, found[-1].start)
        if key not in self.windows:
            self.windows[key] = list(calendars.ensure_windows(db, calendar_id, found).values())
        return self.windows[key]


def ensure_slots_exist(db: sa.Connection, tick: Tick) -> StepResult:
    """Plan every definition in every zone of its members, then relate the new windows.

    Decided per definition and zone; applied as one statement over all their members. What cannot be planned stops
    itself: a zone that nobody knows gets no slots, and neither does a definition in which anything else goes wrong.
    """
    unknown = faults.broken_zones(db)
    zones = {
        matrix_id: {name: newest for name, newest in each.items() if name not in unknown}
        for matrix_id, each in members.zones(db).items()
    }
    book = _Book(calendars=calendars.calendars(db), plans=calendars.plans(db))
    changed, more, problems = 0, False, []
    for definition in definitions.planned(db):
        try:
            for timezone, newest_member in zones.get(definition.matrix_id, {}).items():
                plan = _plan(db, definition, timezone, book)
                done, unfinished = _extend(db, tick, definition, timezone, plan, newest_member, book)
                changed += done
                more |= unfinished
            changed += _skip_overaged(db, tick, definition)
        except (ValueError, ArithmeticError, LookupError, TypeError) as error:
            log.exception("a definition cannot be planned", definition=definition.name)
            problems.append(f"{definition.name} cannot be planned: {type(error).__name__}: {error}")
    calendars.save_plans(db, book.changed)
    changed += relate_windows(db, book.calendars, unknown)
    graph_state.planned(db)
    slots.tell_planner(db, added=changed)
    return StepResult(changed=changed, more=more, faults=tuple(problems))


def _plan(db: sa.Connection, definition: PlannedDefinition, timezone: str, book: _Book) -> Plan:
    """The stored plan, or the one to begin with."""
    starts_at = planning.declared_instant(definition.starts_on, timezone) or definition.created
    expression = planning.calendar_expression(
        definition.frequency, definition.expression, starts_at=starts_at
    )
    calendar = Calendar(frequency=definition.frequency, expression=expression, timezone=timezone)
    if (number := book.calendars.get(calendar)) is None:
        number = book.calendars[calendar] = calendars.ensure_calendar(db, calendar)
    return book.plans.get((definition.id, number)) or Plan(
        definition_id=definition.id,
        calendar_id=number,
        starts_at=starts_at,
        ends_at=planning.declared_instant(definition.ends_on, timezone),
        slots_until=starts_at,
        member_watermark=0,
    )


def _extend(
    db: sa.Connection,
    tick: Tick,
    definition: PlannedDefinition,
    timezone: str,
    plan: Plan,
    newest_member: int,
    book: _Book,
) -> tuple[int, bool]:
    """Create slots for members that have come since, and for windows up to the horizon. Answers (changed, more)."""
    found = _next_windows(definition, timezone, plan, horizon=tick.now + tick.settings.slots_create_extra)
    if not found and plan.member_watermark >= newest_member and tick.missed_since is None:
        return 0, False
    changed = _welcome(db, tick, definition, timezone, plan, newest_member)
    if found:
        changed += slots.create(
            db,
            definition_id=definition.id,
            timezone=timezone,
            window_ids=book.window_ids(db, plan.calendar_id, found),
            members_above=0,
            members_upto=newest_member,
            once=definition.frequency is Frequency.ONE_OFF,
        )
        plan = replace(plan, slots_until=planning.planned_until(found))
    plan = replace(plan, member_watermark=newest_member)
    book.changed.append(plan)
    following = _next_windows(definition, timezone, plan, horizon=tick.now + tick.settings.slots_create_extra)
    missed_since = _missed_since(tick, definition, found)
    if missed_since is not None:
        later = any(window.end + definition.delay <= tick.now for window in following)
        changed += _skip_missed(db, tick, definition, plan, since=missed_since, later=later)
    return changed, bool(found and following)


def _next_windows(
    definition: PlannedDefinition, timezone: str, plan: Plan, *, horizon: dt.datetime
) -> Sequence[Window]:
    return planning.next_windows(
        definition.frequency,
        planning.calendar_expression(definition.frequency, definition.expression, starts_at=plan.starts_at),
        timezone,
        since=plan.slots_until,
        ends_at=plan.ends_at,
        horizon=horizon,
    )


def _welcome(
    db: sa.Connection,
    tick: Tick,
    definition: PlannedDefinition,
    timezone: str,
    plan: Plan,
    newest_member: int,
) -> int:
    """Create the slots of planned windows for members that have come since; the catch-up rule holds for them too."""
    if plan.member_watermark >= newest_member or plan.slots_until <= plan.starts_at:
        return 0
    planned = calendars.window_ids(db, plan.calendar_id, start=plan.starts_at, end=plan.slots_until)
    created = slots.create(
        db,
        definition_id=definition.id,
        timezone=timezone,
        window_ids=[number for number, _ in planned],
        members_above=plan.member_watermark,
        members_upto=newest_member,
        once=definition.frequency is Frequency.ONE_OFF,
    )
    if created:
        due = [(number, window) for number, window in planned if window.end + definition.delay <= tick.now]
        _skip(db, tick, definition, due, members_above=plan.member_watermark, later=False)
    return created


def _missed_since(tick: Tick, definition: PlannedDefinition, found: Sequence[Window]) -> dt.datetime | None:
    """Since when windows were missed: over before their slots existed, or while no engine was at work."""
    if found and (first_due := found[0].end + definition.delay) <= tick.now:
        return first_due if tick.missed_since is None else min(first_due, tick.missed_since)
    return tick.missed_since


def _skip_missed(
    db: sa.Connection,
    tick: Tick,
    definition: PlannedDefinition,
    plan: Plan,
    *,
    since: dt.datetime,
    later: bool,
) -> int:
    """Apply the catch-up rule to windows that fell due since then, and say so."""
    stored = calendars.window_ids(db, plan.calendar_id, start=plan.starts_at, end=tick.now)
    due = [
        (number, window) for number, window in stored if since <= window.end + definition.delay <= tick.now
    ]
    skipped = _skip(db, tick, definition, due, members_above=0, later=later)
    message = ""
    if skipped:
        message = f"{skipped} slots of missed windows skipped (catchup: {definition.catchup.word})"
    elif definition.catchup is Catchup.ALL and len(due) > 1:
        message = f"catching up {len(due)} windows, from {due[0][1].label} to {due[-1][1].label}"
    if message:
        events.append(
            db, [Event(kind="slots.catchup", subject=definition.name, message=message)], now=tick.now
        )
    return skipped


def _skip(
    db: sa.Connection,
    tick: Tick,
    definition: PlannedDefinition,
    due: Sequence[tuple[int, Window]],
    *,
    members_above: int,
    later: bool,
) -> int:
    """Skip those of due windows that the definition's catch-up rule gives up."""
    given_up = planning.missed([window for _, window in due], definition.catchup, later=later)
    starts = {window.start for window in given_up}
    if not starts:
        return 0
    return slots.skip(
        db,
        definition_id=definition.id,
        window_ids=[number for number, window in due if window.start in starts],
        members_above=members_above,
        reason=f"missed, and its definition says catchup: {definition.catchup.word}",
        now=tick.now,
    )


def _skip_overaged(db: sa.Connection, tick: Tick, definition: PlannedDefinition) -> int:
    if definition.catchup_max_age is None:
        return 0
    return slots.skip_older(
        db,
        definition_id=definition.id,
        ended_before=tick.now - definition.delay - definition.catchup_max_age,
        reason="not begun within the definition's catchup_max_age",
        now=tick.now,
    )
