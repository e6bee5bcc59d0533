"""Slots whose newest run has ended without deciding them: retried, reminded of, or failed for good, in groups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import RunStatus, SlotState
from conductor_server.policy.retry import JITTER_BUCKETS
from conductor_server.store import agenda, dialect, given, schema, starts
from conductor_server.store.slots import has_live_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """All those slots that one decision covers.

    ``released``: the newest run was given back, not failed. ``among``: only those in the table of slots to look at, and
    of these, those whose last failure was at ``failed_at``.
    """

    definition_id: int
    window_id: int
    window_end: dt.datetime
    failures: int
    bucket: int
    released: bool
    among: bool
    failed_at: dt.datetime | None


def unsettled(db: sa.Connection, slots: Collection[int] | None) -> Sequence[Unsettled]:
    """Groups of active slots without a live run: of those slots, or ``None`` for all there are."""
    if slots is None:
        rows = db.execute(_unsettled_of_all()).all()
    else:
        rows = db.execute(_unsettled_of_given(db.dialect.name), given.numbers(slots)).all()
        if rows:
            starts.look_at(db, slots)
    return [Unsettled(**row._asdict(), among=slots is not None) for row in rows]


@cache
def _unsettled_of_all() -> sa.Select[Any]:
    # Of all slots, the instant of its failure would make a group of each.
    return _unsettled(schema.slot, schema.slot.c.state == SlotState.ACTIVE, failed_at=sa.null())


@cache
def _unsettled_of_given(dialect_name: str) -> sa.Select[Any]:
    numbers = given.table(dialect_name, given.NUMBERS)
    # Of a few, it tells when to look at them again.
    return _unsettled(
        dialect.InOrder(numbers, schema.slot, schema.slot.c.id == numbers.c.id),
        # Of a plain comparison PostgreSQL may think that no slot is active, and go through all of them for each.
        sa.func.coalesce(schema.slot.c.state, -1) == SlotState.ACTIVE,
        failed_at=schema.slot.c.failed_at,
    )


def _unsettled(
    among: sa.FromClause, is_active: sa.ColumnElement[bool], *, failed_at: sa.ColumnElement[Any]
) -> sa.Select[Any]:
    slot, window = schema.slot, schema.window
    return (
        sa.select(
            slot.c.definition_id,
            slot.c.window_id,
            window.c.ends_at.label("window_end"),
            slot.c.failures,
            (slot.c.id % JITTER_BUCKETS).label("bucket"),
            (_newest_status() == RunStatus.RELEASED).label("released"),
            failed_at.label("failed_at"),
        )
        .distinct()
        .select_from(among.join(window, window.c.id == slot.c.window_id))
        .where(is_active, ~has_live_run())
    )


def retry(db: sa.Connection, group: Unsettled, *, failed_until: dt.datetime | None, now: dt.datetime) -> int:
    """Create the next run of the slots of a group; of those whose last failure was by then, if an instant is given.

    Answers how many.
    """
    wanted = _in(group)
    if failed_until is not None:
        wanted &= schema.slot.c.failed_at <= failed_until
    return starts.start_again(db, sa.select(schema.slot.c.id).where(wanted), now=now)


def remind(db: sa.Connection, group: Unsettled, *, at: dt.datetime) -> None:
    """Have the slots of a group looked at again, at the instant of their retry."""
    agenda.note_selected(db, sa.select(schema.slot.c.id).where(_in(group)), at=at)


def exhaust(db: sa.Connection, group: Unsettled, *, reason: str, now: dt.datetime) -> int:
    """The slots of a group have failed for good, which others may have been waiting for. Answers how many."""
    agenda.note_selected(db, sa.select(schema.slot.c.id).where(_in(group)), at=now)
    return db.execute(
        sa.update(schema.slot).where(_in(group)).values(state=SlotState.FAILED, reason=reason, decided_at=now)
    ).rowcount


def _in(group: Unsettled) -> sa.ColumnElement[bool]:
    """The condition on ``command_slot`` for the members of a group."""
    slot = schema.slot
    return (
        (slot.c.state == SlotState.ACTIVE)
        & (slot.c.definition_id == group.definition_id)
        & (slot.c.window_id == group.window_id)
        & (slot.c.failures == group.failures)
        & (slot.c.id % JITTER_BUCKETS == group.bucket)
        & ~has_live_run()
        & ((_newest_status() == RunStatus.RELEASED) == sa.literal(group.released))
        & (_looked_at() if group.among else sa.true())
        & (sa.true() if group.failed_at is None else slot.c.failed_at == group.failed_at)
    )


def _looked_at() -> sa.ColumnElement[bool]:
    return schema.slot.c.id.in_(sa.select(starts.looked_at.c.slot_id))


def _newest_status() -> sa.ScalarSelect[int]:
    run = schema.run
    return (
        sa.select(run.c.status)
        .where(run.c.slot_id == schema.slot.c.id, run.c.attempt == schema.slot.c.attempts)
        .scalar_subquery()
    )
