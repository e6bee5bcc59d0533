"""Stores as they are after a year: millions of slots, put there in sets, and a real engine that works on them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import sqlalchemy as sa

from conductor_server.engine.reconciler import Pass, Watch, reconcile_once
from conductor_server.engine.step import EngineSettings
from conductor_server.model.definition import Account, Declarations, Definition
from conductor_server.model.states import Outcome, SlotState
from conductor_server.store import claims, completions, matrices, schema
from conductor_server.store.claims import Claim
from conductor_server.store.completions import Report
from conductor_server.store.database import Database
from conductor_server.store.upgrade import upgrade

DAY = dt.timedelta(days=1)
_DAYS_AHEAD = 10
_DAYS_BEFORE = 5
DAYS = _DAYS_BEFORE + 1 + _DAYS_AHEAD
"""Windows in the store: before yesterday, yesterday, and ahead."""

_TODAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
TODAY = _TODAY.date()
YESTERDAY = (_TODAY - DAY).date()
_FIRST_DAY = (_TODAY - (_DAYS_BEFORE + 1) * DAY).date()
_TEMPLATE = "account"


class GrownStore:
    """A store at midnight: yesterday's slots are due, those of the days before have succeeded, others are to come."""

    def __init__(self, database: Database, definitions: Sequence[Definition], *, accounts: int) -> None:
        """Daily definitions since long ago; the engine makes one account, and the others are copies of it."""
        self.database = database
        self._now = _TODAY - DAY / 2
        self._settings = EngineSettings(slots_create_extra=_DAYS_AHEAD * DAY)
        self._watch: Watch | None = None
        self._completions = count(1)
        upgrade(database)
        database.write(lambda db: matrices.install(db, sources=(), timezone="UTC", now=self._now))
        declared = Declarations(
            source_token="bench",  # noqa: S106 no password
            definitions=tuple(definitions),
            accounts=(Account(token=_TEMPLATE, starts_on=_FIRST_DAY),),
        )
        self.tick(declared)
        database.write(lambda db: _succeeded_until(db, self._now))
        database.write(lambda db: _copy_account(db, accounts - 1))
        _compact(database)
        self._now = _TODAY

    # What the engine asks of its clock.

    def now(self) -> dt.datetime:
        return self._now

    def monotonic(self) -> float:
        return time.monotonic()

    def tick(self, *readings: Declarations) -> Pass:
        done = reconcile_once(self.database, self, self._settings, readings, watch=self._watch)
        assert not done.problems, done.problems
        self._watch = done.watch
        return done

    def settle(self) -> None:
        """Passes until the engine has nothing to do."""
        while self.tick().more:
            pass

    def timed_tick(self) -> float:
        """Milliseconds of a pass that is not a full one."""
        assert self._watch is not None
        self._now += dt.timedelta(milliseconds=1)
        began = time.perf_counter()
        done = self.tick()
        took = time.perf_counter() - began
        assert not done.full
        return took * 1000

    def timed_full_tick(self) -> float:
        """Milliseconds of a pass that looks at everything."""
        self._watch = None
        _compact(self.database)
        began = time.perf_counter()
        done = self.tick()
        took = time.perf_counter() - began
        assert done.full
        return took * 1000

    def settle_anew(self) -> None:
        """The same as ``settle``, beginning with a pass that looks at everything."""
        self._watch = None
        _compact(self.database)
        self.settle()

    def set_state(self, definition: str, state: SlotState, *, slots: int | None = None) -> None:
        """Put a definition's slots, or that many of them, into a state, without their runs: no pass is told."""

        def work(db: sa.Connection) -> None:
            slot, of = schema.slot, schema.definition
            ids = (
                sa.select(slot.c.id)
                .join(of, of.c.id == slot.c.definition_id)
                .where(of.c.name == definition)
                .order_by(slot.c.id)
                .limit(slots)
            )
            done = state == SlotState.SUCCEEDED
            db.execute(sa.delete(schema.run).where(schema.run.c.slot_id.in_(ids)))
            db.execute(
                sa.update(slot)
                .where(slot.c.id.in_(ids))
                .values(
                    state=state,
                    attempts=0,
                    success_run_id=slot.c.id if done else None,
                    decided_at=self._now if done else None,
                )
            )

        self.database.write(work)

    def number_in(self, definition: str, state: SlotState) -> int:
        """How many of a definition's slots are in a state."""
        slot, of = schema.slot, schema.definition
        query = (
            sa.select(sa.func.count())
            .select_from(slot.join(of, of.c.id == slot.c.definition_id))
            .where(of.c.name == definition, slot.c.state == state)
        )
        return self.database.read(lambda db: int(db.execute(query).scalar_one()))

    def succeed(self, runs: int) -> None:
        """An agent takes runs that wait, and reports their success."""

        def work(db: sa.Connection) -> None:
            wish = Claim(agent="bench", session=1, source_id=matrices.source_ids(db)["shell"], runs=runs)
            held = claims.claim(db, wish, now=self._now)
            assert len(held) == runs
            reports = [
                Report(
                    agent="bench",
                    lease=lease,
                    completion_id=f"completion-{next(self._completions)}",
                    outcome=Outcome.SUCCEEDED,
                    exit_code=0,
                    error="",
                    result=None,
                    checkpoint=None,
                )
                for lease in held
            ]
            completions.complete(db, reports, now=self._now)

        self.database.write(work)


def _succeeded_until(db: sa.Connection, instant: dt.datetime) -> None:
    slot, window = schema.slot, schema.window
    closed = sa.select(window.c.id).where(window.c.ends_at <= instant)
    db.execute(
        sa.update(slot)
        .where(slot.c.window_id.in_(closed))
        .values(state=SlotState.SUCCEEDED, decided_at=instant)
    )
    db.execute(sa.delete(schema.run))


def _copy_account(db: sa.Connection, copies: int) -> None:
    """With its slots, in the order in which the engine would have made them: window by window."""
    if db.dialect.name == "postgresql":
        db.execute(sa.text("SET LOCAL session_replication_role = replica"))  # what is copied needs no checks
    member, ancestor, slot = schema.member, schema.member_ancestor, schema.slot
    template: int = db.execute(sa.select(member.c.id).where(member.c.token == _TEMPLATE)).scalar_one()
    number = _numbers(template + 1, template + copies)
    name = sa.literal("account-") + sa.cast(number.c.n, sa.Text)
    _copy(
        db,
        member,
        sa.join(member, number, member.c.id == template),
        {"id": number.c.n, "account_id": number.c.n, "token": name, "path": name},
    )
    _copy(
        db,
        ancestor,
        sa.join(ancestor, number, ancestor.c.member_id == template),
        {
            "member_id": number.c.n,
            "ancestor_id": sa.case(
                (ancestor.c.ancestor_id == template, number.c.n), else_=ancestor.c.ancestor_id
            ),
        },
    )
    originals = sa.select(slot.c.id).where(slot.c.member_id == template).order_by(slot.c.id)
    for original in db.execute(originals).scalars().all():
        rows = sa.join(slot, number, slot.c.id == original)
        _copy(db, slot, rows, {"id": None, "member_id": number.c.n})


def _copy(
    db: sa.Connection, table: sa.Table, rows: sa.FromClause, other: Mapping[str, sa.ColumnElement[Any] | None]
) -> None:
    """Insert the rows of ``table`` that are among these, with other values; ``None`` leaves one to the database."""
    values = {column.name: other.get(column.name, column) for column in table.c}
    given = {name: value for name, value in values.items() if value is not None}
    query = sa.select(*given.values()).select_from(rows)
    db.execute(sa.insert(table).from_select(list(given), query, include_defaults=False))


def _numbers(first: int, last: int) -> sa.CTE:
    number = sa.select(sa.literal(first, sa.BigInteger).label("n")).cte("number", recursive=True)
    return number.union_all(sa.select(number.c.n + 1).where(number.c.n < last))


def _compact(database: Database) -> None:
    """As a database is that has had time: else the measurement would pay for what the copying has left to do."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(sa.text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))
        db.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)" if database.is_sqlite else "CHECKPOINT"))
