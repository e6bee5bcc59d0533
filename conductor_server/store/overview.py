"""Counts: how many slots of which definition are in which condition, and how much there is of everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa

from conductor_server.model.definition import ACCOUNT_MATRIX
from conductor_server.model.states import Condition, SlotState
from conductor_server.policy.condition import DECIDED
from conductor_server.store import conditions, schema
from conductor_server.store.conditions import Moment
from conductor_server.store.sight import Sight, sees


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How much there is."""

    definitions: int
    accounts: int


def totals(db: sa.Connection, *, sight: Sight) -> Totals:
    member, matrix = schema.member, schema.matrix
    accounts = (
        sa.select(sa.func.count())
        .select_from(member.join(matrix, matrix.c.id == member.c.matrix_id))
        .where(matrix.c.name == ACCOUNT_MATRIX, sees(member.c.id, sight))
    )
    return Totals(
        definitions=db.execute(sa.select(sa.func.count()).select_from(schema.definition)).scalar_one(),
        accounts=db.execute(accounts).scalar_one(),
    )


CountsByDefinition: TypeAlias = Mapping[int, Mapping[Condition, int]]


def all_together(counts: CountsByDefinition) -> Counter[Condition]:
    """The counts of all definitions, added up."""
    together: Counter[Condition] = Counter()
    for of_definition in counts.values():
        together.update(of_definition)
    return together


def counts(
    db: sa.Connection,
    moment: Moment,
    *,
    definition_ids: Collection[int] | None = None,
    window_label: str = "",
) -> CountsByDefinition:
    """Slots by definition and condition: of all definitions or of these, of all windows or of that label.

    Decided slots, which are most, are counted by their state alone.
    """
    slot, window = schema.slot, schema.window
    wanted = sees(slot.c.member_id, moment.sight)
    if definition_ids is not None:
        wanted &= slot.c.definition_id.in_(definition_ids)
    if window_label:
        wanted &= window.c.label == window_label
    decided = (
        sa.select(slot.c.definition_id, slot.c.state, sa.func.count())
        .where(slot.c.state.in_(DECIDED), wanted)
        .group_by(slot.c.definition_id, slot.c.state)
    )
    if window_label:
        decided = decided.join(window, window.c.id == slot.c.window_id)
    everything = moment.sight is None and definition_ids is None and not window_label
    moment.collect(db, wanted, everything=everything)
    word = conditions.condition(moment).label("condition")
    undecided = (
        sa.select(slot.c.definition_id, word, sa.func.count())
        .select_from(conditions.situated)
        .where(slot.c.state.in_((SlotState.OPEN, SlotState.ACTIVE)), wanted)
        .group_by(slot.c.definition_id, word)
    )
    found: dict[int, Counter[Condition]] = {}
    for definition_id, state, count in db.execute(decided):
        found.setdefault(definition_id, Counter())[DECIDED[SlotState(state)]] += count
    for definition_id, condition, count in db.execute(undecided):
        found.setdefault(definition_id, Counter())[Condition(condition)] += count
    return found
