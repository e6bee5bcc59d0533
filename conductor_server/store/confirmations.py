"""Removals that wait for a person's consent, and those that have it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from conductor_server.model.errors import ConflictError, NotFoundError
from conductor_server.store import dialect, schema

_table = schema.confirmation


def ask(db: sa.Connection, key: str, names: Sequence[str]) -> bool:
    """Ask for consent to remove exactly those. False when that is what has been asked already."""
    row = db.execute(sa.select(_table).where(_table.c.source_token == key)).one_or_none()
    if row is not None and list(row.names) == list(names):
        return False
    values = {"names": list(names), "confirmed": False}
    db.execute(
        dialect.insert(db, _table)
        .values(source_token=key, **values)
        .on_conflict_do_update(index_elements=["source_token"], set_=values)
    )
    return True


def given(db: sa.Connection, key: str, names: Sequence[str]) -> bool:
    """Whether a person has consented to the removal of exactly those."""
    row = db.execute(sa.select(_table).where(_table.c.source_token == key)).one_or_none()
    return row is not None and row.confirmed and list(row.names) == list(names)


def give(db: sa.Connection, key: str, *, count: int) -> Sequence[str]:
    """A person consents. Raises NotFoundError when nothing waits under that key, ConflictError for another count."""
    row = db.execute(sa.select(_table).where(_table.c.source_token == key)).one_or_none()
    if row is None:
        raise NotFoundError(f"no removal waits for consent under {key!r}: see conductor-cli status")
    if len(row.names) != count:
        raise ConflictError(f"{len(row.names)} removals wait under {key!r}, not {count}: look at them again")
    db.execute(sa.update(_table).where(_table.c.source_token == key).values(confirmed=True))
    names: list[str] = list(row.names)
    return names


def withdraw(db: sa.Connection, key: str) -> None:
    """Nothing waits under that key any more."""
    db.execute(_WITHDRAW, {"key": key})


_WITHDRAW = sa.delete(_table).where(_table.c.source_token == sa.bindparam("key"))
