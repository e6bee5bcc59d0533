"""Credentials: who calls, what they may do, which accounts they see, and what an agent of theirs may claim.

The operators' roles are a ladder: each may do what those below it may. ``AGENT`` stands beside it: an agent's token
lists nothing and changes nothing by hand, and an administrator's claims no run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from conductor_server.model.states import Named


class Role(Named):
    """What a credential is good for. The integers are stored."""

    VIEWER = 1
    OPERATOR = 2
    AUTHOR = 3
    ADMIN = 4
    AGENT = 5

    @property
    def article(self) -> str:
        """With its article, for sentences."""
        return f"{'a' if self is Role.VIEWER else 'an'} {self.word}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an agent may claim, and the names that it may use. ``None`` bounds nothing, an empty set allows nothing.

    A bound on accounts leaves out work that belongs to no account. It is the only one that a person can have, who has
    an empty set where there is none: ``Credential.sees``.
    """

    agents: frozenset[str] | None = frozenset()
    sources: frozenset[str] | None = frozenset()
    accounts: frozenset[str] | None = frozenset()


NO_REACH = Reach()
UNBOUNDED = Reach(agents=None, sources=None, accounts=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a call proved to be from. ``name`` is for people and the audit; ``id`` is what sessions are bound to.

    ``stored``: it stands in the database, where it can be revoked or expire while its calls are under way.
    """

    id: str
    name: str
    roles: frozenset[Role]
    reach: Reach = NO_REACH
    stored: bool = False

    @property
    def sees(self) -> frozenset[str] | None:
        """The accounts whose work a person sees and acts on; ``None`` for all work there is."""
        return self.reach.accounts or None

    def may(self, needed: Role) -> bool:
        if needed is Role.AGENT:
            return needed in self.roles
        return any(needed <= role <= Role.ADMIN for role in self.roles)


NOBODY = Credential(id="", name="", roles=frozenset())

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")


def is_name(text: str) -> bool:
    """Whether a token or an agent may be called that: it stands in tables, logs and certificates as it is."""
    return _NAME.fullmatch(text) is not None
