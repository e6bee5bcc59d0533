"""The graph of definitions: who waits for whom, inferred from what each reads and writes.

A definition that writes a table is a parent of each that reads it. Server, CLI and drawings build it from the
same declarations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from conductor_server.model.definition import Definition, Place, Read
from conductor_server.model.errors import (
    DefinitionError,
    DefinitionErrors,
    DuplicateNameError,
    UnknownNameError,
)
from conductor_server.model.states import Frequency, MemberRule, StartPolicy, WindowRule
from conductor_server.policy import size
from conductor_server.policy.cycles import cycles
from conductor_server.policy.frequency import typical_period
from conductor_server.policy.links import Links, link, tables
from conductor_server.policy.matrix import MatrixTree, tree
from conductor_server.policy.order import parents_first

_DEMANDS = (WindowRule.NONE, WindowRule.PREVIOUS, WindowRule.CLOSED, WindowRule.OVERLAP)
"""Window rules, from the one that asks least of a parent to the one that asks most."""

_NEED_PARENTS = (StartPolicy.AFTER_FAILURE, StartPolicy.AFTER_FIRST_FAILURE)

Where = Callable[[Definition, tuple[str | int, ...]], Place]
"""Where the definition says what stands at the end of this path of keys and indexes."""


class Dependency(NamedTuple):
    """A child reads ``tables`` that a parent writes. There may be a hundred thousand: a tuple is made fastest.

    ``window`` is resolved, never ``AUTO``: of several reads between the two the most demanding rule counts
    (overlap, then closed, previous, none). Members meet in the matrix ``common`` (see
    ``MatrixTree.member_rule``).
    """

    parent: str
    child: str
    tables: tuple[str, ...]
    window: WindowRule
    members: MemberRule
    common: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphWarning:
    """What is allowed, and still worth a look."""

    message: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Definitions and the order that their data demands.

    - ``definitions``, ``order``: parents before children, otherwise by name.
    - ``dependencies``: acyclic; by child, then parent, both in that order.
    - ``loose``: reads with ``window: none``; they order nothing and may go in circles.
    - ``self_rules``: definitions that read a table of their own. ``CLOSED``: their slots run in order, one at
      a time; ``PREVIOUS``, only where it is said: each also needs the success of the one before.
    - ``external_tables``: read, and written by nobody.
    """

    definitions: Mapping[str, Definition]
    matrices: MatrixTree
    order: tuple[str, ...]
    dependencies: tuple[Dependency, ...]
    loose: tuple[Dependency, ...]
    self_rules: Mapping[str, WindowRule]
    external_tables: tuple[str, ...]
    warnings: tuple[GraphWarning, ...]


def build(definitions: Sequence[Definition], matrices: MatrixTree | None = None) -> Graph:
    """The graph of these definitions. Raises ``DefinitionErrors`` with every fault of the set, but for its size.

    That is judged where declarations come in (``faults``): what is stored has to be followed.
    """
    matrices = matrices or tree()
    links = link(definitions)
    order = parents_first(links.parents)
    if errors := _faults(links, definitions, matrices, order=order, where=_at_definition, partial=False):
        raise DefinitionErrors(errors)
    dependencies, loose = _dependencies(links, matrices, order)
    return Graph(
        definitions=MappingProxyType({name: links.definitions[name] for name in order}),
        matrices=matrices,
        order=order,
        dependencies=tuple(dependencies),
        loose=tuple(loose),
        self_rules=MappingProxyType(_self_rules(links)),
        external_tables=_external_tables(links),
        warnings=tuple(_shared_tables(links)),
    )


def _at_definition(definition: Definition, _trail: tuple[str | int, ...]) -> Place:
    return definition.place


def faults(
    definitions: Sequence[Definition],
    matrices: MatrixTree | None,
    *,
    where: Where = _at_definition,
    partial: bool = False,
) -> list[DefinitionError]:
    """What is wrong with a set as a whole: names twice, unknown matrices, cycles, policies that need parents.

    What could not be read might mend some of it: ``partial`` definitions, or no ``matrices``, ask for less. One that is
    too large is not looked at any further.
    """
    if too_much := list(size.faults(definitions)):
        return too_much
    links = link(definitions)
    order = parents_first(links.parents)
    return _faults(links, definitions, matrices, order=order, where=where, partial=partial)


def _faults(
    links: Links,
    definitions: Sequence[Definition],
    matrices: MatrixTree | None,
    *,
    order: Sequence[str],
    where: Where,
    partial: bool,
) -> list[DefinitionError]:
    errors: list[DefinitionError] = [
        *_duplicates(definitions, links, where),
        *(_unknown_matrices(definitions, matrices, where) if matrices else ()),
        *cycles(links, ordered=order),
    ]
    return errors if partial else [*errors, *_without_parents(links, where)]


def _duplicates(
    definitions: Sequence[Definition], links: Links, where: Where
) -> Iterator[DuplicateNameError]:
    for definition in definitions:
        if (first := links.definitions[definition.name]) is not definition:
            yield DuplicateNameError(
                f"the definition {definition.name} is declared twice, first at {where(first, ('name',))}",
                place=where(definition, ("name",)),
                remedy="rename one of them, or remove it",
            )


def _unknown_matrices(
    definitions: Sequence[Definition], matrices: MatrixTree, where: Where
) -> Iterator[UnknownNameError]:
    for definition in definitions:
        if definition.matrix not in matrices:
            yield UnknownNameError(
                f"the matrix {definition.matrix} of {definition.name} does not exist",
                place=where(definition, ("matrix",)),
                remedy=f"declare it under `matrices`, or use one of {', '.join(matrices.names())}",
            )


def _without_parents(links: Links, where: Where) -> Iterator[DefinitionError]:
    for definition in links.definitions.values():
        if definition.start_policy in _NEED_PARENTS and not links.parents[definition.name]:
            yield DefinitionError(
                f"{definition.name} starts {definition.start_policy.word}, but reads no table of another",
                place=where(definition, ("start_policy",)),
                remedy="add a table to `reads_from`, or choose another `start_policy`",
            )


def _dependencies(
    links: Links, matrices: MatrixTree, order: Sequence[str]
) -> tuple[list[Dependency], list[Dependency]]:
    """Those that order something and those that do not; by child, then parent, both in this order."""
    ordering: list[Dependency] = []
    loose: list[Dependency] = []
    rank = {name: position for position, name in enumerate(order)}
    kinds = {name: (each.matrix, each.frequency, each.cron) for name, each in links.definitions.items()}
    meetings: dict[object, dict[object, _Meeting]] = defaultdict(dict)
    for child in order:
        between, known = links.reads(child), meetings[kinds[child]]
        for parent in sorted(between, key=rank.__getitem__):
            if parent == child:
                continue
            if (meeting := known.get(kinds[parent])) is None:
                meeting = _meet(links.definitions[parent], links.definitions[child], matrices)
                known[kinds[parent]] = meeting
            auto, members, common = meeting
            reads = between[parent]
            window = reads[0].window if len(reads) == 1 else _most_demanding(reads, auto=auto)
            if window is WindowRule.AUTO:
                window = auto
            found = loose if window is WindowRule.NONE else ordering
            found.append(Dependency(parent, child, tables(reads), window, members, common))
    return ordering, loose


_Meeting: TypeAlias = tuple[WindowRule, MemberRule, str]
"""What ``AUTO`` means between a parent and a child, and where their members meet; found once for two kinds of them."""


def _meet(parent: Definition, child: Definition, matrices: MatrixTree) -> _Meeting:
    return _auto(parent, child), *matrices.member_rule(child=child.matrix, parent=parent.matrix)


def _most_demanding(reads: Sequence[Read], *, auto: WindowRule) -> WindowRule:
    rules = {auto if read.window is WindowRule.AUTO else read.window for read in reads}
    return max(rules, key=_DEMANDS.index)


def _auto(parent: Definition, child: Definition) -> WindowRule:
    """Every window of a finer parent that overlaps the child's; of any other the latest that has closed."""
    if Frequency.ONE_OFF in (parent.frequency, child.frequency):
        return WindowRule.CLOSED
    finer = typical_period(parent.frequency, parent.cron) < typical_period(child.frequency, child.cron)
    return WindowRule.OVERLAP if finer else WindowRule.CLOSED


def _self_rules(links: Links) -> dict[str, WindowRule]:
    rules = {}
    for name, definition in links.definitions.items():
        said = {read.window for read in definition.reads_from if read.table in definition.writes_to}
        if WindowRule.PREVIOUS in said:
            rules[name] = WindowRule.PREVIOUS
        elif said - {WindowRule.NONE}:
            rules[name] = WindowRule.CLOSED
    return rules


def _external_tables(links: Links) -> tuple[str, ...]:
    read = {each.table for definition in links.definitions.values() for each in definition.reads_from}
    return tuple(sorted(read - links.writers.keys()))


def _shared_tables(links: Links) -> Iterator[GraphWarning]:
    for table, writers in sorted(links.writers.items()):
        if len(writers) > 1:
            message = (
                f"the table {table} is written by {', '.join(writers)}: its readers wait for all of them"
            )
            yield GraphWarning(message=message, place=links.definitions[writers[-1]].place)
