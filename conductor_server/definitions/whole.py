"""Faults of declarations as a whole that no graph knows about: in names of accounts, pools and sources."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

from conductor_server.definitions import registry
from conductor_server.definitions.placeholders import needs_account
from conductor_server.model.definition import ACCOUNT_MATRIX, Account, Declarations, Definition, Json
from conductor_server.model.errors import DefinitionError, DuplicateNameError, SpecError, UnknownNameError
from conductor_server.policy.graph import Where
from conductor_server.policy.matrix import MatrixTree


def faults(
    whole: Declarations, matrices: MatrixTree | None, *, where: Where, unread: Collection[str] = ()
) -> Iterator[DefinitionError]:
    """What is wrong. Of the sections in ``unread`` not all is known, so that nothing is missed in them."""
    yield from _repeated_accounts(whole.accounts)
    if "pools" not in unread:
        yield from _unknown_pools(whole.definitions, whole.pools, where)
    if "definitions" not in unread:
        yield from _unknown_sources(whole.definitions, where)
    if matrices:
        yield from _without_account(whole.definitions, matrices, where)


def _repeated_accounts(accounts: Iterable[Account]) -> Iterator[DuplicateNameError]:
    seen: dict[str, Account] = {}
    for account in accounts:
        if first := seen.get(account.token):
            yield DuplicateNameError(
                f"the account {account.token} is declared twice, first at {first.place}",
                place=account.place,
                remedy="remove one of them",
            )
        seen.setdefault(account.token, account)


def _unknown_pools(
    definitions: Iterable[Definition], pools: Mapping[str, int], where: Where
) -> Iterator[UnknownNameError]:
    for definition in definitions:
        for number, pool in enumerate(definition.pools):
            if pool not in pools:
                close = get_close_matches(pool, pools, n=1)
                yield UnknownNameError(
                    f"the pool {pool} of {definition.name} does not exist",
                    place=where(definition, ("pools", number)),
                    remedy=f"did you mean `{close[0]}`?" if close else f"declare it: `pools: {{{pool}: 4}}`",
                )


def _unknown_sources(definitions: Iterable[Definition], where: Where) -> Iterator[UnknownNameError]:
    sources = registry.command_sources()
    for definition in definitions:
        if definition.source not in sources:
            close = get_close_matches(definition.source, sources, n=1)
            yield UnknownNameError(
                f"the source {definition.source} of {definition.name} does not exist",
                place=where(definition, ("source",)),
                remedy=f"did you mean `{close[0]}`?" if close else f"the sources are {', '.join(sources)}",
            )


def _without_account(
    definitions: Iterable[Definition], matrices: MatrixTree, where: Where
) -> Iterator[SpecError]:
    """Placeholders that nothing fills, because the members belong to no account."""
    for definition in definitions:
        known = definition.matrix in matrices
        if (
            known
            and ACCOUNT_MATRIX not in matrices.chain(definition.matrix)
            and _needs_account(definition.spec)
        ):
            yield SpecError(
                f"{definition.name} uses an account's token, but members of {definition.matrix} have no account",
                place=where(definition, (definition.source,)),
                remedy="write `matrix: account`, or another matrix below it",
            )


def _needs_account(value: Mapping[str, Json] | Json) -> bool:
    match value:
        case str():
            return needs_account(value)
        case list():
            return any(map(_needs_account, value))
        case Mapping():
            return any(map(_needs_account, value.values()))
        case _:
            return False
