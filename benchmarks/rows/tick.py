"""A pass over a store that is full: when nothing has changed, and when a thousand parents have succeeded."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from statistics import median

import sqlalchemy as sa

from benchmarks.frame import Benchmark, Measured, Target, in_turns, shared
from benchmarks.grown import DAYS, GrownStore
from benchmarks.laboratory import Kind, Laboratory
from conductor_server.model.definition import Definition, Read
from conductor_server.store.database import Database

IDLE_PASSES = 50
SUCCEEDED = 1_000
SAMPLES = 7

_BEGAN = dt.date(2020, 1, 1)
CHAIN = (
    Definition(
        name="parent",
        source="shell",
        matrix="account",
        writes_to=("made",),
        starts_on=_BEGAN,
        priority=1,
    ),
    Definition(
        name="child", source="shell", matrix="account", reads_from=(Read(table="made"),), starts_on=_BEGAN
    ),
)


@contextmanager
def _grown(laboratory: Laboratory, kind: Kind, *, slots: int) -> Iterator[GrownStore]:
    """A chain of two for every account, with about that many slots; all that is due has been started."""
    with laboratory.database(kind) as url, closing(Database(url)) as database:
        store = GrownStore(database, CHAIN, accounts=slots // (len(CHAIN) * DAYS))
        store.settle()
        yield store


@shared
def idle(laboratory: Laboratory, kind: Kind, *, millions: int) -> float:
    """Milliseconds of a pass without news."""
    with _grown(laboratory, kind, slots=laboratory.scaled(millions * 1_000_000)) as store:
        return median(store.timed_tick() for _ in range(IDLE_PASSES))


def news(laboratory: Laboratory, kind: Kind) -> Measured:
    """Milliseconds of a pass after successes, beside statements written for this graph alone."""
    succeeded = laboratory.scaled(SUCCEEDED)
    enough = 2 * (SAMPLES + 1) * succeeded * len(CHAIN) * DAYS
    with _grown(laboratory, kind, slots=max(enough, laboratory.scaled(1_500_000))) as store:

        def ours() -> float:
            store.succeed(succeeded)
            return store.timed_tick()

        def raw() -> float:
            store.succeed(succeeded)
            return _start_children_by_hand(store.database, expected=succeeded)

        ours(), raw()
        return in_turns(ours, raw, samples=SAMPLES)


_BY_HAND = (
    "CREATE TEMPORARY TABLE ready AS SELECT child.id FROM command_agenda AS note"
    " JOIN command_slot AS changed ON changed.id = note.slot_id"
    " JOIN command_definition_dependency AS edge ON edge.parent_id = changed.definition_id"
    " JOIN command_slot AS child ON child.definition_id = edge.child_id"
    "  AND child.window_id = changed.window_id AND child.member_id = changed.member_id"
    " WHERE child.state = 0 AND NOT EXISTS ("
    "  SELECT 1 FROM command_definition_dependency AS need JOIN command_slot AS parent"
    "  ON parent.definition_id = need.parent_id"
    "  AND parent.window_id = child.window_id AND parent.member_id = child.member_id"
    "  WHERE need.child_id = child.definition_id AND parent.state <> 2)",
    "INSERT INTO command_run (slot_id, attempt, status, source_id, priority, created_by, waiting_at)"
    " SELECT ready.id, 1, 0, definition.source_id, definition.priority, 0, CURRENT_TIMESTAMP FROM ready"
    " JOIN command_slot AS slot ON slot.id = ready.id"
    " JOIN command_definition AS definition ON definition.id = slot.definition_id",
    "UPDATE command_slot SET state = 1, attempts = 1 WHERE id IN (SELECT id FROM ready)",
    "DELETE FROM command_agenda",
)
"""Same member, same window, every parent has to have succeeded: no other policy, calendar, matrix or rerun."""


def _start_children_by_hand(database: Database, *, expected: int) -> float:
    def work(db: sa.Connection) -> None:
        for statement in _BY_HAND:
            if database.is_sqlite:
                statement = statement.replace(" JOIN ", " CROSS JOIN ")  # in that order
            rows = db.execute(sa.text(statement)).rowcount
            assert rows in (expected, -1), f"{rows} rows were written instead of {expected}"

    began = time.perf_counter()
    database.write(work)
    took = time.perf_counter() - began
    database.write(lambda db: db.execute(sa.text("DROP TABLE ready")))
    return took * 1000


def _idle_growth(laboratory: Laboratory, *, kind: Kind) -> Measured:
    return Measured(value=idle(laboratory, kind, millions=10), baseline=idle(laboratory, kind, millions=1))


def _rows(kind: Kind) -> Sequence[Benchmark]:
    return (
        Benchmark(
            name=f"tick-idle-1m-{kind}",
            meaning="a pass when nothing has changed among 1 M slots",
            unit="ms",
            target=Target(of="value", at_most=10),
            measure=lambda laboratory: Measured(value=idle(laboratory, kind, millions=1)),
        ),
        Benchmark(
            name=f"tick-idle-10m-{kind}",
            meaning="the same among 10 M slots, beside 1 M",
            unit="ms",
            target=Target(of="ratio", at_most=1.5),
            measure=partial(_idle_growth, kind=kind),
        ),
        Benchmark(
            name=f"tick-1000-succeeded-{kind}",
            meaning="a pass after 1,000 successes among 1.5 M slots, children started, beside bare SQL for that",
            unit="ms",
            target=Target(of="ratio", at_most=2.5),
            measure=partial(news, kind=kind),
        ),
    )


ROWS: Sequence[Benchmark] = (*_rows("postgresql"), *_rows("sqlite"))
