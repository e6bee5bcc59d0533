"""Concurrency limits: how many runs are running under each, counted from the runs themselves, so that nothing leaks.

A limit bounds the runs of a definition, of a definition within an account, of an account, or of a named pool. Limits
are exact: claims that could touch one go one transaction at a time over all servers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import sqlalchemy as sa

from conductor_server.model.states import RunStatus
from conductor_server.store import dialect, schema

Key: TypeAlias = "tuple[str, int | str] | tuple[str, int | str, int]"


@dataclass(slots=True, kw_only=True)
class Usage:
    """Limits and what is used of them. ``take`` books a run; the transaction's commit makes it true."""

    limits: Mapping[Key, int]
    pools: Mapping[int, tuple[str, ...]]
    used: Counter[Key] = field(default_factory=Counter)

    def keys(self, definition_id: int, account_id: int | None) -> list[Key]:
        """The limits that a run of that definition and account counts against."""
        keys: list[Key] = [("definition", definition_id)]
        keys += [("pool", name) for name in self.pools.get(definition_id, ())]
        if account_id is not None:
            keys.append(("account", account_id))
            if ("each account", definition_id) in self.limits:
                keys.append(("each account", definition_id, account_id))
        return keys

    def limit_of(self, key: Key) -> int | None:
        return self.limits.get(key[:2] if key[0] == "each account" else key)

    def full(self, definition_id: int, account_id: int | None) -> Key | None:
        """The first limit that leaves no room for one more, if any."""
        for key in self.keys(definition_id, account_id):
            limit = self.limit_of(key)
            if limit is not None and self.used[key] >= limit:
                return key
        return None

    def full_in_words(self, definition_id: int, account_id: int | None, definition: str, account: str) -> str:
        """Which limit leaves no room, for people who know the names; empty when none does."""
        key = self.full(definition_id, account_id)
        if key is None:
            return ""
        used = f"{self.used[key]} of {self.limit_of(key)} places are taken"
        match key:
            case ("definition", _):
                return f"{definition} is at its limit: {used}"
            case ("account", _):
                return f"account {account} is at its limit: {used}"
            case ("each account", _, _):
                return f"{definition} is at its limit for account {account}: {used}"
            case (_, name, *_):
                return f"the pool {name} is full: {used}"

    def take(self, definition_id: int, account_id: int | None) -> bool:
        """Book one more run if every limit has room."""
        if not self.limits:
            return True
        if self.full(definition_id, account_id) is not None:
            return False
        self.used.update(self.keys(definition_id, account_id))
        return True

    def has_room(
        self, definition_id: sa.ColumnElement[int], account_id: sa.ColumnElement[int | None]
    ) -> sa.ColumnElement[bool]:
        """The condition that no limit is used up, over columns."""
        definitions: set[int] = set()
        accounts: set[int] = set()
        room: sa.ColumnElement[bool] = sa.true()
        for key in self._used_up():
            match key:
                case ("definition", int(number)):
                    definitions.add(number)
                case ("account", int(number)):
                    accounts.add(number)
                case ("pool", str(name)):
                    definitions.update(number for number, names in self.pools.items() if name in names)
                case ("each account", int(number)):
                    room &= (definition_id != number) | account_id.is_(None)
                case ("each account", int(number), int(account)):
                    room &= (definition_id != number) | account_id.is_(None) | (account_id != account)
        if definitions:
            room &= definition_id.not_in(definitions)
        if accounts:
            room &= account_id.is_(None) | account_id.not_in(accounts)
        return room

    def _used_up(self) -> set[Key]:
        """Limits without room; one of zero is used up by nobody."""
        return {
            key
            for key in self.limits.keys() | self.used.keys()
            if (limit := self.limit_of(key)) is not None and self.used[key] >= limit
        }


def load(db: sa.Connection, *, lock: bool = True) -> Usage:
    """Limits as declared, and what running runs use of them; locks out other claims where there are any.

    ``lock=False`` is for those who only look.
    """
    usage = _declared(db)
    if usage.limits:
        if lock:
            dialect.lock_claims(db)
        for definition_id, account_id, number in db.execute(_running()):
            for key in usage.keys(definition_id, account_id):
                usage.used[key] += number
    return usage


def _declared(db: sa.Connection) -> Usage:
    limits: dict[Key, int] = {}
    pools: dict[int, tuple[str, ...]] = {}
    for kind, number, name, bound in db.execute(_DECLARED):
        match kind:
            case "pool":
                limits[kind, name] = bound
            case "in pool":
                pools[number] = (*pools.get(number, ()), name)
            case _:
                limits[kind, number] = bound
    return Usage(limits=limits, pools=pools)


def _limit(kind: str, number: Any, name: Any, bound: Any) -> sa.Select[Any]:
    kind_of = sa.literal_column(f"'{kind}'", sa.Text)
    return sa.select(kind_of.label("kind"), number.label("number"), name.label("name"), bound.label("bound"))


_NOBODY, _NAMELESS = sa.literal_column("0", sa.BigInteger), sa.literal_column("''", sa.Text)

# One statement: every claim asks, and most installations have few limits or none.
_DECLARED = sa.union_all(
    _limit("definition", schema.definition.c.id, _NAMELESS, schema.definition.c.max_running).where(
        schema.definition.c.max_running.is_not(None)
    ),
    _limit("each account", schema.definition.c.id, _NAMELESS, schema.definition.c.max_running_account).where(
        schema.definition.c.max_running_account.is_not(None)
    ),
    _limit("account", schema.member.c.id, _NAMELESS, schema.member.c.max_running).where(
        schema.member.c.max_running.is_not(None)
    ),
    _limit("pool", _NOBODY, schema.pool.c.name, schema.pool.c.places),
    _limit("in pool", schema.definition_pool.c.definition_id, schema.definition_pool.c.pool_name, _NOBODY),
).order_by("kind", "number", "name")


@cache
def _running() -> sa.Select[Any]:
    run, slot, member = schema.run, schema.slot, schema.member
    return (
        sa.select(slot.c.definition_id, member.c.account_id, sa.func.count())
        .select_from(run.join(slot, slot.c.id == run.c.slot_id).join(member, member.c.id == slot.c.member_id))
        .where(run.c.status == RunStatus.RUNNING)
        .group_by(slot.c.definition_id, member.c.account_id)
    )
