"""Tokens: the credentials that a server has issued. Only the SHA-256 of a token is here, never the token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from conductor_server.model.credentials import Reach, Role
from conductor_server.model.errors import AlreadyExistsError, NotFoundError
from conductor_server.store import schema

USE_IS_NOTED_EVERY = dt.timedelta(minutes=10)
"""``last_used_at`` is that coarse, so that calls need not write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token as it was issued, and what became of it."""

    id: str
    name: str
    role: Role
    hash: bytes
    reach: Reach
    created: dt.datetime
    created_by: str
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None = None
    last_used_at: dt.datetime | None = None


def add(db: sa.Connection, token: StoredToken) -> None:
    """Raises AlreadyExistsError while another token of that name is not revoked."""
    table = schema.token
    if db.execute(_live().where(table.c.name == token.name)).first() is not None:
        raise AlreadyExistsError(
            f"there is a token {token.name!r} already: revoke it, or choose another name"
        )
    db.execute(
        sa.insert(table).values(
            id=token.id,
            name=token.name,
            role=token.role,
            hash=token.hash,
            agents=_list(token.reach.agents),
            sources=_list(token.reach.sources),
            accounts=_list(token.reach.accounts),
            created=token.created,
            created_by=token.created_by,
            expires_at=token.expires_at,
        )
    )


def by_id(db: sa.Connection, token_id: str) -> StoredToken | None:
    row = db.execute(sa.select(schema.token).where(schema.token.c.id == token_id)).one_or_none()
    return None if row is None else _token(row)


def page(
    db: sa.Connection, *, after: tuple[str, str], limit: int
) -> tuple[Sequence[StoredToken], tuple[str, str] | None]:
    """The tokens after that name and id, by name, and where to go on if there are more; revoked ones too."""
    table = schema.token
    query = (
        sa.select(table)
        .where(sa.tuple_(table.c.name, table.c.id) > sa.tuple_(*map(sa.literal, after)))
        .order_by(table.c.name, table.c.id)
        .limit(limit + 1)
    )
    found = [_token(row) for row in db.execute(query)]
    following = (found[limit - 1].name, found[limit - 1].id) if len(found) > limit else None
    return found[:limit], following


def revoke(db: sa.Connection, name: str, *, now: dt.datetime) -> tuple[StoredToken, bool]:
    """End the token of that id, or the live one of that name. Answers it, and whether it was live until now.

    Raises NotFoundError.
    """
    table = schema.token
    named = db.execute(_live().where(table.c.name == name)).scalar_one_or_none()
    found = by_id(db, named or name)
    if found is None:
        raise NotFoundError(f"there is no token {name!r}: see conductor-cli tokens list")
    ended = db.execute(
        sa.update(table).where(table.c.id == found.id, table.c.revoked_at.is_(None)).values(revoked_at=now)
    ).rowcount
    after = by_id(db, found.id)
    assert after is not None
    return after, ended == 1


def ended(db: sa.Connection, ids: Collection[str], *, now: dt.datetime) -> dict[str, str]:
    """Which of those tokens are good no more, and why."""
    if not ids:
        return {}
    rows = db.execute(sa.select(schema.token).where(schema.token.c.id.in_(sorted(ids))))
    known = {row.id: _token(row) for row in rows}
    found = {each: end_of(known.get(each), now=now) for each in ids}
    return {each: why for each, why in found.items() if why}


def end_of(token: StoredToken | None, *, now: dt.datetime) -> str:
    """Why a token is good no more; empty while it is."""
    if token is None:
        return "the token was removed"
    if token.revoked_at is not None:
        return f"the token {token.name} was revoked at {token.revoked_at:%F %T}Z"
    if token.expires_at is not None and token.expires_at <= now:
        return f"the token {token.name} expired at {token.expires_at:%F %T}Z"
    return ""


def used(db: sa.Connection, ids: Collection[str], *, now: dt.datetime) -> None:
    """Note that these were used, where that was not noted lately."""
    table = schema.token
    stale = table.c.last_used_at.is_(None) | (table.c.last_used_at < now - USE_IS_NOTED_EVERY)
    db.execute(sa.update(table).where(table.c.id.in_(sorted(ids)), stale).values(last_used_at=now))


def _live() -> sa.Select[str]:
    return sa.select(schema.token.c.id).where(schema.token.c.revoked_at.is_(None))


def _list(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _token(row: sa.Row[Any]) -> StoredToken:
    return StoredToken(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        hash=row.hash,
        reach=Reach(agents=_set(row.agents), sources=_set(row.sources), accounts=_set(row.accounts)),
        created=row.created,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
