"""The condition of slots as a column, so that they can be counted, searched and shown by it.

The rules are ``policy/condition``'s; here are the columns that its facts stand for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.model.states import Condition, RunStatus, SlotState
from conductor_server.policy.condition import Facts, rules
from conductor_server.policy.retry import RetrySettings
from conductor_server.store import agents, definitions, limits, matrices, pending, readiness, schema
from conductor_server.store.limits import Usage
from conductor_server.store.sight import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the conditions of slots depend on besides their own rows, read once for an answer; and who it is for."""

    now: dt.datetime
    delays: Collection[dt.timedelta]
    sources_alive: Collection[int]
    usage: Usage
    retries: RetrySettings
    sight: Sight

    def collect(self, db: sa.Connection, wanted: sa.ColumnElement[bool], *, everything: bool = False) -> None:
        """Work out what holds the open slots that are wanted; comes before every use of ``condition``."""
        pending.collect(db, wanted, now=self.now, delays=self.delays, everything=everything)


def moment(
    db: sa.Connection, *, now: dt.datetime, alive_since: dt.datetime, retries: RetrySettings, sight: Sight
) -> Moment:
    """The present one. Agents heard of after ``alive_since`` are alive."""
    ids = matrices.source_ids(db)
    alive = agents.sources_alive(db, alive_since=alive_since)
    return Moment(
        now=now,
        delays=definitions.delays(db),
        sources_alive=[ids[name] for name in alive if name in ids],
        usage=limits.load(db, lock=False),
        retries=retries,
        sight=sight,
    )


newest = schema.run.alias("newest")
"""A slot's newest run: outer joined, since it may have none."""

situated: sa.FromClause = (
    schema.slot.join(schema.definition, schema.definition.c.id == schema.slot.c.definition_id)
    .join(schema.window, schema.window.c.id == schema.slot.c.window_id)
    .join(schema.member, schema.member.c.id == schema.slot.c.member_id)
    .outerjoin(readiness.account, readiness.account.c.id == schema.member.c.account_id)
    .outerjoin(newest, (newest.c.slot_id == schema.slot.c.id) & (newest.c.attempt == schema.slot.c.attempts))
    .outerjoin(pending.table, pending.table.c.slot_id == schema.slot.c.id)
)
"""Slots with everything around them that their condition depends on."""


def condition(moment: Moment) -> sa.ColumnElement[str]:
    """The condition's word, over ``situated``."""
    slot, definition, member = schema.slot, schema.definition, schema.member
    facts = Facts(
        state=slot.c.state,
        not_due=(slot.c.state == SlotState.OPEN)
        & ~readiness.due(readiness.cut_offs(moment.now, moment.delays)),
        running=(slot.c.state == SlotState.ACTIVE) & (newest.c.status == RunStatus.RUNNING),
        blocked=pending.table.c.blocked > 0,
        paused=definition.c.paused | ~definition.c.active | (definition.c.held != ""),
        maintenance=readiness.account.c.maintenance_until > moment.now,
        retrying=(slot.c.state == SlotState.ACTIVE)
        & newest.c.status.in_((RunStatus.FAILED, RunStatus.TIMEOUT)),
        waiting_for_inputs=~pending.table.c.ready,
        waiting_for_capacity=~pending.table.c.in_turn
        | ~moment.usage.has_room(slot.c.definition_id, member.c.account_id),
        without_agent=sa.func.coalesce(newest.c.source_id, definition.c.source_id).not_in(
            moment.sources_alive
        ),
    )
    cases = [(holds, sa.literal(word.value)) for holds, word in rules(facts)]
    return sa.case(*cases, else_=sa.literal(Condition.QUEUED.value))
