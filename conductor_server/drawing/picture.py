"""The picture: what is to be drawn, before anybody decides how.

The command line and the dashboard build one, from declarations or from what a server knows; the renderers
beside this module turn it into text, markup or an image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from conductor_server.model.definition import Definition
from conductor_server.model.states import Condition


class NodeKind(StrEnum):
    """What a node stands for. An external table is read, and nobody writes it."""

    DEFINITION = "definition"
    TABLE = "table"
    EXTERNAL_TABLE = "external_table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A definition, or a table between definitions. ``slots`` is empty where nobody knows them."""

    key: str
    label: str
    kind: NodeKind = NodeKind.DEFINITION
    source: str = ""
    frequency: str = ""
    matrix: str = ""
    description: str = ""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    active: bool = True
    slots: Mapping[Condition, int] = field(default_factory=dict)

    @property
    def is_definition(self) -> bool:
        return self.kind is NodeKind.DEFINITION

    @property
    def detail(self) -> str:
        """The line below the label: ``cron · daily · account``."""
        words = (self.source, self.frequency, self.matrix, "" if self.active else "paused")
        return " · ".join(word for word in words if word)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Edge:
    """The child waits for the parent; ``tables`` say why, and are empty beside a table node.

    ``loose`` is a read that need not be fresh (``window: none``): nobody waits, and circles may come of it.
    """

    parent: str
    child: str
    tables: tuple[str, ...] = ()
    loose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Nodes by key, edges between keys. Both sorted, so that equal graphs make equal pictures."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    external_tables: tuple[str, ...] = ()
    title: str = ""

    @property
    def has_slots(self) -> bool:
        return any(node.slots for node in self.nodes)

    @property
    def summary(self) -> str:
        """How much there is, for people."""
        definitions = sum(node.is_definition for node in self.nodes)
        tables = len(self.nodes) - definitions
        parts = [_count(definitions, "definition")]
        parts += [_count(tables, "table")] if tables else [_count(len(self.edges), "dependency")]
        return " · ".join(parts)


def picture_of(nodes: Iterable[Node], edges: Iterable[Edge], *, title: str = "") -> Picture:
    """A picture of definitions. An edge whose ends are not both among the nodes is left out."""
    ordered = tuple(sorted(nodes, key=lambda node: node.key))
    keys = {node.key for node in ordered}
    written = {table for node in ordered for table in node.writes}
    read = {table for node in ordered for table in node.reads}
    return Picture(
        nodes=ordered,
        edges=tuple(sorted(edge for edge in edges if edge.parent in keys and edge.child in keys)),
        external_tables=tuple(sorted(read - written)),
        title=title,
    )


def node_of(definition: Definition) -> Node:
    """The node of a declared definition, about whose slots nothing is known."""
    return Node(
        key=definition.name,
        label=definition.name,
        source=definition.source,
        frequency=definition.schedule,
        matrix=definition.matrix,
        description=definition.description,
        reads=tuple(sorted(definition.tables_read)),
        writes=tuple(sorted(definition.writes_to)),
        active=definition.active,
    )


def only(picture: Picture, names: Collection[str]) -> Picture:
    """The part of a picture of definitions that lies between the named ones.

    What a definition outside of the part writes stays what it is: no external table appears by selecting.
    """
    part = picture_of(
        (node for node in picture.nodes if node.key in names), picture.edges, title=picture.title
    )
    external = set(picture.external_tables) & set(part.external_tables)
    return replace(part, external_tables=tuple(sorted(external)))


def with_tables(picture: Picture) -> Picture:
    """The same definitions with the tables between them as nodes of their own.

    A table that a definition both reads and writes hangs below it only: drawn as a circle, "own slots in
    order" would look like a cycle, and is none.
    """
    external = set(picture.external_tables)
    tables = {table for node in picture.nodes for table in (*node.reads, *node.writes)}
    edges = {
        *(Edge(parent=node.key, child=_table_key(table)) for node in picture.nodes for table in node.writes),
        *(
            Edge(parent=_table_key(table), child=node.key)
            for node in picture.nodes
            for table in node.reads
            if table not in node.writes
        ),
    }
    shown = [
        Node(
            key=_table_key(table),
            label=table,
            kind=NodeKind.EXTERNAL_TABLE if table in external else NodeKind.TABLE,
        )
        for table in sorted(tables)
    ]
    return replace(picture, nodes=(*picture.nodes, *shown), edges=tuple(sorted(edges)))


def forward(picture: Picture) -> tuple[list[str], list[Edge]]:
    """An order of the keys in which parents come first, and the edges that follow it.

    Loose reads, and the tables beside them, may stand in circles; an edge that closes one is left out.
    """
    edges = list(picture.edges)
    while True:
        sorter: TopologicalSorter[str] = TopologicalSorter({node.key: () for node in picture.nodes})
        for edge in edges:
            sorter.add(edge.child, edge.parent)
        try:
            return list(sorter.static_order()), edges
        except CycleError as error:
            circle: list[str] = error.args[1]
            # graphlib lists a circle from parent to child; a loose link goes first, then the smallest.
            links = set(pairwise(circle))
            closing = min(
                (edge for edge in edges if (edge.parent, edge.child) in links),
                key=lambda edge: (not edge.loose, edge),
            )
            edges.remove(closing)


def total(picture: Picture) -> Counter[Condition]:
    """The slots of all nodes by condition."""
    return sum((Counter(node.slots) for node in picture.nodes), Counter())


def _table_key(table: str) -> str:
    return f"table:{table}"


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
