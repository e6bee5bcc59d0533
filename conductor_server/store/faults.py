"""What is wrong with rows that are stored already: found row by row, so that a broken one stops nothing but itself.

Rows get broken by hands that work in the database, by a restored backup, by a plugin that yields what no file could
say, or by a machine without time zones. A definition with a ``fault`` is left out wherever definitions are read in
sets; one that is ``held`` starts nothing, because it has a fault itself or reads what such a one writes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from conductor_server.model.definition import Json
from conductor_server.model.states import Catchup, Frequency, MemberRule, StartPolicy, WindowRule
from conductor_server.policy.frequency import typical_period, zone
from conductor_server.policy.planning import declared_instant
from conductor_server.store import definitions, schema
from conductor_server.store.database import UnreadableJson

LONGEST = dt.timedelta(days=3_660)
"""No duration is longer: the instants that are reckoned with it have to exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A definition that has, or had, something wrong with it. Empty texts: nothing."""

    id: int
    name: str
    fault: str
    held: str


def of_definitions(db: sa.Connection) -> Mapping[int, str]:
    """Every definition that cannot be used as it is stored, by id, with the reason."""
    found: dict[int, str] = {}
    rows = {row.id: row for row in db.execute(_DEFINITIONS)}
    broken = broken_calendars(db)
    for number, calendar_id in db.execute(_PLANS):
        if calendar_id in broken:
            found[number] = f"its calendar {calendar_id} cannot be used: {broken[calendar_id]}"
    for number, rule in db.execute(_RULES):
        if rule not in frozenset(WindowRule):
            found[number] = f"there is no window rule {rule}"
    for number, row in rows.items():
        if (reason := _reason(row)) or (
            row.fault and number not in found and (reason := of_spec(db, number))
        ):
            found[number] = reason
    return found


_DEFINITIONS = sa.select(schema.definition)
_PLANS = sa.select(schema.definition_calendar.c.definition_id, schema.definition_calendar.c.calendar_id)
_RULES = sa.select(schema.definition_reads.c.definition_id, schema.definition_reads.c.window_rule)


def of_spec(db: sa.Connection, definition_id: int) -> str:
    """Why an agent cannot be given the spec of a definition; empty when it can."""
    try:
        spec = definitions.specs(db, [definition_id])[definition_id]
        check_spec(spec)
    except Exception as error:  # the boundary of a row, which may hold anything
        return f"its spec cannot be read: {error}"
    return ""


def check_spec(spec: Json) -> None:
    """Raises ValueError for what is not a mapping of plain JSON."""
    if not isinstance(spec, dict):
        raise ValueError(f"it is no mapping, but {spec!r:.100}")
    _check_json(spec)


def _check_json(value: Json) -> None:
    match value:
        case UnreadableJson():
            raise ValueError("a field of it is no JSON")
        case float() if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"{value} is no number of JSON")
        case dict():
            for item in value.values():
                _check_json(item)
        case list():
            for item in value:
                _check_json(item)


def broken_calendars(db: sa.Connection) -> Mapping[int, str]:
    """Calendars whose frequency or expression makes no sense, by id. Of their zones see ``broken_zones``."""
    found: dict[int, str] = {}
    for row in db.execute(_CALENDARS):
        try:
            frequency = Frequency(row.frequency)
            if frequency is Frequency.ONE_OFF:
                dt.datetime.fromisoformat(row.expression)
            else:
                typical_period(frequency, row.expression if frequency is Frequency.CRON else "")
        except Exception as error:  # the boundary of a row
            found[row.id] = _words(error)
    return found


_CALENDARS = sa.select(schema.calendar)


def broken_zones(db: sa.Connection) -> Mapping[str, str]:
    """Time zones of members and calendars that this machine does not know, with the reason."""
    found: dict[str, str] = {}
    for name in db.execute(_ZONES).scalars():
        try:
            zone(name)
        except Exception as error:  # the boundary of a row
            found[name] = _words(error)
    return found


_ZONES = sa.union(sa.select(schema.member.c.timezone), sa.select(schema.calendar.c.timezone)).order_by(
    "timezone"
)


def readers_of(db: sa.Connection, faulty: Collection[int]) -> Mapping[int, str]:
    """Definitions that read what one of these writes, by id, with the reason why they are held.

    They would take a parent that is left out for a table that comes from elsewhere, and start without it.
    """
    if not faulty:
        return {}
    reads, writes, writer = schema.definition_reads, schema.definition_writes, schema.definition
    rows = db.execute(
        sa.select(reads.c.definition_id, reads.c.table_name, writer.c.name)
        .join(writes, writes.c.table_name == reads.c.table_name)
        .join(writer, writer.c.id == writes.c.definition_id)
        .where(
            writes.c.definition_id.in_(faulty),
            reads.c.definition_id != writes.c.definition_id,
            reads.c.window_rule != WindowRule.NONE,
        )
        .order_by(reads.c.definition_id, reads.c.table_name.desc())
    )
    return {row.definition_id: f"it reads {row.table_name} of {row.name}, which is set aside" for row in rows}


def readers_across_zones(db: sa.Connection, zones: Collection[str]) -> Mapping[int, str]:
    """Definitions that need members of such a zone besides their own, by id: a barrier must not overlook them."""
    if not zones:
        return {}
    edge, parent, member = schema.dependency, schema.definition, schema.member
    rows = db.execute(
        sa.select(edge.c.child_id, parent.c.name, member.c.timezone)
        .distinct()
        .join(parent, parent.c.id == edge.c.parent_id)
        .join(member, member.c.matrix_id == parent.c.matrix_id)
        .where(
            member.c.timezone.in_(zones),
            edge.c.member_rule != MemberRule.SAME,
            edge.c.window_rule != WindowRule.NONE,
        )
        .order_by(edge.c.child_id, parent.c.name.desc())
    )
    return {
        row.child_id: f"it needs slots of {row.name} for members in the unknown time zone {row.timezone}"
        for row in rows
    }


def record(db: sa.Connection, *, faulty: Mapping[int, str], held: Mapping[int, str]) -> list[Found]:
    """Make these, and no others, the definitions that are set aside and held. Answers those that have changed."""
    table = schema.definition
    changed = []
    for row in db.execute(_RECORDED).all():
        now = Found(id=row.id, name=row.name, fault=faulty.get(row.id, ""), held=held.get(row.id, ""))
        if (row.fault, row.held) != (now.fault, now.held):
            changed.append(now)
            values = {"fault": now.fault, "held": now.held}
            db.execute(sa.update(table).where(table.c.id == row.id).values(**values))
    return changed


_RECORDED = sa.select(
    schema.definition.c.id,
    schema.definition.c.name,
    schema.definition.c.fault,
    schema.definition.c.held,
).order_by(schema.definition.c.id)


def in_words(db: sa.Connection) -> list[str]:
    """A sentence for every definition that is set aside, by name; how many are held on its account is no fault."""
    rows = db.execute(_SET_ASIDE)
    return [f"definition {row.name} is set aside: {row.fault}" for row in rows]


_SET_ASIDE = (
    sa.select(schema.definition.c.name, schema.definition.c.fault)
    .where(schema.definition.c.fault != "")
    .order_by(schema.definition.c.name)
)


def add(db: sa.Connection, definition_id: int, reason: str) -> None:
    """Set a definition aside from now on; the engine looks at it again in every pass."""
    values = {"fault": reason, "held": reason}
    table = schema.definition
    db.execute(sa.update(table).where(table.c.id == definition_id, table.c.fault == "").values(**values))


def _reason(row: sa.Row[Any]) -> str:
    """What is wrong with the row of a definition; empty for nothing."""
    try:
        frequency, _ = Frequency(row.frequency), (StartPolicy(row.start_policy), Catchup(row.catchup))
        definitions.retry_of(row.retry_kind, row.retry_parameters)
        for name in ("timeout_s", "delay_s", "catchup_max_age_s"):
            _check_duration(name, getattr(row, name))
        if frequency is Frequency.CRON:
            typical_period(frequency, row.expression)
        for text in (row.starts_on, row.ends_on):
            declared_instant(text, "UTC")
    except Exception as error:  # the boundary of a row, which may hold anything
        return _words(error)
    return ""


def _check_duration(name: str, seconds: Any) -> None:
    if seconds is not None and not 0 <= seconds <= LONGEST.total_seconds():
        raise ValueError(f"{name} is {seconds}: it must be from 0 to {LONGEST.total_seconds():.0f} seconds")


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}"
