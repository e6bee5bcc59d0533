"""The placeholders that a spec may hold, and nothing else that looks like one.

They are filled in as data when a run starts; ``${env:NAME}`` by the agent, from its own environment. ``$${``
stands for a literal ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PLACEHOLDERS = (
    "${account.token}",
    "${member.token}",
    "${window.start}",
    "${window.end}",
    "${window.label}",
    "${slot}",
    "${attempt}",
)
ENVIRONMENT = "${env:NAME}"

_CANDIDATE = re.compile(r"\$\$\{|\$\{[^}]*\}?")
_ENVIRONMENT = re.compile(r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}")


def needs_account(text: str) -> bool:
    """Whether only a member that is an account, or belongs to one, can fill this."""
    return "${account." in text.replace("$${", "")


def strangers(text: str) -> Iterator[str]:
    """What is written like a placeholder, and is none."""
    if "${" not in text:
        return
    for candidate in _CANDIDATE.findall(text):
        if candidate != "$${" and candidate not in PLACEHOLDERS and not _ENVIRONMENT.fullmatch(candidate):
            yield candidate
