"""What a source lists as members of a matrix, held against what is stored: in sets, for there may be a million.

The list goes into a work table of the transaction; what is gone, what is new and what belongs to somebody else are then
one statement each, and only what differs is written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from conductor_server.model.definition import MemberDeclaration
from conductor_server.store import dialect, matrices, members, schema

_declared = sa.Table(
    "command_declared_member",
    sa.MetaData(),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("parent_path", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    prefixes=["TEMPORARY"],
)
_CREATING = sa.schema.CreateTable(_declared)
_INDEXING = sa.schema.CreateIndex(sa.Index("command_declared_member_path_idx", _declared.c.path))
_DROPPING = sa.schema.DropTable(_declared, if_exists=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """The members of a matrix that a source owns."""

    matrix_id: int
    parent_matrix_id: int
    source_token: str

    def parameters(self) -> dict[str, object]:
        return {
            "matrix": self.matrix_id,
            "parent_matrix": self.parent_matrix_id,
            "source": self.source_token,
        }


def owned(db: sa.Connection, *, matrix: str, parent: str, source_token: str) -> Owned:
    ids = matrices.matrix_ids(db)
    return Owned(matrix_id=ids[matrix], parent_matrix_id=ids[parent], source_token=source_token)


@contextmanager
def collected(db: sa.Connection, declared: Iterable[MemberDeclaration]) -> Iterator[None]:
    """Within it the functions below know what the source lists. Who is listed twice is one."""
    db.execute(_DROPPING)
    db.execute(_CREATING)
    dialect.load(db, _declared, map(_row, declared))
    db.execute(_INDEXING)
    dialect.analyze(db, _declared)
    yield
    db.execute(_DROPPING)


def count(db: sa.Connection, owned: Owned) -> int:
    """How many are stored."""
    return int(db.execute(_COUNT, owned.parameters()).scalar_one())


def gone(db: sa.Connection, owned: Owned) -> dict[str, int]:
    """Those that are stored and not listed: path to id, by path."""
    return dict(db.execute(_GONE, owned.parameters()).all())


def elsewhere(db: sa.Connection, owned: Owned) -> str:
    """The path of a listed member that another source owns, if there is one."""
    return db.execute(_ELSEWHERE, owned.parameters()).scalar() or ""


def add(db: sa.Connection, owned: Owned, *, now: dt.datetime) -> int:
    """Add those that are listed and not stored, and whose parent is there: they live in its zone. Answers how many."""
    newest = members.newest(db)
    arrival = {"now": now, "arrival": members.next_arrival(db)}
    added: int = db.execute(_adding(db.dialect.name), owned.parameters() | arrival).rowcount
    if added:
        members.link(db, matrix_id=owned.matrix_id, after=newest)
    if added >= dialect.MANY:
        dialect.analyze(db, schema.member, schema.member_ancestor)
    return added


def _row(member: MemberDeclaration) -> tuple[str, str, str]:
    path = f"{member.parent}:{member.token}" if member.parent else member.token
    return path, member.parent, member.token


_member = schema.member
_is_owned = (_member.c.matrix_id == sa.bindparam("matrix")) & (
    _member.c.source_token == sa.bindparam("source")
)
_is_listed = sa.select(1).where(_declared.c.path == _member.c.path).exists()

_COUNT = sa.select(sa.func.count()).select_from(_member).where(_is_owned)

_GONE = sa.select(_member.c.path, _member.c.id).where(_is_owned, ~_is_listed).order_by(_member.c.path)

_ELSEWHERE = (
    sa.select(_member.c.path)
    .where(
        _member.c.matrix_id == sa.bindparam("matrix"),
        _member.c.source_token != sa.bindparam("source"),
        _is_listed,
    )
    .limit(1)
)


@cache
def _adding(dialect_name: str) -> sa.Insert:
    parent, stored = schema.member.alias("parent"), schema.member.alias("stored")
    now = sa.bindparam("now", type_=_member.c.created.type)
    values: dict[str, sa.ColumnElement[object]] = {
        "matrix_id": sa.bindparam("matrix", type_=_member.c.matrix_id.type),
        "parent_id": parent.c.id,
        "account_id": parent.c.account_id,
        "path": _declared.c.path,
        "token": _declared.c.token,
        "timezone": parent.c.timezone,
        "starts_at": now,
        "source_token": sa.bindparam("source", type_=_member.c.source_token.type),
        "created": now,
        "arrival": sa.bindparam("arrival", type_=_member.c.arrival.type),
    }
    is_stored = (
        sa.select(1)
        .where(stored.c.matrix_id == sa.bindparam("matrix"), stored.c.path == _declared.c.path)
        .exists()
    )
    new = (
        sa.select(*(value.label(name) for name, value in values.items()))
        .select_from(_declared)
        .join(
            parent,
            (parent.c.matrix_id == sa.bindparam("parent_matrix"))
            & (parent.c.path == _declared.c.parent_path),
        )
        .where(~is_stored)
        .order_by(_declared.c.path)
    )
    return (
        dialect.insert_on(dialect_name, schema.member).from_select(list(values), new).on_conflict_do_nothing()
    )
