"""Declarations read from files, without a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conductor_cli.client import Failure
from conductor_server.definitions.loading import check, load
from conductor_server.drawing.letters import printable
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import DefinitionErrors, SourceUnavailableError
from conductor_server.policy.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What files declare, and the graph that comes of it."""

    declarations: Declarations
    graph: Graph


def read(paths: Sequence[str]) -> Checked:
    """Reads files and folders. Raises ``DefinitionErrors``, and ``Failure`` for what cannot be read at all."""
    try:
        declarations = load(paths)
    except SourceUnavailableError as error:
        raise Failure(printable(str(error))) from None
    return Checked(declarations=declarations, graph=check(declarations))


def read_valid(paths: Sequence[str]) -> Checked:
    """The same for commands that have no use for faults: each of them is in the ``Failure``."""
    try:
        return read(paths)
    except DefinitionErrors as errors:
        lines = [printable(line) for line in str(errors).splitlines()]
        raise Failure("\n".join(["the definitions cannot be used", *lines])) from None
