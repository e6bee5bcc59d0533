"""Claims: which of the waiting runs an agent gets. Each begins a lease, with the next epoch."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningUpdate

from conductor_server.model.states import RunStatus
from conductor_server.store import given, limits, schema
from conductor_server.store.leases import NOW, Lease, still


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A wish for up to ``runs`` runs of a source, of some accounts; ``None`` for all, and for work of no account."""

    agent: str
    session: int
    source_id: int
    runs: int
    accounts: frozenset[str] | None = None


def claim(db: sa.Connection, wish: Claim, *, now: dt.datetime) -> Sequence[Lease]:
    """Give an agent runs that wait for its source, as far as the limits allow.

    By priority; among equals accounts take turns; of an account the oldest goes first.
    """
    (granted,) = claim_all(db, [wish], now=now)
    return granted


def claim_all(db: sa.Connection, wishes: Sequence[Claim], *, now: dt.datetime) -> Sequence[Sequence[Lease]]:
    """The same for many agents at once: the runs of a kind are chosen together, then dealt in the wishes' order."""
    usage = limits.load(db)
    chosen: dict[_Kind, Iterator[int]] = {}
    taken: dict[int, list[int]] = {}
    for kind, wanted in _wanted(wishes):
        before = taken.setdefault(kind.source_id, [])
        numbers = _choose(db, kind, usage, wanted=wanted, taken=before, now=now)
        before += numbers
        chosen[kind] = iter(numbers)
    dealt = [list(islice(chosen[_Kind.of(wish)], wish.runs)) for wish in wishes]
    epochs = _grant(
        db,
        {number: wish.agent for wish, numbers in zip(wishes, dealt, strict=True) for number in numbers},
        now=now,
    )
    return [
        [Lease(run_id=number, epoch=epochs[number]) for number in numbers if number in epochs]
        for numbers in dealt
    ]


def take(db: sa.Connection, run_id: int, holder: str, *, now: dt.datetime) -> Lease | None:
    """Give one waiting run to somebody who has named it; ``None`` when it does not wait any more."""
    epochs = _grant(db, {run_id: holder}, now=now)
    return Lease(run_id=run_id, epoch=epochs[run_id]) if run_id in epochs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What two wishes have to have in common to be served from one choice."""

    source_id: int
    accounts: frozenset[str] | None

    @classmethod
    def of(cls, wish: Claim) -> _Kind:
        return cls(source_id=wish.source_id, accounts=wish.accounts)


def _wanted(wishes: Sequence[Claim]) -> Sequence[tuple[_Kind, int]]:
    """How many of each kind; those who may have less choose first."""
    wanted: Counter[_Kind] = Counter()
    for wish in wishes:
        wanted[_Kind.of(wish)] += wish.runs
    return sorted(wanted.items(), key=lambda each: (each[0].accounts is None, len(each[0].accounts or ())))


def _choose(
    db: sa.Connection,
    kind: _Kind,
    usage: limits.Usage,
    *,
    wanted: int,
    taken: Sequence[int],
    now: dt.datetime,
) -> Sequence[int]:
    """Waiting runs of a kind, locked, in the order in which they are to be started; not those that are taken."""
    run = schema.run
    chosen: list[int] = []
    while len(chosen) < wanted:
        query = _waiting(within_accounts=kind.accounts is not None)
        parameters = {"source": kind.source_id, "now": now, "wanted": wanted - len(chosen)}
        if kind.accounts is not None:
            parameters["accounts"] = sorted(kind.accounts)
        if usage.limits:
            query = query.where(usage.has_room(run.c.definition_id, sa.func.nullif(run.c.account_id, 0)))
        if usage.limits or taken:
            query = query.where(run.c.id.not_in([*taken, *chosen]))
        rows = db.execute(query, parameters).all()
        taken = [row.id for row in rows if usage.take(row.definition_id, row.account_id or None)]
        chosen += taken
        if len(taken) == len(rows):
            # Either there are no more, or as many as were asked for; else what was over a limit is now excluded.
            break
    return chosen


@cache
def _waiting(*, within_accounts: bool) -> sa.Select[int, int, int]:
    """What an agent may not have is not looked at: the bound of its credential is part of the question.

    Nothing is joined: what waits is read in the order of its index, and only as far as it is wanted.
    """
    run, definition, member = schema.run, schema.definition, schema.member
    barred = sa.select(definition.c.id).where(schema.BARRED)
    in_maintenance = sa.select(member.c.id).where(member.c.maintenance_until > NOW)
    query = (
        sa.select(run.c.id, run.c.definition_id, run.c.account_id)
        .where(
            run.c.status == RunStatus.WAITING,
            run.c.source_id == sa.bindparam("source"),
            run.c.definition_id.not_in(barred),
            run.c.account_id.not_in(in_maintenance),
        )
        .order_by(run.c.priority.desc(), run.c.turn, run.c.id)
        .limit(sa.bindparam("wanted"))
        .with_for_update(skip_locked=True)
    )
    if not within_accounts:
        return query
    own = sa.select(member.c.id).where(member.c.token.in_(sa.bindparam("accounts", expanding=True)))
    return query.where(run.c.account_id.in_(own.where(member.c.account_id == member.c.id)))


def _grant(db: sa.Connection, agents: Mapping[int, str], *, now: dt.datetime) -> Mapping[int, int]:
    """Give each of those runs to its agent. Answers the epochs under which they are held."""
    if not agents:
        return {}
    granted = given.rows({"id": number, "agent": agent} for number, agent in agents.items())
    return dict(db.execute(_granting(db.dialect.name), granted | {"now": now}).all())


@cache
def _granting(dialect_name: str) -> ReturningUpdate[int, int]:
    run = schema.run
    granted = given.table(dialect_name, {"id": schema.Key, "agent": sa.Text()})
    return (
        sa.update(run)
        .where(given.joined(dialect_name, run.c.id, granted), still(RunStatus.WAITING))
        .values(
            status=RunStatus.RUNNING,
            epoch=run.c.epoch + 1,
            agent=granted.c.agent,
            running_at=NOW,
            heartbeat_at=NOW,
        )
        .returning(run.c.id, run.c.epoch)
    )
