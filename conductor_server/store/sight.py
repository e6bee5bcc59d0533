"""Whose work is seen: the one condition by which every answer to a person bounded by accounts is narrowed.

It is part of the questions themselves: what lies outside is not counted, not paged over, and not told from what does
not exist. Work that belongs to no account lies outside too.
"""

from __future__ import annotations

from typing import TypeAlias

import sqlalchemy as sa

from conductor_server.store import schema

Sight: TypeAlias = frozenset[str] | None
"""The tokens of the accounts that somebody sees; ``None`` for everything."""

ELSEWHERE = "a slot outside of your accounts"
"""What stands for the name of a slot that somebody waits for and does not see."""


def sees(member_id: sa.ColumnElement[int], sight: Sight) -> sa.ColumnElement[bool]:
    """Whether that member is one of those accounts, or belongs to one."""
    if sight is None:
        return sa.true()
    member, account = schema.member.alias("seen_member"), schema.member.alias("seen_account")
    seen = (
        sa.select(member.c.id)
        .join(account, account.c.id == member.c.account_id)
        .where(account.c.token.in_(sorted(sight)))
    )
    return member_id.in_(seen)
