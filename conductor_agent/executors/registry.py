"""Finds the executors of the sources that an agent serves. Each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points

from conductor_agent.errors import UsageError
from conductor_agent.executors.contract import Executor

GROUP = "conductor.executors"


def load(sources: Iterable[str]) -> dict[str, Executor]:
    """The executor of each source. Raises ``UsageError`` where none is installed, or it cannot be imported."""
    known = {point.name: point for point in entry_points(group=GROUP)}
    executors: dict[str, Executor] = {}
    for source in sources:
        if source not in known:
            message = f"no executor for source {source!r}: installed are {', '.join(sorted(known))}"
            raise UsageError(message)
        try:
            executors[source] = known[source].load()()
        except Exception as error:  # a plugin's import may raise anything
            message = f"the executor for {source!r} cannot be loaded from {known[source].value}: {error}"
            raise UsageError(message) from error
    return executors
