"""Mistakes that somebody could make in the product, to prove that the checker would notice.

Each is a context: while it lasts, the product has the mistake.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from conductor_server.engine import reconciler
from conductor_server.engine.step import StepResult, Tick
from conductor_server.engine.steps import ensure_runs_timeout
from conductor_server.model.states import Disposition, Verdict
from conductor_server.policy import completion, frequency, retry, start
from conductor_server.store import agenda, completions, heartbeats, limits, readiness, schema
from conductor_server.store import starts as store_starts
from conductor_server.store.leases import Lease
from tests.simulation import simulation
from tests.simulation.store import Killed, SimulatedDatabase

Mutation = Callable[[], AbstractContextManager[object]]


@contextmanager
def heartbeat_without_epoch() -> Iterator[None]:
    """A heartbeat prolongs the run that it names, whatever its epoch and whoever sends it."""

    def lax(row: Any, lease: Lease, agent: str) -> tuple[Verdict, str]:
        if row is not None and row.epoch != lease.epoch:
            return Verdict.CONTINUE, ""
        return verdict(row, lease, agent)

    def update(db: sa.Connection, agent: str, beats: Any, *, now: dt.datetime) -> Any:
        answers = beat(db, agent, beats, now=now)
        named = [each.lease.run_id for each in beats]
        statement = sa.update(schema.run).where(schema.run.c.id.in_(named), schema.run.c.status == 1)
        db.execute(statement.values(heartbeat_at=now))
        return answers

    verdict, beat = heartbeats._verdict, heartbeats.beat
    with patch.object(heartbeats, "_verdict", lax), patch.object(heartbeats, "beat", update):
        yield


def report_without_epoch() -> AbstractContextManager[object]:
    """A report is applied to the run that it names, whatever its epoch."""

    def lax(run: Any, *, agent: str, epoch: int, completion_id: str) -> Disposition:
        known = None if run is None else replace(run, epoch=epoch, agent=agent)
        return decide(known, agent=agent, epoch=epoch, completion_id=completion_id)

    def apply(db: sa.Connection, reports: Any, *, now: dt.datetime) -> None:
        run = schema.run
        epochs: dict[int, int] = dict(db.execute(sa.select(run.c.id, run.c.epoch)).all())
        changed = [
            replace(each, lease=replace(each.lease, epoch=epochs[each.lease.run_id])) for each in reports
        ]
        original(db, changed, now=now)

    decide, original = completion.disposition, completions._apply
    return _both(patch.object(completion, "disposition", lax), patch.object(completions, "_apply", apply))


def report_applied_twice() -> AbstractContextManager[object]:
    """A repeated report has its effect once more."""

    def forgetful(db: sa.Connection, reports: Any, *, now: dt.datetime) -> Any:
        answers = complete(db, reports, now=now)
        again = [
            report
            for report, answer in zip(reports, answers, strict=True)
            if answer.disposition is Disposition.DUPLICATE
        ]
        completions._apply(db, again, now=now)
        return answers

    complete = completions.complete
    return patch.object(completions, "complete", forgetful)


def acknowledged_before_commit() -> AbstractContextManager[object]:
    """A commit that the crash prevented is answered as if it had been made."""

    def write(self: SimulatedDatabase, work: Any) -> Any:
        answers: list[Any] = []

        def kept(db: sa.Connection) -> Any:
            answers[:] = [work(db)]
            return answers[0]

        try:
            return original(self, kept)
        except Killed:
            if answers:
                return answers[0]
            raise

    original = SimulatedDatabase.write
    return patch.object(SimulatedDatabase, "write", write)


def no_grace() -> AbstractContextManager[object]:
    """After an outage agents get no time to be heard."""

    def impatient(db: sa.Connection, tick: Tick) -> StepResult:
        return ensure_runs_timeout.ensure_runs_timeout(db, replace(tick, grace_until=None))

    impatient.__name__ = "ensure_runs_timeout"
    return _step("ensure_runs_timeout", impatient)


def one_retry_more() -> AbstractContextManager[object]:
    """The count of failures is one short."""
    return _counting(-1)


def one_retry_less() -> AbstractContextManager[object]:
    """The count of failures is one too many."""
    return _counting(1)


def _counting(off: int) -> AbstractContextManager[object]:
    def wrong(policy: Any, settings: Any, *, failures: int, **others: Any) -> Any:
        return decide(policy, settings, failures=max(1, failures + off), **others)

    decide = retry.decide
    return patch.object(retry, "decide", wrong)


def retry_at_once() -> AbstractContextManager[object]:
    """Nobody waits after a failure."""

    def hasty(*arguments: Any, **others: Any) -> Any:
        decided = decide(*arguments, **others)
        return retry.Retrying(delay=dt.timedelta(0)) if isinstance(decided, retry.Retrying) else decided

    decide = retry.decide
    return patch.object(retry, "decide", hasty)


def naive_local_time() -> AbstractContextManager[object]:
    """Windows are cut as if everybody lived in UTC."""

    def wrong(value: Any, local: dt.tzinfo) -> dt.datetime:
        return instant(value, dt.UTC)

    instant = frequency.local_instant
    return patch.object(frequency, "local_instant", wrong)


def no_parent_check() -> AbstractContextManager[object]:
    """A slot starts whatever its parents do."""
    return _rebuilt(patch.object(readiness, "may_start", lambda counts: sa.true()))


def any_parent_will_do() -> AbstractContextManager[object]:
    """One parent that has succeeded is taken for all."""

    def wrong(policy: Any, counts: start.Counts) -> Any:
        return starts(policy, counts) | (counts.succeeded > 0)

    starts = start.starts
    return _rebuilt(patch.object(start, "starts", wrong))


def missing_runs_are_kept() -> AbstractContextManager[object]:
    """A run that was lost on its way is left to time out."""
    return patch.object(heartbeats, "release_missing", lambda *_arguments, **_others: 0)


def held_runs_are_released() -> AbstractContextManager[object]:
    """The grace for a push that is still on its way is forgotten, and what is held is not looked at."""

    def wrong(db: sa.Connection, agent: str, held: Any, **others: Any) -> int:
        return release(db, agent, set(), **others)

    release = heartbeats.release_missing
    return patch.object(heartbeats, "release_missing", wrong)


def no_limits() -> AbstractContextManager[object]:
    """Pools and bounds are not looked at."""
    return _both(
        patch.object(limits.Usage, "take", lambda *_: True),
        patch.object(limits.Usage, "has_room", lambda *_: sa.true()),
    )


def windows_not_awaited() -> AbstractContextManager[object]:
    """A slot is due when its window begins to be planned, not when it has closed."""

    def all_windows(db: sa.Connection, *, now: dt.datetime) -> Any:
        return planned(db, now=now + dt.timedelta(days=3660))

    planned = readiness.windows_with_open_slots
    return _both(
        _rebuilt(patch.object(readiness, "due", lambda _closed_by: sa.true())),
        patch.object(readiness, "windows_with_open_slots", all_windows),
    )


def no_leader_check() -> AbstractContextManager[object]:
    """Whoever has led once goes on, whoever leads now."""
    return patch.object(SimulatedDatabase, "guarded", lambda self, _guard: self.of(self.owner))


def leader_check_outside() -> AbstractContextManager[object]:
    """The leader's epoch is checked in a transaction of its own, just before the one that it is to protect."""

    def guarded(self: SimulatedDatabase, guard: Any) -> SimulatedDatabase:
        class CheckedBefore(SimulatedDatabase):
            def write(self, work: Any) -> Any:
                SimulatedDatabase.write(self, guard)
                return SimulatedDatabase.write(self, work)

        view = self.of(self.owner)
        view.__class__ = CheckedBefore
        return view

    return patch.object(SimulatedDatabase, "guarded", guarded)


def long_pass_hides_a_standstill() -> AbstractContextManager[object]:
    """A process that was stopped in the midst of a pass takes the time for one in which it listened."""

    def leave(*arguments: Any, began: dt.datetime, now: dt.datetime, **others: Any) -> None:
        original(*arguments, began=now, now=now, **others)

    original = reconciler._leave
    return patch.object(reconciler, "_leave", leave)


def wake_ups_are_lost() -> AbstractContextManager[object]:
    """Nobody notes how a run has ended: what follows from it waits for a full pass."""
    return patch.object(agenda, "note_ended", lambda *_arguments, **_others: None)


def no_full_passes() -> AbstractContextManager[object]:
    """After the first pass of a leader no other is a full one, unless something demands it."""

    def watch_after(*arguments: Any, **others: Any) -> reconciler.Watch:
        return replace(original(*arguments, **others), full_by=dt.datetime.max.replace(tzinfo=dt.UTC))

    original = reconciler._watch_after
    return patch.object(reconciler, "_watch_after", watch_after)


def no_foreign_keys() -> AbstractContextManager[object]:
    """SQLite's default: what refers to a removed row stays."""
    return _schema("PRAGMA foreign_keys=OFF")


def no_live_run_index() -> AbstractContextManager[object]:
    """Two live runs of a slot are possible, as far as the database is concerned."""
    return _schema("DROP INDEX command_run_live_idx")


def no_slot_constraint() -> AbstractContextManager[object]:
    """Two slots of one definition, member and window are possible, as far as the database is concerned."""
    return _schema(
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'UNIQUE (definition_id, window_id, member_id)', 'CHECK (1)')"
        " WHERE name = 'command_slot'",
        "DELETE FROM sqlite_master WHERE type = 'index' AND tbl_name = 'command_slot' AND sql IS NULL",
        "PRAGMA writable_schema=OFF",
    )


@dataclass(frozen=True, slots=True)
class Caught:
    """A mistake, and the faults without which nobody would notice it."""

    mutation: Mutation
    faults: frozenset[str]


def _with(mutation: Mutation, *faults: str) -> tuple[str, Caught]:
    return mutation.__name__, Caught(mutation, frozenset(faults))


MUTATIONS: dict[str, Caught] = dict(
    (
        _with(heartbeat_without_epoch, "stray"),
        _with(report_without_epoch, "stray"),
        _with(report_applied_twice, "duplicate", "fail"),
        _with(acknowledged_before_commit, "kill at commit"),
        _with(no_grace, "kill server"),
        _with(one_retry_more, "fail"),
        _with(one_retry_less, "fail"),
        _with(retry_at_once, "fail"),
        _with(naive_local_time),
        _with(no_parent_check),
        _with(any_parent_will_do),
        _with(missing_runs_are_kept, "drop"),
        _with(held_runs_are_released),
        _with(no_limits),
        _with(windows_not_awaited),
        _with(no_leader_check, "freeze", "cut off"),
        _with(leader_check_outside, "freeze"),
        _with(long_pass_hides_a_standstill, "freeze"),
        _with(wake_ups_are_lost),
        _with(no_full_passes),
        _with(no_foreign_keys, "remove"),
    )
)


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A mistake that changes nothing, and what stands behind it."""

    mutation: Mutation
    guard: str


ABSORBED: dict[str, Absorbed] = {
    "no_live_run_index": Absorbed(
        no_live_run_index,
        "a slot's state is part of every statement that adds a run, and SQLite has one writer",
    ),
    "no_slot_constraint": Absorbed(
        no_slot_constraint,
        "a plan remembers until where its slots exist, in the transaction that makes them",
    ),
}


def _step(name: str, step: Any) -> AbstractContextManager[object]:
    steps = tuple(step if each.__name__ == name else each for each in reconciler.STEPS)
    return patch.object(reconciler, "STEPS", steps)


@contextmanager
def _both(first: AbstractContextManager[object], second: AbstractContextManager[object]) -> Iterator[None]:
    with first, second:
        yield


@contextmanager
def _rebuilt(mistake: AbstractContextManager[object]) -> Iterator[None]:
    """Statements are built once and kept: have them built with the mistake, and afterwards without it."""
    with mistake:
        _forget_statements()
        yield
    _forget_statements()


def _forget_statements() -> None:
    for built in vars(store_starts).values():
        if hasattr(built, "cache_clear"):
            built.cache_clear()


def _schema(*statements: str) -> AbstractContextManager[object]:
    class Weakened(SimulatedDatabase):
        def __init__(self, template: sqlite3.Connection) -> None:
            super().__init__(template)
            for statement in statements:
                self.raw.execute(statement)

    return patch.object(simulation, "SimulatedDatabase", Weakened)
