"""Who calls: the token that a call carries, or else the certificate of its connection, becomes a credential.

A token that is there has to be good, also beside a certificate. Nothing is remembered between calls: a token that any
server has revoked is refused by all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from conductor_server.engine.clock import Clock
from conductor_server.model import tokens as texts
from conductor_server.model.credentials import UNBOUNDED, Credential, Reach, Role, is_name
from conductor_server.model.errors import UnauthenticatedError
from conductor_server.store import tokens
from conductor_server.store.database import Database

Metadata = Iterable[tuple[str, str | bytes]]
AuthContext = Mapping[str, Sequence[bytes]]

HOME = "home"
"""Whose name the token of the home folder has."""

_REMEDY = (
    "send one as 'authorization: Bearer …', such as that in the file `token` of the server's home folder, "
    "or one from `conductor-cli tokens create`"
)

_IDENTITY = re.compile(r"conductor://(?:(agent)|user/(viewer|operator|author|admin))/([^/]+)")


class Authenticator:
    """Turns what a call carries into a credential."""

    def __init__(self, database: Database, clock: Clock, *, home_token: str) -> None:
        self._database = database
        self._clock = clock
        self._home_hash = texts.hash_of(home_token)
        # Servers with the same file accept one another's sessions; a new file is a new credential.
        self._home = Credential(
            id=f"home-{self._home_hash[:4].hex()}",
            name=HOME,
            roles=frozenset({Role.ADMIN, Role.AGENT}),
            reach=UNBOUNDED,
        )

    def identify(self, metadata: Metadata, auth_context: AuthContext) -> Credential:
        """Raises UnauthenticatedError; StoreUnavailableError when a token cannot be looked up."""
        presented = [value for key, value in metadata if key == "authorization"]
        if not presented:
            return _of_certificate(auth_context)
        if len(presented) > 1:
            raise UnauthenticatedError("more than one authorization: send one")
        return self._of_token(_bearer(presented[0]))

    def _of_token(self, token: str) -> Credential:
        if texts.is_same(token, self._home_hash):
            return self._home
        id = texts.id_of(token)
        stored = self._database.read(lambda db: tokens.by_id(db, id)) if id else None
        if stored is None or not texts.is_same(token, stored.hash):
            raise UnauthenticatedError(f"a token that this server did not issue: {_REMEDY}")
        # Only who has the whole token learns what became of it.
        if why := tokens.end_of(stored, now=self._clock.now()):
            raise UnauthenticatedError(f"{why}: ask an administrator for another")
        return Credential(
            id=stored.id,
            name=stored.name,
            roles=frozenset({stored.role}),
            reach=stored.reach,
            stored=True,
        )


def _bearer(value: str | bytes) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    scheme, _, token = text.partition(" ")
    if scheme != "Bearer" or not token:
        raise UnauthenticatedError(f"no token in the authorization: {_REMEDY}")
    return token


def _of_certificate(auth_context: AuthContext) -> Credential:
    """Of the URIs of a certificate that the TLS handshake has verified; names, DNS entries and headers say nothing."""
    named = [uri.decode("latin-1") for uri in auth_context.get("peer_uri", ())]
    ours = [uri for uri in named if uri.startswith("conductor:")]
    if not ours:
        raise UnauthenticatedError(f"no token: {_REMEDY}")
    found = _IDENTITY.fullmatch(ours[0])
    if len(ours) > 1 or found is None or not is_name(found[3]):
        raise UnauthenticatedError(
            f"the certificate is for {', '.join(ours)}: one URI is expected, "
            "conductor://agent/NAME or conductor://user/ROLE/NAME"
        )
    if found[1]:
        reach = Reach(agents=frozenset({found[3]}), sources=None, accounts=None)
        return Credential(id=ours[0], name=ours[0], roles=frozenset({Role.AGENT}), reach=reach)
    role = Role[found[2].upper()]
    return Credential(id=ours[0], name=ours[0], roles=frozenset({role}))
