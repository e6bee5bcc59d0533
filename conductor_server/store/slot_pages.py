"""Slots as people see them: listed, looked up by name, each with its condition and the reason for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from conductor_server.model.errors import NotFoundError
from conductor_server.model.states import Condition, SlotState
from conductor_server.model.window import Window
from conductor_server.policy import condition as policy
from conductor_server.policy import retry
from conductor_server.policy.retry import Retrying
from conductor_server.store import conditions, pending, readiness, schema
from conductor_server.store.conditions import Moment, newest
from conductor_server.store.definitions import retry_of
from conductor_server.store.sight import ELSEWHERE, Sight, sees
from conductor_server.store.slots import slot_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSlot:
    """A slot with what it is doing. ``member`` and ``account`` are tokens, empty under the default matrix."""

    id: int
    name: str
    definition: str
    matrix: str
    member: str
    account: str
    timezone: str
    window: Window
    condition: Condition
    reason: str
    attempts: int
    run_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotQuery:
    """Which slots; what is empty does not narrow. An account's slots include those of its keywords."""

    definition: str = ""
    account: str = ""
    window_label: str = ""
    conditions: Collection[Condition] = ()
    include_not_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotKey:
    """Where a page ends."""

    ends_at: dt.datetime
    id: int


def page(
    db: sa.Connection, moment: Moment, query: SlotQuery, *, after: SlotKey | None, limit: int
) -> tuple[list[ShownSlot], SlotKey | None]:
    """The slots after that key, newest window first, and the key to go on from if there are more."""
    slot, window = schema.slot, schema.window
    wanted = _wanted(query) & sees(slot.c.member_id, moment.sight)
    keys = sa.select(slot.c.id, window.c.ends_at).select_from(conditions.situated).where(wanted)
    if query.conditions:
        moment.collect(db, wanted)
        keys = keys.where(conditions.condition(moment).in_([each.value for each in query.conditions]))
    else:
        moment.collect(db, sa.false())
    if not query.include_not_due:
        due = readiness.due(readiness.cut_offs(moment.now, moment.delays))
        keys = keys.where((slot.c.state != SlotState.OPEN) | due)
    if after is not None:
        keys = keys.where(
            (window.c.ends_at < after.ends_at)
            | ((window.c.ends_at == after.ends_at) & (slot.c.id > after.id))
        )
    rows = db.execute(keys.order_by(window.c.ends_at.desc(), slot.c.id).limit(limit + 1)).all()
    shown = rows[:limit]
    following = SlotKey(ends_at=shown[-1].ends_at, id=shown[-1].id) if len(rows) > limit else None
    return by_ids(db, moment, [row.id for row in shown]), following


def by_ids(db: sa.Connection, moment: Moment, ids: Sequence[int]) -> list[ShownSlot]:
    """Those slots, in that order; what does not exist any more is left out."""
    moment.collect(db, schema.slot.c.id.in_(ids))
    return collected(db, moment, ids)


def collected(db: sa.Connection, moment: Moment, ids: Sequence[int]) -> list[ShownSlot]:
    """The same, of slots that ``moment.collect`` has brought in already, if only as parents."""
    slot = schema.slot
    seen = _rows(moment).where(slot.c.id.in_(ids), sees(slot.c.member_id, moment.sight))
    rows = {row.id: row for row in db.execute(seen)}
    roots = _roots(db, {row.root_id for row in rows.values() if row.root_id is not None}, moment.sight)
    return [_shown(rows[number], moment, roots) for number in ids if number in rows]


def find(db: sa.Connection, name: str, *, sight: Sight) -> int:
    """The id of the slot of that name, or of that id. Raises NotFoundError."""
    return find_named(db, name, sight=sight)[0]


def find_named(db: sa.Connection, name: str, *, sight: Sight) -> tuple[int, str]:
    """The id of the slot of that name, or of that id, and its name. Raises NotFoundError."""
    slot, definition, member, window = schema.slot, schema.definition, schema.member, schema.window
    if name.isascii() and name.isdigit() and len(name) < _DIGITS_MAX:
        wanted = slot.c.id == int(name)
    else:
        left, _, label = name.rpartition("/")
        owner, _, path = left.partition("@")
        wanted = (definition.c.name == owner) & (member.c.path == path) & (window.c.label == label)
    wanted &= sees(slot.c.member_id, sight)
    row = db.execute(_names().where(wanted).order_by(slot.c.id).limit(1)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no slot {name!r}: its name is DEFINITION@MEMBER/WINDOW, see conductor-cli slots list"
        )
    return row.id, slot_name(row.name, row.path, row.label)


def names(db: sa.Connection, ids: Collection[int]) -> dict[int, str]:
    """The names of those of the slots that exist."""
    rows = db.execute(_names().where(schema.slot.c.id.in_(ids)))
    return {row.id: slot_name(row.name, row.path, row.label) for row in rows}


def belongs_to(account_token: str) -> sa.ColumnElement[bool]:
    """Whether a member is that account or below it. An account is its own; tokens are unique among accounts."""
    member, account = schema.member, schema.member.alias("wanted_account")
    ids = sa.select(account.c.id).where(
        account.c.token == account_token, account.c.account_id == account.c.id
    )
    return member.c.account_id.in_(ids)


_DIGITS_MAX = 19
"""Below it a number fits a key."""


def _wanted(query: SlotQuery) -> sa.ColumnElement[bool]:
    slot = schema.slot
    wanted: sa.ColumnElement[bool] = sa.true()
    if query.definition:
        wanted &= schema.definition.c.name == query.definition
    if query.account:
        wanted &= belongs_to(query.account)
    if query.window_label:
        wanted &= schema.window.c.label == query.window_label
    if query.conditions:
        wanted &= slot.c.state.in_(policy.states_with(query.conditions))
    return wanted


def _rows(moment: Moment) -> sa.Select[Any]:
    slot, definition, member, window = schema.slot, schema.definition, schema.member, schema.window
    held = pending.table
    return sa.select(
        slot.c.id,
        slot.c.definition_id,
        slot.c.failures,
        slot.c.failed_at,
        slot.c.attempts,
        slot.c.reason,
        definition.c.name.label("definition"),
        definition.c.delay_s,
        definition.c.retry_kind,
        definition.c.retry_parameters,
        definition.c.fault,
        definition.c.held.label("definition_held"),
        schema.source.c.name.label("source"),
        schema.matrix.c.name.label("matrix"),
        member.c.token,
        member.c.path,
        member.c.timezone,
        member.c.account_id,
        sa.func.coalesce(readiness.account.c.token, "").label("account"),
        readiness.account.c.maintenance_until,
        window.c.starts_at,
        window.c.ends_at,
        window.c.label,
        sa.func.coalesce(newest.c.id, 0).label("run_id"),
        newest.c.agent,
        newest.c.running_at,
        newest.c.cancel_requested_at,
        held.c.required,
        held.c.succeeded,
        held.c.failed,
        sa.case((held.c.blocked > 0, held.c.root_id)).label("root_id"),
        conditions.condition(moment).label("condition"),
    ).select_from(
        conditions.situated.join(schema.source, schema.source.c.id == definition.c.source_id).join(
            schema.matrix, schema.matrix.c.id == member.c.matrix_id
        )
    )


def _roots(db: sa.Connection, ids: Collection[int], sight: Sight) -> dict[int, tuple[str, SlotState]]:
    """Name and state of the slots at the top of blocks."""
    slot = schema.slot
    seen = sees(slot.c.member_id, sight).label("seen")
    return {
        row.id: (
            slot_name(row.name, row.path, row.label) if row.seen else ELSEWHERE,
            SlotState(row.state),
        )
        for row in db.execute(_names().add_columns(seen).where(slot.c.id.in_(ids)))
    }


def _names() -> sa.Select[Any]:
    slot, definition, member, window = schema.slot, schema.definition, schema.member, schema.window
    return (
        sa.select(slot.c.id, slot.c.state, definition.c.name, member.c.path, window.c.label)
        .join(definition, definition.c.id == slot.c.definition_id)
        .join(member, member.c.id == slot.c.member_id)
        .join(window, window.c.id == slot.c.window_id)
    )


def _shown(row: Any, moment: Moment, roots: dict[int, tuple[str, SlotState]]) -> ShownSlot:
    condition = Condition(row.condition)
    return ShownSlot(
        id=row.id,
        name=slot_name(row.definition, row.path, row.label),
        definition=row.definition,
        matrix=row.matrix,
        member=row.token if row.path else "",
        account=row.account,
        timezone=row.timezone,
        window=Window(start=row.starts_at, end=row.ends_at, label=row.label),
        condition=condition,
        reason=policy.sentence(condition, _details(row, condition, moment, roots)),
        attempts=row.attempts,
        run_id=row.run_id,
    )


def _details(
    row: Any, condition: Condition, moment: Moment, roots: dict[int, tuple[str, SlotState]]
) -> policy.Details:
    root, root_state = roots.get(row.root_id, ("", None))
    limit = ""
    if condition is Condition.WAITING_FOR_CAPACITY:
        limit = moment.usage.full_in_words(row.definition_id, row.account_id, row.definition, row.account)
    return policy.Details(
        definition=row.definition,
        source=row.source,
        account=row.account,
        due_at=row.ends_at + dt.timedelta(seconds=0 if row.fault else row.delay_s),
        said=row.definition_held if condition is Condition.PAUSED else row.reason,
        attempts=row.attempts,
        agent=row.agent or "",
        running_at=row.running_at,
        cancel_requested=row.cancel_requested_at is not None,
        failed_at=row.failed_at,
        retry_at=_retry_at(row, moment) if condition is Condition.RETRYING else None,
        maintenance_until=row.maintenance_until,
        limit=limit,
        required=row.required or 0,
        satisfied=(row.succeeded or 0) + (row.failed or 0),
        root=root,
        root_state=root_state,
        root_seen=root != ELSEWHERE,
    )


def _retry_at(row: Any, moment: Moment) -> dt.datetime | None:
    if row.failed_at is None or row.failures < 1:
        return None
    decision = retry.decide(
        retry_of(row.retry_kind, row.retry_parameters),
        moment.retries,
        failures=row.failures,
        window_end=row.ends_at,
        now=moment.now,
        bucket=row.id % retry.JITTER_BUCKETS,
    )
    failed_at: dt.datetime = row.failed_at
    return failed_at + decision.delay if isinstance(decision, Retrying) else None
