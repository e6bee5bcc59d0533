"""Sources and matrices: small tables that map a name to the integer that other rows carry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from typing import Any

import sqlalchemy as sa

from conductor_server.model.definition import ACCOUNT_MATRIX, DEFAULT_MATRIX, KEYWORD_MATRIX, Matrix
from conductor_server.store import dialect, schema

BUILT_IN = "built-in"

_SOURCES = ("manual", "cron", "stored_procedure", "ml_command", "shell", "python")
_MATRICES = {DEFAULT_MATRIX: None, ACCOUNT_MATRIX: 0, KEYWORD_MATRIX: 1}
_PLUGIN_SOURCES_FROM = 100


def install(db: sa.Connection, *, sources: Iterable[str], timezone: str, now: dt.datetime) -> None:
    """Bring in what every store begins with: known sources, the matrices, and the one member of ``default``."""
    known = source_ids(db)
    if not known.keys() >= set(_SOURCES):
        rows = [{"id": number, "name": name} for number, name in enumerate(_SOURCES)]
        db.execute(dialect.adding(db.dialect.name, schema.source), rows)
        known = source_ids(db)
    for name in sorted(set(sources) - known.keys()):
        number = max(_PLUGIN_SOURCES_FROM, max(source_ids(db).values()) + 1)
        db.execute(sa.insert(schema.source).values(id=number, name=name))
    if not matrix_ids(db).keys() >= _MATRICES.keys():
        db.execute(
            dialect.adding(db.dialect.name, schema.matrix),
            [
                {"id": number, "name": name, "parent_id": parent, "source_token": BUILT_IN}
                for number, (name, parent) in enumerate(_MATRICES.items())
            ],
        )
    default: dict[str, object] = {
        "token": DEFAULT_MATRIX,
        "path": "",
        "matrix_id": 0,
        "timezone": timezone,
        "starts_at": _BEGINNING,
        "arrival": 1,
        "source_token": BUILT_IN,
        "created": now,
    }
    inserted = db.execute(_adding_default(db.dialect.name), default).scalar()
    if inserted is not None:
        db.execute(
            sa.insert(schema.member_ancestor).values(
                member_id=inserted, ancestor_id=inserted, member_matrix_id=0, ancestor_matrix_id=0
            )
        )


_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@cache
def _adding_default(dialect_name: str) -> Any:
    return dialect.adding(dialect_name, schema.member).returning(schema.member.c.id)


_SOURCE_IDS = sa.select(schema.source.c.name, schema.source.c.id)


def source_ids(db: sa.Connection) -> dict[str, int]:
    return dict(db.execute(_SOURCE_IDS).all())


_MATRIX_IDS = sa.select(schema.matrix.c.name, schema.matrix.c.id)


def matrix_ids(db: sa.Connection) -> dict[str, int]:
    return dict(db.execute(_MATRIX_IDS).all())


_above = schema.matrix.alias()
_PARENTS = sa.select(schema.matrix.c.name, _above.c.name).join(
    _above, _above.c.id == schema.matrix.c.parent_id
)


def parents(db: sa.Connection) -> dict[str, str]:
    """Every matrix but ``default``, with its parent."""
    return dict(db.execute(_PARENTS).all())


def declare(db: sa.Connection, matrices: Iterable[Matrix], *, source_token: str) -> int:
    """Add matrices that are new, and move those whose parent has changed. Answers how many changed.

    Parents come first in ``matrices``, or exist.
    """
    changed = 0
    ids, above = matrix_ids(db), parents(db)
    for matrix in matrices:
        if matrix.name not in ids:
            ids[matrix.name] = max(ids.values()) + 1
            values = {"id": ids[matrix.name], "name": matrix.name, "parent_id": ids[matrix.parent]}
            db.execute(sa.insert(schema.matrix).values(source_token=source_token, **values))
            changed += 1
        elif above.get(matrix.name) != matrix.parent:
            where = schema.matrix.c.name == matrix.name
            db.execute(sa.update(schema.matrix).where(where).values(parent_id=ids[matrix.parent]))
            changed += 1
    return changed
