"""What a store says, in names instead of numbers: two nights that came to the same have the same picture.

Left out is what a crash may change: numbers, sessions, and runs that were released because nobody had heard of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import RunStatus
from conductor_server.store import schema
from conductor_server.store.slots import slot_name

_NUMBERS_OF_RUNS = {"id", "attempt", "slot_id", "definition_id", "account_id", "epoch"}

Picture = dict[str, list[tuple[Any, ...]]]


def picture(db: sa.Connection) -> Picture:
    slots = _slot_names(db)
    runs = _run_names(db, slots)
    return {
        "definitions": _rows(db, schema.definition, without={"id"}),
        "members": _rows(db, schema.member, without={"id", "parent_id", "account_id"}),
        "pools": _rows(db, schema.pool),
        "windows": _rows(db, schema.window, without={"id", "calendar_id"}),
        "slots": _slots(db, slots),
        "runs": _of_runs(db, schema.run, runs, without=_NUMBERS_OF_RUNS),
        "late reports": _of_runs(db, schema.late_report, runs, without={"id", "run_id", "epoch"}),
        "log streams": _of_runs(db, schema.log_stream, runs, without={"run_id"}),
        "log chunks": _of_runs(db, schema.log_chunk, runs, without={"run_id"}),
        "agents": _rows(db, schema.agent, without={"session", "registered_at", "heartbeat_at"}),
        "confirmations": _rows(db, schema.confirmation),
        "engine": _rows(db, schema.engine_state),
        "events": [
            tuple(re.sub(r"\brun \d+", "run", str(value)) for value in row)
            for row in _rows(db, schema.event, without={"id"})
        ],
    }


def differences(one: Picture, other: Picture) -> list[str]:
    """For people: what stands in one and not in the other, or more often."""
    found = []
    for noun in one:
        before, after = Counter(map(repr, one[noun])), Counter(map(repr, other[noun]))
        found += [f"{noun} - {row}" for row in (before - after).elements()]
        found += [f"{noun} + {row}" for row in (after - before).elements()]
    return found


def _rows(db: sa.Connection, table: sa.Table, *, without: Iterable[str] = ()) -> list[tuple[Any, ...]]:
    columns = [column for column in table.c if column.name not in set(without)]
    return sorted((tuple(row) for row in db.execute(sa.select(*columns))), key=repr)


def _slot_names(db: sa.Connection) -> dict[int, str]:
    slot, definition, member, window = schema.slot, schema.definition, schema.member, schema.window
    query = (
        sa.select(slot.c.id, definition.c.name, member.c.path, window.c.label)
        .join(definition, definition.c.id == slot.c.definition_id)
        .join(member, member.c.id == slot.c.member_id)
        .join(window, window.c.id == slot.c.window_id)
    )
    return {number: slot_name(*names) for number, *names in db.execute(query)}


def _run_names(db: sa.Connection, slots: dict[int, str]) -> dict[int, str]:
    """Every run that was not released, counted from 1 in its slot."""
    run, counts, names = schema.run, dict.fromkeys(slots, 0), {}
    kept = run.c.status != RunStatus.RELEASED
    for number, slot_id in db.execute(sa.select(run.c.id, run.c.slot_id).where(kept).order_by(run.c.id)):
        counts[slot_id] += 1
        names[number] = f"{slots[slot_id]} #{counts[slot_id]}"
    return names


def _slots(db: sa.Connection, names: dict[int, str]) -> list[tuple[Any, ...]]:
    slot = schema.slot
    numbers = {"id", "definition_id", "member_id", "window_id", "attempts", "success_run_id", "consumed"}
    columns = [column for column in slot.c if column.name not in numbers]
    return sorted((names[row.id], *row[1:]) for row in db.execute(sa.select(slot.c.id, *columns)))


def _of_runs(
    db: sa.Connection, table: sa.Table, names: dict[int, str], *, without: Iterable[str]
) -> list[tuple[Any, ...]]:
    of = table.c.id if table is schema.run else table.c.run_id
    columns = [column for column in table.c if column.name not in set(without)]
    rows = db.execute(sa.select(of, *columns))
    return sorted(((names[row[0]], *row[1:]) for row in rows if row[0] in names), key=repr)
