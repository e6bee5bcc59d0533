"""The picture as data for other programs: JSON with stable keys, and GraphML."""

from __future__ import annotations

from typing import Any

from conductor_server.drawing import letters, palette
from conductor_server.drawing.picture import Node, Picture


def as_json(picture: Picture) -> str:
    """``{title, nodes, edges, external_tables}``; every key is always there."""
    document = {
        "title": picture.title,
        "nodes": [_node(node) for node in picture.nodes],
        "edges": [
            {"parent": edge.parent, "child": edge.child, "tables": list(edge.tables), "loose": edge.loose}
            for edge in picture.edges
        ],
        "external_tables": list(picture.external_tables),
    }
    return letters.json_text(document, indent=2) + "\n"


def as_graphml(picture: Picture) -> str:
    """A directed graph whose nodes and edges carry the same attributes as plain text and numbers."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    for node in picture.nodes:
        attributes = _node(node)
        slots = {f"slots_{word}": count for word, count in attributes.pop("slots").items()}
        graph.add_node(
            _plain(attributes.pop("key")), **{k: _plain(v) for k, v in attributes.items()}, **slots
        )
    for edge in picture.edges:
        graph.add_edge(
            _plain(edge.parent), _plain(edge.child), tables=_plain(list(edge.tables)), loose=edge.loose
        )
    return '<?xml version="1.0" encoding="utf-8"?>\n' + "\n".join(nx.generate_graphml(graph)) + "\n"


def _node(node: Node) -> dict[str, Any]:
    return {
        "key": node.key,
        "kind": node.kind.value,
        "label": node.label,
        "source": node.source,
        "frequency": node.frequency,
        "matrix": node.matrix,
        "description": node.description,
        "reads_from": list(node.reads),
        "writes_to": list(node.writes),
        "active": node.active,
        "slots": {condition.value: count for condition, count in palette.by_urgency(node.slots)},
    }


def _plain(value: Any) -> Any:
    """GraphML knows no lists, and XML no control characters."""
    if isinstance(value, list):
        value = " ".join(value)
    return letters.printable(value) if isinstance(value, str) else value
