"""How large a graph may be. Counted before it is built: what is refused must not have cost the memory first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from conductor_server.model.definition import Definition
from conductor_server.model.errors import DefinitionError

DEFINITIONS_MAX = 20_000

PARENTS_MAX = 1_000
"""Others of which a definition reads something, in whichever window."""

EDGES_MAX = 200_000
"""All parents of all definitions: a client can still read the graph in one message."""


def faults(definitions: Sequence[Definition]) -> Iterator[DefinitionError]:
    """What there is too much of. Where a definition is declared twice, both count."""
    if len(definitions) > DEFINITIONS_MAX:
        yield DefinitionError(
            f"there are {len(definitions)} definitions, and a server takes {DEFINITIONS_MAX}",
            place=definitions[DEFINITIONS_MAX].place,
            remedy="declare what differs by a name alone once, with a `matrix`, or divide them among servers",
        )
        return
    edges = 0
    for definition, parents in _parents(definitions):
        edges += parents
        if parents > PARENTS_MAX:
            yield DefinitionError(
                f"{definition.name} reads what {parents} others write, and may read of {PARENTS_MAX}",
                place=definition.place,
                remedy="let a definition in between gather some of them in a table of its own",
            )
        if edges > EDGES_MAX:
            yield DefinitionError(
                f"up to {definition.name} definitions have {edges} parents, and together may have {EDGES_MAX}",
                place=definition.place,
                remedy="let fewer definitions write one table, or read fewer",
            )
            return


def _parents(definitions: Sequence[Definition]) -> Iterator[tuple[Definition, int]]:
    """How many parents each has, one after another: in a pathological set, all of them are too many to look at."""
    writers: dict[str, set[str]] = defaultdict(set)
    for definition in definitions:
        for table in definition.writes_to:
            writers[table].add(definition.name)
    for definition in definitions:
        others = {name for read in definition.reads_from for name in writers.get(read.table, ())}
        yield definition, len(others - {definition.name})
