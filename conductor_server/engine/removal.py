"""The guard on removals: a source that is suddenly empty, or lists far less than before, is more often broken."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.policy.diff import removal_needs_consent
from conductor_server.store import confirmations, events
from conductor_server.store.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a source no longer lists; ``stored`` is how many it owned."""

    kind: str
    source_token: str
    stored: int
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.kind}s of {self.source_token}"


def held_back(db: sa.Connection, removal: Removal, *, empty: bool, now: dt.datetime) -> str:
    """Why this removal must not happen now, or nothing. A person may consent to exactly these names."""
    if not removal.names:
        confirmations.withdraw(db, removal.key)
        return ""
    if not removal_needs_consent(stored=removal.stored, removed=len(removal.names)):
        return ""
    if confirmations.given(db, removal.key, removal.names):
        confirmations.withdraw(db, removal.key)
        return ""
    count = len(removal.names)
    what = "lists none any more" if empty else f"no longer lists {count} of {removal.stored}"
    message = (
        f"{removal.source_token} {what} of its {removal.kind}s ({_some(removal.names)}): nothing was removed. "
        f"If that is meant: conductor-cli definitions confirm-removal '{removal.key}' --count {count}"
    )
    if confirmations.ask(db, removal.key, removal.names):
        events.append(db, [Event(kind="removal.held_back", subject=removal.key, message=message)], now=now)
    return message


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
