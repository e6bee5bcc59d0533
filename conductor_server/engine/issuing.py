"""Tokens that administrators issue and revoke: each is one transaction with its event. Their text is never stored."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.engine.operations import Operator
from conductor_server.model import tokens as texts
from conductor_server.model.credentials import Reach, Role, is_name
from conductor_server.model.errors import InvalidRequestError
from conductor_server.store import matrices, members, tokens
from conductor_server.store.events import ENGINE
from conductor_server.store.tokens import StoredToken

RESERVED = frozenset({"anonymous", "home", "operator", ENGINE})
"""Names that stand in the audit for something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What an administrator asks for. ``id`` and ``secret`` are random bytes."""

    name: str
    role: Role
    reach: Reach
    expires_at: dt.datetime | None
    id: bytes
    secret: bytes


def issue(db: sa.Connection, wanted: NewToken, by: Operator) -> tuple[StoredToken, str]:
    """Answers what is kept, and the text, which is shown once.

    Raises InvalidRequestError, NotFoundError for an account that does not exist, AlreadyExistsError for the name.
    """
    _check(db, wanted, now=by.now)
    id = texts.token_id(wanted.id)
    text = texts.write(wanted.role.word, id, wanted.secret)
    token = StoredToken(
        id=id,
        name=wanted.name,
        role=wanted.role,
        hash=texts.hash_of(text),
        reach=wanted.reach,
        created=by.now,
        created_by=by.name,
        expires_at=wanted.expires_at,
    )
    tokens.add(db, token)
    until = f" until {token.expires_at:%F %T}Z" if token.expires_at else ""
    by.note(
        db, "token.created", token.name, f"token {id} for {token.role.article}{until}{_words(token.reach)}"
    )
    return token, text


def revoke(db: sa.Connection, name: str, by: Operator) -> StoredToken:
    """May be repeated. Raises NotFoundError."""
    token, was_live = tokens.revoke(db, name, now=by.now)
    if was_live:
        by.note(db, "token.revoked", token.name, f"token {token.id} of {token.role.article}")
    return token


def _check(db: sa.Connection, wanted: NewToken, *, now: dt.datetime) -> None:
    if not is_name(wanted.name) or wanted.name in RESERVED:
        raise InvalidRequestError(
            f"a token cannot be called {wanted.name!r}: letters, digits, and . _ + - will do, "
            f"but not {', '.join(sorted(RESERVED))}",
            field="name",
        )
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise InvalidRequestError(f"{wanted.expires_at:%F %T}Z has passed", field="expires_at")
    reach = wanted.reach
    if wanted.role is not Role.AGENT and (reach.agents or reach.sources):
        raise InvalidRequestError(
            f"agents and sources bound an agent's token: {wanted.role.article} has none of them", field="role"
        )
    if wanted.role in (Role.AUTHOR, Role.ADMIN) and reach.accounts:
        raise InvalidRequestError(
            f"{wanted.role.article} changes what all accounts share: only viewers, operators and agents can be "
            "bounded by accounts",
            field="role",
        )
    for agent in sorted(reach.agents or ()):
        if not is_name(agent):
            raise InvalidRequestError(f"no agent can be called {agent!r}", field="agents")
    known = matrices.source_ids(db)
    for source in sorted(reach.sources or ()):
        if source not in known:
            raise InvalidRequestError(
                f"there is no source {source!r}: known are {', '.join(sorted(known))}", field="sources"
            )
    for account in sorted(reach.accounts or ()):
        members.account(db, account, sight=None)


def _words(reach: Reach) -> str:
    bounds = {"agent": reach.agents, "source": reach.sources, "account": reach.accounts}
    return "".join(f", {noun} {', '.join(sorted(names))}" for noun, names in bounds.items() if names)
