"""Slots that wait for very many parents: judged by whether one is in their way, as to count a million takes a second.

A slot of ``default`` needs the parents of all members. Whether one of these is open, under way, failed or skipped, an
index tells at once. That none is missing, only a count can tell, and what it told of slots with many parents is kept:
members, plans and edges change in full passes alone, and each of those forgets it all and counts anew.
"""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa

from conductor_server.model.states import SlotState, StartPolicy
from conductor_server.store import dialect, readiness, schema

NOT_COUNTED = -1
"""What a slot has consumed that was started without a count: nobody has asked until its definition wants reruns."""

POLICIES = (StartPolicy.AFTER_SUCCESS, StartPolicy.AFTER_SUCCESS_AND_RERUNS)
"""Those for which every parent has to have succeeded: one that has not is in the way."""


def forget(db: sa.Connection) -> None:
    """Nothing is known any more: from now on these slots are counted."""
    db.execute(sa.delete(schema.barrier))


def remember(db: sa.Connection, counted: sa.Select[tuple[int]]) -> None:
    """Of these slots (slot_id) none of the parents is missing. Those of ``default`` are kept."""
    slot, member, found = schema.slot, schema.member, counted.subquery("found")
    of_default = (
        sa.select(slot.c.id)
        .select_from(
            dialect.InOrder(found, slot, slot.c.id == found.c.slot_id).join(
                member, member.c.id == slot.c.member_id
            )
        )
        .where(member.c.parent_id.is_(None))
    )
    adding = dialect.insert(db, schema.barrier).from_select(["slot_id"], of_default)
    db.execute(adding.on_conflict_do_nothing())


def among(slots: sa.Table) -> sa.Join:
    """The barriers that a table (slot_id) names, to be joined further."""
    barrier, slot = schema.barrier, schema.slot
    return dialect.InOrder(slots, barrier, barrier.c.slot_id == slots.c.slot_id).join(
        slot, slot.c.id == barrier.c.slot_id
    )


@cache
def that_wait(slots: sa.Table) -> sa.Select[tuple[int]]:
    """Those of them that can neither start nor be skipped: a parent has not succeeded, and none was skipped."""
    slot = schema.slot
    return (
        sa.select(slot.c.id)
        .select_from(among(slots))
        .where(
            slot.c.state == SlotState.OPEN,
            readiness.any_unsuccessful(slot),
            ~readiness.any_skipped(slot),
        )
    )
