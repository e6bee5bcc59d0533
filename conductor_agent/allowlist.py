"""What this agent may run, as its own operator has decided. It has the last word, whatever a server asks for.

A file in YAML or TOML: for each source a list of patterns, in which ``*`` stands for anything::

    stored_procedure: ["agg.*"]
    cron: ["shop:load_*"]
    ml_command: [forecast.py, python]
    shell: [/usr/bin/rsync]
    python: ["shop.jobs:*"]

    env: [WAREHOUSE_*]

A source that is not listed may run nothing. ``env`` names the variables that ``${env:NAME}`` may stand for. Without a
file everything is allowed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from conductor_agent.errors import NotAllowedError, UsageError

_DECIDES_WHAT_RUNS = (
    "LD_",
    "PYTHON",
    "BASH_",
    "R_",
    "PERL",
    "NODE_",
    "DYLD_",
    "RUBY",
    "JAVA_",
    "GIT_",
    "XDG_",
)
_DECIDES_WHAT_RUNS_EXACTLY = frozenset(
    {"PATH", "ENV", "IFS", "HOME", "SHELL", "GCONV_PATH", "JDK_JAVA_OPTIONS", "DJANGO_SETTINGS_MODULE"}
)
_VARIABLES = "env"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """Patterns by source; ``None`` for no file, which allows everything."""

    patterns: Mapping[str, tuple[str, ...]] | None = field(default=None)

    @property
    def confines(self) -> bool:
        """Whether there is a list at all."""
        return self.patterns is not None

    def check_variables(self, names: Iterable[str]) -> None:
        """Raises ``NotAllowedError`` for a variable of the agent that a definition may not ask for."""
        if self.patterns is None:
            return
        for name in names:
            if not any(fnmatchcase(name, pattern) for pattern in self.patterns.get(_VARIABLES, ())):
                message = (
                    f"this agent's allow-list does not permit ${{env:{name}}}: list it under {_VARIABLES}"
                )
                raise NotAllowedError(message)

    def check(self, source: str, subjects: tuple[str, ...], environment: Mapping[str, str]) -> None:
        """Raises ``NotAllowedError`` unless every subject matches, and the environment cannot swap what they mean.

        ``environment`` is what the definition sets, not what the agent does.
        """
        if self.patterns is None:
            return
        patterns = self.patterns.get(source, ())
        for subject in subjects:
            if not any(fnmatchcase(subject, pattern) for pattern in patterns):
                message = f"this agent's allow-list does not permit {source} {subject!r}"
                raise NotAllowedError(message)
        for name in environment:
            if name in _DECIDES_WHAT_RUNS_EXACTLY or name.startswith(_DECIDES_WHAT_RUNS):
                message = f"with an allow-list a definition may not set {name}: it decides what is run"
                raise NotAllowedError(message)


def read_allow_list(path: Path) -> AllowList:
    """Raises ``UsageError`` when the file cannot be read or has another shape."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text) if path.suffix == ".toml" else _yaml(text)
    except (OSError, ValueError) as error:
        message = f"the allow-list {path} cannot be read: {error}"
        raise UsageError(message) from error
    if not isinstance(content, dict):
        message = f"the allow-list {path} must map each source to a list of patterns"
        raise UsageError(message)
    for source, patterns in content.items():
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            message = f"the allow-list {path} must give a list of patterns for {source}, not {patterns!r}"
            raise UsageError(message)
    return AllowList(patterns={str(source): tuple(patterns) for source, patterns in content.items()})


def _yaml(text: str) -> object:
    import yaml  # seldom needed, and slow to import

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
