"""Who reads what of whom: collected once, then judged by ``cycles`` and told by ``graph``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conductor_server.model.definition import Definition, Read
from conductor_server.model.states import WindowRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Definitions by name, the writers of each table, and who orders whom.

    ``parents`` holds by child the others of which it reads something that has to be fresh.
    """

    definitions: Mapping[str, Definition]
    writers: Mapping[str, Sequence[str]]
    parents: Mapping[str, Sequence[str]]

    def reads(self, child: str) -> dict[str, list[Read]]:
        """What the child reads of each that writes it, itself perhaps among them."""
        between: dict[str, list[Read]] = {}
        for read in self.definitions[child].reads_from:
            for parent in self.writers.get(read.table, ()):
                if parent in between:
                    between[parent].append(read)
                else:
                    between[parent] = [read]
        return between


def link(definitions: Sequence[Definition]) -> Links:
    """Of several definitions with one name the first counts."""
    by_name: dict[str, Definition] = {}
    for definition in definitions:
        by_name.setdefault(definition.name, definition)
    writers: dict[str, list[str]] = defaultdict(list)
    for definition in by_name.values():
        for table in dict.fromkeys(definition.writes_to):
            writers[table].append(definition.name)
    return Links(
        definitions=by_name,
        writers=dict(writers),
        parents={definition.name: _parents(definition, writers) for definition in by_name.values()},
    )


def tables(reads: Sequence[Read]) -> tuple[str, ...]:
    """Their names, in alphabetical order."""
    return (reads[0].table,) if len(reads) == 1 else tuple(sorted({read.table for read in reads}))


def _parents(child: Definition, writers: Mapping[str, Sequence[str]]) -> list[str]:
    found: dict[str, None] = {}
    for read in child.reads_from:
        if read.window is not WindowRule.NONE and read.table in writers:
            found.update(dict.fromkeys(writers[read.table]))
    found.pop(child.name, None)
    return list(found)
