"""Choosing definitions of a graph by name and neighbourhood, in the syntax that dbt and Dagster made usual.

``name`` alone, ``+name`` with its ancestors, ``name+`` with its descendants, ``2+name+1`` so many steps each
way; ``*`` and ``?`` stand for parts of a name; spaces or commas join several.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from conductor_server.model.errors import InvalidRequestError, NotFoundError
from conductor_server.policy.graph import Graph

_TERM = re.compile(r"(?P<up>\d*\+)?(?P<name>[\w.*?-]+)(?P<down>\+\d*)?")

Neighbours = Mapping[str, Sequence[str]]


def select(graph: Graph, expression: str) -> tuple[str, ...]:
    """The names that the expression chooses, in the order of the graph. Raises as ``choose`` does."""
    links = [(dependency.parent, dependency.child) for dependency in graph.dependencies]
    return choose(graph.order, links, expression)


def choose(names: Sequence[str], links: Iterable[tuple[str, str]], expression: str) -> tuple[str, ...]:
    """The same for names and (parent, child) links of any origin, such as a server's answer.

    Raises ``NotFoundError`` for a name that nothing has, ``InvalidRequestError`` for anything that is not a
    term.
    """
    parents: dict[str, list[str]] = defaultdict(list)
    children: dict[str, list[str]] = defaultdict(list)
    for parent, child in links:
        parents[child].append(parent)
        children[parent].append(child)
    chosen: set[str] = set()
    for word in re.split(r"[\s,]+", expression.strip()):
        if not (term := _TERM.fullmatch(word)):
            raise InvalidRequestError(f"`{word}` selects nothing; write name, +name, name+ or 2+name+1")
        matches = _matches(names, term["name"])
        chosen.update(matches)
        if up := term["up"]:
            chosen.update(_within(matches, parents, steps=up.removesuffix("+")))
        if down := term["down"]:
            chosen.update(_within(matches, children, steps=down.removeprefix("+")))
    return tuple(name for name in names if name in chosen)


def _matches(names: Sequence[str], pattern: str) -> list[str]:
    if pattern in names:
        return [pattern]
    if found := [name for name in names if fnmatchcase(name, pattern)]:
        return found
    close = get_close_matches(pattern, names)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise NotFoundError(f"there is no definition `{pattern}`{hint}")


def _within(start: Iterable[str], neighbours: Neighbours, *, steps: str) -> set[str]:
    """What can be reached in so many steps; no number means any."""
    reached: set[str] = set()
    frontier = set(start)
    left = int(steps) if steps else -1
    while frontier and left:
        frontier = {name for one in frontier for name in neighbours.get(one, ())} - reached
        reached |= frontier
        left -= 1
    return reached
