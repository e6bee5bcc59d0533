"""A million at once: children of which each has its parent, and one child that needs a million parents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from statistics import median

import sqlalchemy as sa

from benchmarks.frame import Benchmark, Measured, Target, in_turns
from benchmarks.grown import TODAY, YESTERDAY, GrownStore
from benchmarks.laboratory import Kind, Laboratory
from conductor_server.model.definition import Definition, Read
from conductor_server.model.states import SlotState
from conductor_server.store.database import Database

MEMBERS = 1_000_000
SAMPLES = 3

_PARENT = Definition(
    name="parent",
    source="shell",
    matrix="account",
    writes_to=("made",),
    starts_on=YESTERDAY,
    ends_on=TODAY,
)
_CHILD = replace(_PARENT, name="child", reads_from=(Read(table="made"),), writes_to=())
_BARRIER = replace(_CHILD, matrix="default")


@contextmanager
def _grown(laboratory: Laboratory, kind: Kind, child: Definition) -> Iterator[GrownStore]:
    """Both have yesterday's window alone: all parents have succeeded, and no pass has seen that."""
    with laboratory.database(kind) as url, closing(Database(url)) as database:
        store = GrownStore(database, (_PARENT, child), accounts=laboratory.scaled(MEMBERS))
        store.set_state(_PARENT.name, SlotState.SUCCEEDED)
        yield store


def children(laboratory: Laboratory, kind: Kind) -> Measured:
    """Milliseconds of a full pass that starts all children, beside statements written for this graph alone."""
    with _grown(laboratory, kind, _CHILD) as store:

        def ours() -> float:
            store.set_state(_CHILD.name, SlotState.OPEN)
            return store.timed_full_tick()

        def raw() -> float:
            store.set_state(_CHILD.name, SlotState.OPEN)
            return _start_by_hand(store.database, expected=laboratory.scaled(MEMBERS))

        return in_turns(ours, raw, samples=SAMPLES)


_BY_HAND = (
    "CREATE TEMPORARY TABLE ready AS SELECT child.id FROM command_slot AS child"
    " WHERE child.state = 0 AND NOT EXISTS ("
    "  SELECT 1 FROM command_definition_dependency AS edge JOIN command_slot AS parent"
    "  ON parent.definition_id = edge.parent_id"
    "  AND parent.window_id = child.window_id AND parent.member_id = child.member_id"
    "  WHERE edge.child_id = child.definition_id AND parent.state <> 2)",
    "INSERT INTO command_run (slot_id, attempt, status, source_id, priority, definition_id, account_id, turn,"
    "  created_by, waiting_at)"
    " SELECT slot.id, 1, 0, definition.source_id, definition.priority, definition.id, slot.member_id, 1, 0,"
    "  CURRENT_TIMESTAMP FROM ready"
    " JOIN command_slot AS slot ON slot.id = ready.id"
    " JOIN command_definition AS definition ON definition.id = slot.definition_id",
    "UPDATE command_slot SET state = 1, attempts = 1 WHERE id IN (SELECT id FROM ready)",
)
"""Decided, runs inserted, slots updated. Same member, same window, every parent has to have succeeded."""


def _start_by_hand(database: Database, *, expected: int) -> float:
    def work(db: sa.Connection) -> None:
        for statement in _BY_HAND:
            rows = db.execute(sa.text(statement)).rowcount
            assert rows in (expected, -1), f"{rows} rows were written instead of {expected}"

    began = time.perf_counter()
    database.write(work)
    took = time.perf_counter() - began
    database.write(lambda db: db.execute(sa.text("DROP TABLE ready")))
    return took * 1000


def barrier(laboratory: Laboratory, kind: Kind) -> Measured:
    """Milliseconds of the pass after the last parent's success, which starts the child."""
    with _grown(laboratory, kind, _BARRIER) as store:

        def last() -> float:
            store.set_state(_BARRIER.name, SlotState.OPEN)
            store.set_state(_PARENT.name, SlotState.OPEN, slots=2)
            store.settle_anew()
            store.succeed(1)
            store.timed_tick()
            store.succeed(1)
            took = store.timed_tick()
            assert store.number_in(_BARRIER.name, SlotState.ACTIVE) == 1, "it was not started"
            return took

        return Measured(value=median(last() for _ in range(SAMPLES)))


def _rows(kind: Kind) -> Sequence[Benchmark]:
    return (
        Benchmark(
            name=f"ready-1m-{kind}",
            meaning="a pass in which 1 M children become ready, beside bare SQL: decided, runs added, slots updated",
            unit="ms",
            target=Target(of="ratio", at_most=2),
            measure=partial(children, kind=kind),
        ),
        Benchmark(
            name=f"barrier-1m-{kind}",
            meaning="the pass after the last of 1 M parents of one child has succeeded, which starts it",
            unit="ms",
            target=Target(of="value", at_most=100),
            measure=partial(barrier, kind=kind),
        ),
    )


ROWS: Sequence[Benchmark] = (*_rows("postgresql"), *_rows("sqlite"))
