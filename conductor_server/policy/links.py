"""Who reads what of whom: collected once, then judged by ``cycles`` and told by ``graph``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from conductor_server.model.definition import Definition, Read
from conductor_server.model.states import WindowRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Definitions by name, the writers of each table, and the reads between each two of them.

    ``digraph`` has an edge from parent to child where some read between two different definitions orders
    them.
    """

    definitions: Mapping[str, Definition]
    writers: Mapping[str, Sequence[str]]
    reads: Mapping[tuple[str, str], Sequence[Read]]
    digraph: nx.DiGraph[str]

    def tables(self, parent: str, child: str) -> tuple[str, ...]:
        return tuple(sorted({read.table for read in self.reads[parent, child]}))


def link(definitions: Sequence[Definition]) -> Links:
    """Of several definitions with one name the first counts."""
    by_name: dict[str, Definition] = {}
    for definition in definitions:
        by_name.setdefault(definition.name, definition)
    writers: dict[str, list[str]] = defaultdict(list)
    for definition in by_name.values():
        for table in dict.fromkeys(definition.writes_to):
            writers[table].append(definition.name)
    reads: dict[tuple[str, str], list[Read]] = defaultdict(list)
    for definition in by_name.values():
        for read in definition.reads_from:
            for parent in writers.get(read.table, ()):
                reads[parent, definition.name].append(read)
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(by_name)
    digraph.add_edges_from(
        (parent, child)
        for (parent, child), between in reads.items()
        if parent != child and any(read.window is not WindowRule.NONE for read in between)
    )
    return Links(definitions=by_name, writers=dict(writers), reads=dict(reads), digraph=digraph)
