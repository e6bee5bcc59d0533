"""Plugins, found by entry point: definition sources, account sources, and the specs of command sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from conductor_server.definitions.source import AccountSource, DefinitionSource
from conductor_server.model.errors import InvalidRequestError, SourceUnavailableError

DEFINITION_SOURCES = "conductor.definition_sources"
ACCOUNT_SOURCES = "conductor.account_sources"
COMMAND_SOURCES = "conductor.command_sources"

FILES = "files"
"""The definition source of a location that names none."""


def definition_sources(locations: Sequence[str], environment: Mapping[str, str]) -> list[DefinitionSource]:
    """One source for each kind among the locations: ``KIND:rest`` for the plugin KIND, a path for ``files``.

    Raises ``InvalidRequestError`` for an unknown kind.
    """
    factories = _load(DEFINITION_SOURCES)
    by_kind: dict[str, list[str]] = {}
    for location in locations:
        kind, colon, rest = location.partition(":")
        if not colon:
            kind, rest = FILES, location
        elif kind not in factories:
            known = ", ".join(sorted(factories))
            raise InvalidRequestError(
                f"there is no definition source `{kind}` for {location}; there are {known}"
            )
        by_kind.setdefault(kind, []).append(rest)
    return [factories[kind](rest, environment) for kind, rest in by_kind.items()]


def account_sources() -> Mapping[str, type[AccountSource]]:
    return _load(ACCOUNT_SOURCES)


def command_sources() -> Mapping[str, type[BaseModel]]:
    """The schema of each source's spec."""
    return _load(COMMAND_SOURCES)


@cache
def _load(group: str) -> Mapping[str, Any]:
    """What the entry points of a group name, by their names in alphabetical order.

    Raises ``SourceUnavailableError`` for one that does not load, or for two of one name.
    """
    found: dict[str, Any] = {}
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        if entry.name in found:
            raise SourceUnavailableError(
                f"two plugins call themselves {entry.name} in {group}; uninstall one"
            )
        try:
            found[entry.name] = entry.load()
        except (ImportError, AttributeError) as error:
            raise SourceUnavailableError(
                f"the plugin {entry.name} of {group} ({entry.value}) does not load: {error}"
            ) from error
    return MappingProxyType(found)
