"""The plugin contract, on one page.

An executor turns a claimed run into a ``Launch``: the one command to start, and what it needs. It starts nothing
itself. The entry point group is ``conductor.executors``; the entry point's name is the source, and its value a class
that is called without arguments::

    [project.entry-points."conductor.executors"]
    my_source = "my_package:MyExecutor"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from conductor_agent import placeholders
from conductor_agent.model import Json, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and for what a command is made.

    ``root`` is the folder against which relative paths of a spec are resolved. ``environment`` is what the command
    inherits, and what ``${env:NAME}`` is looked up in. ``confined``: the agent has an allow-list, and what is run must
    be what ``subjects`` say, not something that can be reached through it.
    """

    run: Run
    root: Path
    folder: Path
    environment: Mapping[str, str]
    confined: bool = False

    def filled(self, *, verbatim: str = "") -> dict[str, Json]:
        """The run's spec with all placeholders filled in, but for one field left as it is. Raises ``RunError``."""
        values = placeholders.values_of(self.run)
        return {
            name: value if name == verbatim else placeholders.fill(value, values, self.environment)
            for name, value in self.run.spec.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The command to start.

    ``subjects`` is what the allow-list judges, all of them. ``environment`` is what the definition adds. ``files``
    are written into the run's folder, readable by the agent's user only, before the start; a program gets at them
    through ``Place.folder``. ``limits`` are options of ``ulimit`` with their values.

    ``modules``, for ``argv`` of the form ``python -m module argument …``: that module, then those that it will import.
    With it the run starts in a fork of a Python that has imported them, unless something only a new one could heed is
    asked for: a limit, or a variable that is read at a process's start. The module has a ``main(*arguments)``, whose
    value is handed to ``sys.exit``. Importing any of them starts no thread, opens nothing, and reads nothing that could
    be different in the next run.
    """

    argv: tuple[str, ...]
    subjects: tuple[str, ...]
    working_folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    modules: tuple[str, ...] = ()


class Executor(Protocol):
    """How runs of one source are executed."""

    def launch(self, place: Place) -> Launch:
        """The command for this run. Raises ``RunError`` when the spec cannot be turned into one."""
        ...
