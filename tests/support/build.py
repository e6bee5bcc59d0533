"""Declarations with defaults: a test says what matters to it, and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

from conductor_server.model.credentials import UNBOUNDED, Credential, Role
from conductor_server.model.definition import Account, Definition, MemberDeclaration, Read
from conductor_server.model.states import WindowRule

OWNER = Credential(id="owner", name="owner", roles=frozenset({Role.AGENT}), reach=UNBOUNDED)
"""The credential of every agent here."""


def at(text: str) -> dt.datetime:
    """The UTC instant of ``2026-11-20`` or ``2026-11-20T13:30``."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def definition(name: str, **said: Any) -> Definition:
    """A daily shell command of the account matrix that writes the table of its own name."""
    defaults: dict[str, Any] = {
        "source": "shell",
        "matrix": "account",
        "writes_to": (name,),
    }
    return Definition(name=name, **(defaults | said))


def reads(*tables: str, window: WindowRule = WindowRule.AUTO) -> tuple[Read, ...]:
    return tuple(Read(table=table, window=window) for table in tables)


def account(token: str = "acme", **said: Any) -> Account:
    """An account in UTC since before any test begins."""
    return Account(token=token, **({"starts_on": dt.date(2020, 1, 1)} | said))


def members(parent: str, *tokens: str) -> tuple[MemberDeclaration, ...]:
    return tuple(MemberDeclaration(token=token, parent=parent) for token in tokens)


MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
