"""The fixed list of placeholders, filled in as data: a value is never read as a placeholder, SQL or shell text.

Light on purpose: the child processes of some executors import it, to resolve ``${env:NAME}`` where no file, argv or
journal sees the secret.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from conductor_agent.errors import RunError
from conductor_agent.model import Json, Run

NAMES = (
    "account.token",
    "member.token",
    "window.start",
    "window.end",
    "window.label",
    "slot",
    "attempt",
)
"""What may stand between ``${`` and ``}``, besides ``env:NAME``."""

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^{}]*)\}")


def values_of(run: Run) -> dict[str, str]:
    """The value of each placeholder for this run."""
    return {
        "account.token": run.member.account,
        "member.token": run.member.token,
        "window.start": instant(run.window.start),
        "window.end": instant(run.window.end),
        "window.label": run.window.label,
        "slot": run.slot,
        "attempt": str(run.attempt),
    }


def instant(moment: dt.datetime) -> str:
    """ISO 8601 in UTC, as commands get it: ``2026-11-20T00:00:00Z``."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def fill(value: Json, values: Mapping[str, str], environment: Mapping[str, str]) -> Json:
    """The value with every placeholder in its strings replaced, at any depth; ``$${`` stands for ``${``.

    Each string is read once: what a placeholder brings in stays as it is. Raises ``RunError`` for a placeholder that
    does not exist, and for an environment variable that is not set.
    """
    match value:
        case str():
            return _PLACEHOLDER.sub(lambda found: _value(found, values, environment), value)
        case list():
            return [fill(item, values, environment) for item in value]
        case dict():
            return {name: fill(item, values, environment) for name, item in value.items()}
        case _:
            return value


def variables_in(value: Json) -> set[str]:
    """The names of all ``${env:NAME}`` in a value, at any depth."""
    match value:
        case str():
            names = (found.group(1) or "" for found in _PLACEHOLDER.finditer(value))
            return {name.removeprefix("env:") for name in names if name.startswith("env:")}
        case list():
            return set().union(*map(variables_in, value))
        case dict():
            return set().union(*map(variables_in, value.values()))
        case _:
            return set()


def first_in(text: str) -> str | None:
    """The first placeholder of the list in a text, as written; other ``${…}`` do not count."""
    for found in _PLACEHOLDER.finditer(text):
        name = found.group(1)
        if name is not None and (name in NAMES or name.startswith("env:")):
            return found.group(0)
    return None


def _value(found: re.Match[str], values: Mapping[str, str], environment: Mapping[str, str]) -> str:
    name = found.group(1)
    if name is None:
        return "${"
    if name.startswith("env:"):
        variable = name.removeprefix("env:")
        if variable not in environment:
            message = f"the agent's environment has no variable {variable}, which ${{{name}}} asks for"
            raise RunError(message)
        return environment[variable]
    if name not in values:
        message = f"there is no placeholder ${{{name}}}: known are {', '.join(NAMES)} and env:NAME"
        raise RunError(message)
    return values[name]
