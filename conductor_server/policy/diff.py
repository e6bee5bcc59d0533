"""What has to change for the store to say what a source declares, and when that asks for a person's consent."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from conductor_server.model.definition import Account, Definition, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Names, each sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def diff(*, stored: Mapping[str, str], desired: Mapping[str, str]) -> Changes:
    """Compare two maps from name to fingerprint."""
    return Changes(
        added=tuple(sorted(desired.keys() - stored.keys())),
        changed=tuple(
            sorted(name for name in desired.keys() & stored.keys() if desired[name] != stored[name])
        ),
        removed=tuple(sorted(stored.keys() - desired.keys())),
    )


def removal_needs_consent(*, stored: int, removed: int) -> bool:
    """More than a fifth of what a source owns, gone at once, is more often a broken source than a wish."""
    return removed * 5 > stored


def fingerprint(declared: Definition | Account) -> str:
    """Equal for equal declarations: where a thing stands, and in which order keys are written, does not matter."""
    text = json.dumps(_plain(declared), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value) if field.compare]
        return {name: _plain(getattr(value, name)) for name in fields}
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case frozenset() | set():
            return sorted(str(item) for item in value)
        case dt.datetime() | dt.date():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case Place():
            return None
        case _:
            return value
