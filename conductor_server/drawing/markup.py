"""The picture in the languages of other drawing programs: Graphviz's DOT and Mermaid."""

from __future__ import annotations

from conductor_server.drawing import letters, palette
from conductor_server.drawing.picture import Edge, Node, NodeKind, Picture


def dot(picture: Picture) -> str:
    """A digraph for Graphviz, coloured by source."""
    return "\n".join(
        [
            f"digraph {_quote(picture.title or 'dependencies')} {{",
            '  graph [rankdir=LR, bgcolor="transparent"];',
            '  node [shape=box, fillcolor="white", fontname="Helvetica", fontsize=11];',
            '  edge [color="#94a3b8", arrowsize=0.7];',
            *(f"  {_quote(node.key)} [{_dot_attributes(node)}];" for node in picture.nodes),
            *(f"  {_quote(edge.parent)} -> {_quote(edge.child)}{_dot_edge(edge)};" for edge in picture.edges),
            "}\n",
        ]
    )


def mermaid(picture: Picture) -> str:
    """A flowchart for Mermaid, coloured by source. Ids are numbers: Mermaid keeps words such as `end`."""
    ids = {node.key: f"n{number}" for number, node in enumerate(picture.nodes, start=1)}
    lines = ["flowchart LR"]
    lines += [f"  {ids[node.key]}{_mermaid_shape(node)}" for node in picture.nodes]
    lines += [
        f"  {ids[edge.parent]} {'-.->' if edge.loose else '-->'} {ids[edge.child]}" for edge in picture.edges
    ]
    for number, source in enumerate(sorted({node.source for node in picture.nodes} - {""}), start=1):
        members = ",".join(ids[node.key] for node in picture.nodes if node.source == source)
        lines.append(f"  classDef s{number} stroke:{palette.source_colour(source)},stroke-width:2px")
        lines.append(f"  class {members} s{number}")
    return "\n".join([*lines, ""])


def _dot_attributes(node: Node) -> str:
    if not node.is_definition:
        style = "filled,dashed" if node.kind is NodeKind.EXTERNAL_TABLE else "filled"
        return f'label={_quote(node.label)}, shape=cylinder, style="{style}", color="#94a3b8"'
    style = "rounded,filled" if node.active else "rounded,filled,dashed"
    text = _quote("\n".join([node.label, node.detail, *_slots(node)]))
    return f'label={text}, style="{style}", color="{palette.source_colour(node.source)}"'


def _dot_edge(edge: Edge) -> str:
    attributes = [f"tooltip={_quote(', '.join(edge.tables))}"] if edge.tables else []
    attributes += ["style=dashed"] if edge.loose else []
    return f" [{', '.join(attributes)}]" if attributes else ""


def _quote(text: str) -> str:
    lines = [letters.printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n")]
    return '"' + "\\n".join(lines) + '"'


def _mermaid_shape(node: Node) -> str:
    if not node.is_definition:
        return f'[("{_entities(node.label)}")]'
    lines = [f"<b>{_entities(node.label)}</b>", *map(_entities, [node.detail, *_slots(node)])]
    return f'("{"<br/>".join(lines)}")'


def _entities(text: str) -> str:
    """Whatever Mermaid or HTML could take for its own, as Mermaid's numbered entities."""
    return "".join(
        letter if letter.isalnum() or letter in " _-.,:/·" else f"#{ord(letter)};"
        for letter in letters.printable(text)
    )


def _slots(node: Node) -> list[str]:
    counts = palette.by_urgency(node.slots)
    return [", ".join(f"{count} {palette.words(condition)}" for condition, count in counts)] if counts else []
