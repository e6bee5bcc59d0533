"""Slots above and below a slot: what it still waits for, and what needs it in turn.

Called for the pages, for explanations and for reruns. The required parents themselves are ``store/readiness``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import SlotState, StartPolicy
from conductor_server.policy.explain import Need
from conductor_server.policy.start import SKIP_REASONS
from conductor_server.store import agenda, pending, readiness, schema
from conductor_server.store.sight import ELSEWHERE, Sight, sees
from conductor_server.store.slots import slot_name

NEEDS_MAX = 10_000
"""So many unmet parents of one level are looked at, those in the way first."""

_BATCH = 1_000


def parent_ids(db: sa.Connection, slot_id: int, *, limit: int) -> Sequence[int]:
    """The required parent slots that exist, unfinished ones first."""
    slot = schema.slot
    child = sa.select(slot).where(slot.c.id == slot_id).cte("child", nesting=True)
    needed = readiness.required_parents(child).subquery("needed")
    query = (
        sa.select(needed.c.parent_id)
        .where(needed.c.parent_id.is_not(None))
        .order_by(needed.c.state == SlotState.SUCCEEDED, needed.c.parent_id)
        .limit(limit)
    )
    return db.execute(query).scalars().all()


def unmet(db: sa.Connection, ids: Collection[int], *, sight: Sight) -> Sequence[Need]:
    """What each of those slots, where it is open, waits for: parents, and earlier slots of a serial definition.

    Of what is not seen only the state is told.

    Comes after ``pending.collect`` of a slot below them: those in the way come first, then those that are blocked.
    """
    return [*_unmet_parents(db, ids, sight), *_earlier(db, ids, sight)]


def reopen_skipped(db: sa.Connection, slot_id: int, *, now: dt.datetime) -> int:
    """Let slots below this one that their start policies skipped be decided again, level by level. Answers how many."""
    slot = schema.slot
    frontier, reopened = [slot_id], 0
    while frontier:
        parent = sa.select(slot).where(slot.c.id.in_(frontier[:_BATCH])).subquery("parent_slot")
        below = readiness.children(parent).subquery("below")
        again = db.execute(
            sa.update(slot)
            .where(
                slot.c.id.in_(sa.select(below.c.child_id)),
                slot.c.state == SlotState.SKIPPED,
                slot.c.reason.in_(set(SKIP_REASONS.values())),
            )
            .values(state=SlotState.OPEN, reason="", decided_at=None)
            .returning(slot.c.id)
        ).scalars()
        frontier = [*frontier[_BATCH:], *(hit := again.all())]
        agenda.note(db, hit, at=now)
        reopened += len(hit)
    return reopened


def _unmet_parents(db: sa.Connection, ids: Collection[int], sight: Sight) -> Iterator[Need]:
    slot, policy, held = schema.slot, schema.definition.c.start_policy, pending.table
    child = (
        sa.select(slot.c.id, slot.c.definition_id, slot.c.member_id, slot.c.window_id, policy)
        .join(schema.definition, schema.definition.c.id == slot.c.definition_id)
        .where(slot.c.id.in_(ids), slot.c.state == SlotState.OPEN)
        .cte("child", nesting=True)
    )
    needed = readiness.required_parents(child).subquery("needed")
    definition, member, window = schema.definition.alias(), schema.member.alias(), schema.window.alias()
    rows = db.execute(
        sa.select(
            needed.c.child_id,
            needed.c.parent_id,
            needed.c.state,
            needed.c.success_run_id,
            needed.c.ever_failed,
            child.c.start_policy,
            definition.c.name,
            member.c.path,
            window.c.label,
            slot.c.reason,
            sees(needed.c.member_id, sight).label("seen"),
        )
        .select_from(
            needed.join(child, child.c.id == needed.c.child_id)
            .join(definition, definition.c.id == needed.c.definition_id)
            .join(member, member.c.id == needed.c.member_id)
            .join(window, window.c.id == needed.c.window_id)
            .outerjoin(slot, slot.c.id == needed.c.parent_id)
            .outerjoin(held, held.c.slot_id == needed.c.parent_id)
        )
        .order_by(
            needed.c.state.in_((SlotState.OPEN, SlotState.ACTIVE, SlotState.SUCCEEDED)),
            sa.func.coalesce(held.c.blocked, 0) == 0,
            slot.c.id,
        )
        .limit(NEEDS_MAX)
    ).all()
    started = {row.child_id for row in rows if _reports(StartPolicy(row.start_policy), row)}
    for row in rows:
        policy_of_child = StartPolicy(row.start_policy)
        state = None if row.state is None else SlotState(row.state)
        if row.child_id not in started and state not in _DONE[policy_of_child]:
            yield Need(
                child=row.child_id,
                policy=policy_of_child,
                id=row.parent_id,
                name=slot_name(row.name, row.path, row.label) if row.seen else ELSEWHERE,
                definition=row.name if row.seen else ELSEWHERE,
                state=state,
                said=(row.reason or "") if row.seen else "",
            )


_DONE: dict[StartPolicy, tuple[SlotState, ...]] = {
    StartPolicy.AFTER_SUCCESS: (SlotState.SUCCEEDED,),
    StartPolicy.AFTER_SUCCESS_AND_RERUNS: (SlotState.SUCCEEDED,),
    StartPolicy.AFTER_FAILURE: (SlotState.FAILED,),
    StartPolicy.AFTER_FIRST_SUCCESS: (SlotState.SUCCEEDED, SlotState.SKIPPED),
    StartPolicy.AFTER_FIRST_FAILURE: (SlotState.SUCCEEDED, SlotState.SKIPPED),
}
"""States in which a parent is nothing to wait for any more, by the child's policy."""


def _reports(policy: StartPolicy, parent: Any) -> bool:
    """Whether this one parent is all that a slot of that policy waits for."""
    match policy:
        case StartPolicy.AFTER_FIRST_SUCCESS:
            return parent.success_run_id is not None
        case StartPolicy.AFTER_FIRST_FAILURE:
            return bool(parent.ever_failed)
        case _:
            return False


def _earlier(db: sa.Connection, ids: Collection[int], sight: Sight) -> Iterator[Need]:
    slot, definition, member = schema.slot, schema.definition, schema.member
    own, its = schema.window.alias("own"), schema.window.alias("its")
    earlier = schema.slot.alias("earlier")
    rows = db.execute(
        sa.select(
            slot.c.id.label("child_id"),
            earlier.c.id,
            earlier.c.state,
            earlier.c.reason,
            definition.c.start_policy,
            definition.c.name,
            member.c.path,
            its.c.label,
            sees(slot.c.member_id, sight).label("seen"),
        )
        .select_from(
            slot.join(definition, definition.c.id == slot.c.definition_id)
            .join(member, member.c.id == slot.c.member_id)
            .join(own, own.c.id == slot.c.window_id)
            .join(
                earlier,
                (earlier.c.definition_id == slot.c.definition_id) & (earlier.c.member_id == slot.c.member_id),
            )
            .join(its, its.c.id == earlier.c.window_id)
        )
        .where(
            slot.c.id.in_(ids),
            slot.c.state == SlotState.OPEN,
            definition.c.serial,
            earlier.c.state.in_((SlotState.OPEN, SlotState.ACTIVE)),
            its.c.starts_at < own.c.starts_at,
        )
        .order_by(its.c.starts_at)
        .limit(NEEDS_MAX)
    )
    for row in rows:
        yield Need(
            child=row.child_id,
            policy=StartPolicy(row.start_policy),
            id=row.id,
            name=slot_name(row.name, row.path, row.label) if row.seen else ELSEWHERE,
            definition=row.name if row.seen else ELSEWHERE,
            state=SlotState(row.state),
            said=row.reason if row.seen else "",
        )
