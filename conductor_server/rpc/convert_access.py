"""Between messages and our own values: tokens and events."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_server.engine.issuing import NewToken
from conductor_server.model import tokens as texts
from conductor_server.model.credentials import Reach, Role
from conductor_server.model.errors import InvalidRequestError
from conductor_server.rpc import convert
from conductor_server.store.events import StoredEvent
from conductor_server.store.tokens import StoredToken

_ROLES: Mapping[Role, pb.Role.ValueType] = {role: pb.Role.Value(f"ROLE_{role.name}") for role in Role}
_ROLE_OF = {number: role for role, number in _ROLES.items()}


def new_token(request: pb.CreateTokenRequest) -> NewToken:
    """With an id and a secret that nobody has seen. Raises InvalidRequestError."""
    role = _ROLE_OF.get(request.role)
    if role is None:
        raise InvalidRequestError(
            f"a token is for one of {', '.join(each.word for each in Role)}", field="role"
        )
    named = [frozenset(names) for names in (request.agents, request.sources, request.accounts)]
    # Where nothing is named, an agent's token is not bounded; people's tokens claim nothing in any case.
    agents, sources, accounts = [names or None for names in named] if role is Role.AGENT else named
    return NewToken(
        name=request.name,
        role=role,
        reach=Reach(agents=agents, sources=sources, accounts=accounts),
        expires_at=convert.instant(request.expires_at, field="expires_at")
        if request.HasField("expires_at")
        else None,
        id=secrets.token_bytes(texts.ID_BYTES),
        secret=secrets.token_bytes(texts.SECRET_BYTES),
    )


def token(stored: StoredToken) -> pb.Token:
    return pb.Token(
        id=stored.id,
        name=stored.name,
        role=_ROLES[stored.role],
        agents=sorted(stored.reach.agents or ()),
        sources=sorted(stored.reach.sources or ()),
        accounts=sorted(stored.reach.accounts or ()),
        created=convert.timestamp(stored.created),
        created_by=stored.created_by,
        expires_at=convert.timestamp(stored.expires_at),
        revoked_at=convert.timestamp(stored.revoked_at),
        last_used_at=convert.timestamp(stored.last_used_at),
    )


def token_key(page_token: str) -> tuple[str, str]:
    """The name and id after which a page of tokens begins."""
    key = convert.page_key(page_token, str, str)
    return (key[0], key[1]) if key else ("", "")


def event_key(page_token: str) -> int | None:
    """The event before which a page of events begins. Raises InvalidRequestError."""
    key = convert.page_key(page_token, int)
    if key and not 0 < key[0] < 2**63:
        raise InvalidRequestError("the page token is not from the answer before", field="page_token")
    return key[0] if key else None


def event(stored: StoredEvent) -> pb.Event:
    return pb.Event(
        id=stored.id,
        at=convert.timestamp(stored.at),
        kind=stored.kind,
        subject=stored.subject,
        message=stored.message,
        actor=stored.actor,
    )
