"""Members of matrices: accounts, keywords, and whatever else definitions are repeated over.

``path`` is a member's name within its matrix: the tokens from below ``default`` down to its own, joined by ``:``.
``command_member_ancestor`` holds for each member itself and everything above it, so that set-based statements find
the members that two matrices share without recursion.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from conductor_server.model.definition import ACCOUNT_MATRIX, Account
from conductor_server.model.errors import NotFoundError
from conductor_server.store import barriers, dialect, matrices, replanning, schema
from conductor_server.store.sight import Sight, sees

MANUAL = "manual"
"""The source token of accounts that an operator added."""

BATCH = 1_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account as the store knows it."""

    id: int
    token: str
    timezone: str
    starts_on: str
    starts_at: dt.datetime
    maintenance_until: dt.datetime | None
    max_running: int | None
    source_token: str


def accounts(db: sa.Connection, *, source_token: str | None = None) -> Sequence[StoredAccount]:
    """All accounts by token, or those that one source owns."""
    if source_token is None:
        return [StoredAccount(**row._asdict()) for row in db.execute(_ACCOUNTS)]
    rows = db.execute(_ACCOUNTS_OF_SOURCE, {"source": source_token})
    return [StoredAccount(**row._asdict()) for row in rows]


_ACCOUNT_MATRIX = (
    sa.select(schema.matrix.c.id).where(schema.matrix.c.name == ACCOUNT_MATRIX).scalar_subquery()
)
_ACCOUNTS = (
    sa.select(*(schema.member.c[name] for name in StoredAccount.__dataclass_fields__))
    .where(schema.member.c.matrix_id == _ACCOUNT_MATRIX)
    .order_by(schema.member.c.token)
)
_ACCOUNTS_OF_SOURCE = _ACCOUNTS.where(schema.member.c.source_token == sa.bindparam("source"))


def account_page(
    db: sa.Connection, *, after: str, limit: int, sight: Sight
) -> tuple[Sequence[StoredAccount], str | None]:
    """The accounts after that token, by token, and the token to go on from if there are more."""
    query = _ACCOUNTS.where(schema.member.c.token > after, sees(schema.member.c.id, sight)).limit(limit + 1)
    found = [StoredAccount(**row._asdict()) for row in db.execute(query)]
    return found[:limit], found[limit - 1].token if len(found) > limit else None


def account(db: sa.Connection, token: str, *, sight: Sight) -> StoredAccount:
    """Raises NotFoundError."""
    wanted = (schema.member.c.token == token) & sees(schema.member.c.id, sight)
    row = db.execute(_ACCOUNTS.where(wanted)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no account {token!r}: see conductor-cli accounts list")
    return StoredAccount(**row._asdict())


def add_accounts(
    db: sa.Connection,
    declared: Iterable[tuple[Account, dt.datetime]],
    *,
    source_token: str,
    now: dt.datetime,
) -> int:
    """Add accounts, each with the instant from which it has slots."""
    matrix_id = matrices.matrix_ids(db)[ACCOUNT_MATRIX]
    common = {
        "matrix_id": matrix_id,
        "parent_id": db.execute(_DEFAULT).scalar_one(),
        "source_token": source_token,
        "created": now,
        "arrival": next_arrival(db),
    }
    rows: list[dict[str, object]] = [
        common
        | {
            "token": account.token,
            "path": account.token,
            "timezone": account.timezone,
            "starts_on": _text(account.starts_on),
            "starts_at": starts_at,
            "maintenance_until": account.maintenance_until,
            "max_running": account.max_running,
        }
        for account, starts_at in declared
    ]
    if not rows:
        return 0
    before = newest(db)
    db.execute(_ADD, rows)
    db.execute(_OWN_ACCOUNT, {"matrix": matrix_id, "after": before})
    link(db, matrix_id=matrix_id, after=before)
    if len(rows) >= dialect.MANY:
        dialect.analyze(db, schema.member, schema.member_ancestor)
    return len(rows)


_DEFAULT = sa.select(schema.member.c.id).where(schema.member.c.matrix_id == 0)
_ADD = sa.insert(schema.member)


def update_account(db: sa.Connection, account: Account, *, starts_at: dt.datetime, now: dt.datetime) -> None:
    """Store what its source says now. A new zone, or a new start, re-plans what has not begun."""
    table = schema.member
    where = (table.c.matrix_id == _ACCOUNT_MATRIX) & (table.c.token == account.token)
    before = db.execute(sa.select(table.c.id, table.c.timezone, table.c.starts_on).where(where)).one()
    db.execute(
        sa.update(table)
        .where(where)
        .values(
            starts_on=_text(account.starts_on),
            maintenance_until=account.maintenance_until,
            max_running=account.max_running,
        )
    )
    if before.starts_on != _text(account.starts_on):
        arrival = next_arrival(db)
        db.execute(sa.update(table).where(where).values(starts_at=starts_at, arrival=arrival))
        replanning.forget_member(db, before.id, until=starts_at)
    if before.timezone != account.timezone:
        _move(db, before.id, timezone=account.timezone, now=now)


def set_maintenance(db: sa.Connection, token: str, until: dt.datetime | None) -> int:
    where = (schema.member.c.matrix_id == _ACCOUNT_MATRIX) & (schema.member.c.token == token)
    return db.execute(sa.update(schema.member).where(where).values(maintenance_until=until)).rowcount


def remove(db: sa.Connection, ids: Collection[int]) -> None:
    """Remove members with everything below and under them."""
    for batch in _batches(sorted(ids)):
        db.execute(sa.delete(schema.member).where(schema.member.c.id.in_(batch)))


_ZONES = sa.select(
    schema.member.c.matrix_id, schema.member.c.timezone, sa.func.max(schema.member.c.arrival)
).group_by(schema.member.c.matrix_id, schema.member.c.timezone)


def zones(db: sa.Connection) -> Mapping[int, Mapping[str, int]]:
    """For each matrix, the zones that its members live in, each with its newest arrival."""
    found: dict[int, dict[str, int]] = {}
    for matrix_id, timezone, newest in db.execute(_ZONES):
        found.setdefault(matrix_id, {})[timezone] = newest
    return found


def newest_account(db: sa.Connection) -> int:
    """The id of the account that came last; 0 while there is none."""
    return db.execute(_NEWEST_ACCOUNT).scalar() or 0


_NEWEST_ACCOUNT = sa.select(sa.func.max(schema.member.c.id)).where(
    schema.member.c.matrix_id == _ACCOUNT_MATRIX
)


def newest(db: sa.Connection) -> int:
    """The id of the member that came last; those that are added now have greater ones."""
    number: int = db.execute(_NEWEST_ID).scalar_one()
    return number


_NEWEST_ID = sa.select(sa.func.max(schema.member.c.id))


def link(db: sa.Connection, *, matrix_id: int, after: int) -> None:
    """Write the ancestors of a matrix's members with greater ids than that: themselves, and all above."""
    db.execute(_LINK, {"matrix": matrix_id, "after": after})


_new = (schema.member.c.matrix_id == sa.bindparam("matrix")) & (schema.member.c.id > sa.bindparam("after"))
_its = schema.member_ancestor.c
_LINK = sa.insert(schema.member_ancestor).from_select(
    ["member_id", "ancestor_id", "member_matrix_id", "ancestor_matrix_id"],
    sa.union_all(
        sa.select(
            schema.member.c.id, schema.member.c.id, schema.member.c.matrix_id, schema.member.c.matrix_id
        ).where(_new),
        sa.select(schema.member.c.id, _its.ancestor_id, schema.member.c.matrix_id, _its.ancestor_matrix_id)
        .join(schema.member_ancestor, _its.member_id == schema.member.c.parent_id)
        .where(_new),
    ),
)
_OWN_ACCOUNT = sa.update(schema.member).where(_new).values(account_id=schema.member.c.id)


def next_arrival(db: sa.Connection) -> int:
    """The number of those who come now; until the transaction ends, nobody else gets one.

    A number that a plan has seen is not given out again when its member is gone: who got it would have no slots.
    """
    dialect.lock_members(db)
    barriers.forget(db)  # what those need who come now does not exist yet
    newest: int = db.execute(_NEWEST).scalar_one()
    return max(newest, db.execute(_PLANNED).scalar() or 0) + 1


_NEWEST = sa.select(sa.func.max(schema.member.c.arrival))
_PLANNED = sa.select(sa.func.max(schema.definition_calendar.c.member_watermark))


def _move(db: sa.Connection, account_id: int, *, timezone: str, now: dt.datetime) -> None:
    """Take an account and everything below it to another zone, from the first window there that starts from now on.

    The window that is under way in the old zone is finished there.
    """
    table = schema.member
    below = table.c.account_id == account_id
    arrival = next_arrival(db)
    db.execute(sa.update(table).where(below).values(timezone=timezone, arrival=arrival))
    db.execute(sa.update(table).where(below, table.c.starts_at < now).values(starts_at=now))
    replanning.forget_member(db, account_id, since=now)


def _text(value: dt.date | dt.datetime | None) -> str:
    return "" if value is None else value.isoformat()


def _batches(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[begin : begin + BATCH] for begin in range(0, len(items), BATCH))
