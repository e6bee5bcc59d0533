"""Pictures of what the files declare, and of what a server answers."""

from __future__ import annotations

from conductor_cli.data import counts
from conductor_proto.v1.control_service_pb2 import Definition, GetGraphResponse
from conductor_server.drawing.picture import Edge, Node, Picture, node_of, picture_of
from conductor_server.model.states import Condition
from conductor_server.policy.graph import Graph


def of_graph(graph: Graph, *, title: str) -> Picture:
    """The graph of declarations, about whose slots nothing is known."""
    edges = [
        Edge(parent=each.parent, child=each.child, tables=each.tables, loose=loose)
        for loose, dependencies in ((False, graph.dependencies), (True, graph.loose))
        for each in dependencies
    ]
    return picture_of(map(node_of, graph.definitions.values()), edges, title=title)


def of_answer(answer: GetGraphResponse, *, title: str) -> Picture:
    """The server's graph, with what the slots are doing."""
    edges = [
        Edge(
            parent=each.parent,
            child=each.child,
            tables=tuple(each.tables),
            loose=each.window_rule == "none",
        )
        for each in answer.dependencies
    ]
    return picture_of(map(_node, answer.definitions), edges, title=title)


def _node(definition: Definition) -> Node:
    return Node(
        key=definition.name,
        label=definition.name,
        source=definition.source,
        frequency=definition.frequency,
        matrix=definition.matrix,
        description=definition.description,
        reads=tuple(sorted(definition.reads_from)),
        writes=tuple(sorted(definition.writes_to)),
        active=definition.active,
        slots=_slots(definition),
    )


def _slots(definition: Definition) -> dict[Condition, int]:
    """A condition that a newer server has invented is left out: there is no colour for it."""
    known = {condition.value for condition in Condition}
    return {Condition(word): count for word, count in counts(definition.slots).items() if word in known}
