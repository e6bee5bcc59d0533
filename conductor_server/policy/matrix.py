"""The tree of matrices, and which members of a parent's matrix a child's member needs.

``default`` is the root; ``account`` is its child, ``keyword`` a child of ``account``; people hang theirs
below any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conductor_server.model.definition import ACCOUNT_MATRIX, DEFAULT_MATRIX, KEYWORD_MATRIX, Matrix
from conductor_server.model.errors import (
    DefinitionError,
    DefinitionErrors,
    DuplicateNameError,
    UnknownNameError,
)
from conductor_server.model.states import MemberRule

BUILT_IN: Mapping[str, str] = {ACCOUNT_MATRIX: DEFAULT_MATRIX, KEYWORD_MATRIX: ACCOUNT_MATRIX}
"""The matrices that are always there, and their parents; ``keyword`` may be declared, to give it members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixTree:
    """Every matrix but the root, with its parent."""

    parents: Mapping[str, str]

    def __contains__(self, name: object) -> bool:
        return name == DEFAULT_MATRIX or name in self.parents

    def names(self) -> list[str]:
        """Every matrix, parents before their children."""
        return sorted([DEFAULT_MATRIX, *self.parents], key=lambda name: (len(list(self.chain(name))), name))

    def chain(self, name: str) -> Iterator[str]:
        """The matrix itself, its parent, and so on up to the root."""
        while name != DEFAULT_MATRIX:
            yield name
            name = self.parents[name]
        yield DEFAULT_MATRIX

    def member_rule(self, *, child: str, parent: str) -> tuple[MemberRule, str]:
        """Which members of the parent's matrix a child's member needs, and their nearest common ancestor.

        Members share their ancestor in that matrix: for ``SAME`` it is both, for ``ANCESTOR`` the parent's,
        for ``DESCENDANTS`` the child's.
        """
        above_child = set(self.chain(child))
        common = next(name for name in self.chain(parent) if name in above_child)
        if child == parent:
            return MemberRule.SAME, common
        if common == parent:
            return MemberRule.ANCESTOR, common
        if common == child:
            return MemberRule.DESCENDANTS, common
        return MemberRule.COUSINS, common


def tree(matrices: Iterable[Matrix] = ()) -> MatrixTree:
    """The built-in matrices and these.

    Raises ``DefinitionErrors`` when one is declared twice, hangs below nothing, or below itself.
    """
    declared: dict[str, Matrix] = {}
    errors: list[DefinitionError] = []
    for matrix in matrices:
        if matrix.name in declared:
            errors.append(
                DuplicateNameError(
                    f"the matrix {matrix.name} is declared twice, first at {declared[matrix.name].place}",
                    place=matrix.place,
                    remedy="declare its members in one place",
                )
            )
        elif error := _reserved(matrix):
            errors.append(error)
        else:
            declared[matrix.name] = matrix
    parents = {**BUILT_IN, **{name: matrix.parent for name, matrix in declared.items()}}
    errors += _rootless(declared, parents)
    if errors:
        raise DefinitionErrors(errors)
    return MatrixTree(parents=parents)


def _reserved(matrix: Matrix) -> DefinitionError | None:
    if matrix.name in (DEFAULT_MATRIX, ACCOUNT_MATRIX):
        return DefinitionError(
            f"the matrix {matrix.name} is built in and cannot be declared",
            place=matrix.place,
            remedy="list its members under `accounts`"
            if matrix.name == ACCOUNT_MATRIX
            else "choose another name",
        )
    if matrix.name == KEYWORD_MATRIX and matrix.parent != ACCOUNT_MATRIX:
        return DefinitionError(
            f"the matrix keyword hangs below account, not below {matrix.parent}",
            place=matrix.place,
            remedy="write `parent: account`, or choose another name",
        )
    return None


def _rootless(declared: Mapping[str, Matrix], parents: Mapping[str, str]) -> Iterator[DefinitionError]:
    """Matrices whose way up ends in nothing or in a circle; of those only the ones to change."""
    rooted = {DEFAULT_MATRIX}
    for name, matrix in declared.items():
        path = [name]
        while (above := parents.get(path[-1], DEFAULT_MATRIX)) not in rooted and above in parents:
            if above in path:
                circle = path[path.index(above) :]
                yield DefinitionError(
                    f"the matrices {', '.join(circle)} hang below one another",
                    place=declared[above].place,
                    remedy=f"give one of them a parent that hangs below {DEFAULT_MATRIX}",
                )
                break
            path.append(above)
        rooted.update(path)
        if matrix.parent != DEFAULT_MATRIX and matrix.parent not in parents:
            yield UnknownNameError(
                f"the matrix {name} hangs below {matrix.parent}, which does not exist",
                place=matrix.place,
                remedy=f"declare {matrix.parent}, or hang it below one of {', '.join(sorted(parents))}",
            )
