"""What has to change for the store to say what a source declares, and when that asks for a person's consent."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from conductor_server.model.definition import Account, Definition


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
    values = _COMPARED[type(declared)](declared)
    return hashlib.blake2b(_ENCODER.encode(values), digest_size=16).hexdigest()


def _compared(declared: type[Definition] | type[Account]) -> attrgetter[tuple[object, ...]]:
    return attrgetter(*(field.name for field in dataclasses.fields(declared) if field.compare))


_COMPARED = {each: _compared(each) for each in (Definition, Account)}


def _as_dict(value: object) -> object:
    """A plugin's mapping need not be a ``dict``."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be declared")


_ENCODER = msgspec.json.Encoder(order="sorted", enc_hook=_as_dict)
