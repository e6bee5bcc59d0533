"""Slots in numbers: by state, and by the reasons of those that were decided and did not succeed.

One scan of the slots that are wanted, grouped: of a definition's window these lie together in an index. What an
undecided slot waits for is not worked out, which would cost much more (``store/overview.py`` does).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.model.states import SlotState
from conductor_server.store import schema, slot_pages
from conductor_server.store.sight import Sight, sees
from conductor_server.store.slot_pages import SlotQuery

_WITH_REASON = (SlotState.FAILED, SlotState.SKIPPED, SlotState.CANCELLED, SlotState.QUARANTINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """How many slots were decided so; ``slot`` is the name of the oldest."""

    state: SlotState
    reason: str
    count: int
    slot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """``reasons`` come by their frequency; ``omitted`` is how many more there are."""

    states: Counter[SlotState]
    reasons: Sequence[Reason]
    omitted: int


def summary(db: sa.Connection, query: SlotQuery, *, reasons_max: int, sight: Sight) -> Summary:
    """Of the slots of a definition, an account and a window's label; ``query.conditions`` do not count."""
    slot = schema.slot
    reason = sa.case((slot.c.state.in_(_WITH_REASON), slot.c.reason), else_="").label("reason")
    number, oldest = sa.func.count().label("number"), sa.func.min(slot.c.id).label("oldest")
    groups = db.execute(
        sa.select(slot.c.state, reason, number, oldest)
        .where(_wanted(query), sees(slot.c.member_id, sight))
        .group_by(slot.c.state, reason)
    ).all()
    states: Counter[SlotState] = Counter()
    for group in groups:
        states[SlotState(group.state)] += group.number
    exceptions = sorted(
        (group for group in groups if group.state in _WITH_REASON),
        key=lambda group: (-group.number, group.oldest),
    )
    shown = exceptions[:reasons_max]
    names = slot_pages.names(db, [group.oldest for group in shown])
    return Summary(
        states=states,
        reasons=[
            Reason(
                state=SlotState(group.state),
                reason=group.reason,
                count=group.number,
                slot=names.get(group.oldest, ""),
            )
            for group in shown
        ],
        omitted=len(exceptions) - len(shown),
    )


def _wanted(query: SlotQuery) -> sa.ColumnElement[bool]:
    """Over slots alone: ids are looked up first, so that a planner sees which part of an index is meant."""
    slot, definition, member, window = schema.slot, schema.definition, schema.member, schema.window
    wanted: sa.ColumnElement[bool] = sa.true()
    if query.definition:
        named = sa.select(definition.c.id).where(definition.c.name == query.definition)
        wanted &= slot.c.definition_id == named.scalar_subquery()
    if query.window_label:
        wanted &= slot.c.window_id.in_(sa.select(window.c.id).where(window.c.label == query.window_label))
    if query.account:
        wanted &= slot.c.member_id.in_(sa.select(member.c.id).where(slot_pages.belongs_to(query.account)))
    return wanted
