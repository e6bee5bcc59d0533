"""What must hold of any store at the end of any test, whatever it was about: its history, and its rows.

Fixtures that own a database ask for it when the test is over. A test that breaks rows on purpose says so and why:
``@pytest.mark.breaks_history(reason="…")``. Names in brackets are those of ``docs/explanation/simulation.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from conductor_server.model.states import LIVE_RUNS, CreatedBy, RunStatus, SlotState, StartPolicy
from conductor_server.store import limits, schema
from conductor_server.store.database import Database
from conductor_server.store.logs import RUN_BYTES_MAX, TRUNCATED
from tests.support.history import History, Slot, Violation, log

Key = tuple[int, int, int]
"""Definition, member and window of a slot."""

ENDED_AT = {
    RunStatus.SUCCESS: "success_at",
    RunStatus.FAILED: "failed_at",
    RunStatus.TIMEOUT: "timeout_at",
    RunStatus.CANCELLED: "cancelled_at",
    RunStatus.RELEASED: "released_at",
}

NEWEST = {
    SlotState.ACTIVE: frozenset(RunStatus) - {RunStatus.SUCCESS, RunStatus.CANCELLED},
    SlotState.SUCCEEDED: {RunStatus.SUCCESS},
    SlotState.FAILED: {RunStatus.FAILED, RunStatus.TIMEOUT},
    SlotState.QUARANTINED: {RunStatus.TIMEOUT, RunStatus.RELEASED},
}
"""What a slot's newest run must be, by the slot's state; in other states it must only have ended, if there is one."""


def audit_after(request: pytest.FixtureRequest, database: Database) -> None:
    """At the end of a test, unless it is marked. Raises Violation."""
    marker = request.node.get_closest_marker("breaks_history")
    if marker is None:
        database.read(audit)
    else:
        assert marker.kwargs["reason"], "say why the rows are broken on purpose"


def audit_home(home: Path, url: str = "") -> None:
    """The same for the database of a server that has ended: that at the URL, else the file in its home, if any."""
    file = home / "conductor.db"
    if not url and not file.exists():
        return
    database = Database(url or f"sqlite:///{file}")
    try:
        database.read(audit)
    finally:
        database.close()


def audit(db: sa.Connection) -> None:
    """Raises Violation."""
    if not sa.inspect(db).has_table(schema.slot.name):
        return  # a test of what comes before there is a schema
    runs = db.execute(_RUNS).all()
    slots = db.execute(sa.select(schema.slot)).all()
    if sa.inspect(db).has_table(log.name):
        _check_history(db, slots, runs)
    clock_went_back = db.execute(_SET_BACK).first() is not None
    for run in runs:
        _check_run(run, clock_went_back=clock_went_back)
    by_slot = {number: list(each) for number, each in groupby(runs, lambda run: run.slot_id)}
    for slot in slots:
        _check_slot(slot, by_slot.get(slot.id, []))
    _check_limits(db)
    _check_windows(db)
    _check_output(db)
    if db.dialect.name == "sqlite":
        dangling = db.exec_driver_sql("PRAGMA foreign_key_check").all()
        _demand(not dangling, f"[S18] rows refer to others that are gone: {dangling}")


_RUNS = (
    sa.select(schema.run, schema.window.c.ends_at)
    .join(schema.slot, schema.slot.c.id == schema.run.c.slot_id)
    .join(schema.window, schema.window.c.id == schema.slot.c.window_id)
    .order_by(schema.run.c.slot_id, schema.run.c.attempt)
)
_SET_BACK = sa.select(schema.event.c.id).where(
    schema.event.c.kind == "engine.gap", schema.event.c.message.like("%set back%")
)


class _Recorded(History[Key]):
    """The whole history at once; ``rerunning`` are the definitions whose decided slots may start again."""

    def __init__(self, *, definitions: set[int], rerunning: set[int]) -> None:
        super().__init__()
        self._definitions, self._rerunning = definitions, rerunning

    def key_of(self, definition_id: int, member_id: int, window_id: int) -> Key:
        return definition_id, member_id, window_id

    def wants_reruns(self, slot: Slot[Key]) -> bool:
        """Nobody knows any more what a removed definition wanted."""
        return slot.definition_id in self._rerunning or slot.definition_id not in self._definitions


def _check_history(db: sa.Connection, slots: Sequence[Any], runs: Sequence[Any]) -> None:
    """[S1, S4, S5, S7, S12, S13, S15] Every change could be; and the rows are what the changes have made [L7]."""
    policies: dict[int, int] = dict(
        db.execute(sa.select(schema.definition.c.id, schema.definition.c.start_policy)).all()
    )
    history = _Recorded(
        definitions=set(policies),
        rerunning={
            number for number, policy in policies.items() if policy == StartPolicy.AFTER_SUCCESS_AND_RERUNS
        },
    )
    history.follow(tuple(row)[1:] for row in db.execute(sa.select(log).order_by(log.c.id)))
    _demand(
        {slot.id: slot.state for slot in slots} == {each.id: each.state for each in history.slots.values()},
        "[L7] slots are not what their history says",
    )
    _demand(
        {run.id: (run.status, run.epoch) for run in runs}
        == {each.id: (each.status, each.epoch) for each in history.runs.values()},
        "[L7] runs are not what their history says",
    )


def _check_run(run: Any, *, clock_went_back: bool) -> None:
    """[S22] Its instants are those of its status, and in their order; [S3] its window had closed."""
    status, name = RunStatus(run.status), f"run {run.id}"
    ended = {ended: getattr(run, column) for ended, column in ENDED_AT.items()}
    has_ended = {end for end, instant in ended.items() if instant is not None}
    _demand(has_ended == {status} - set(LIVE_RUNS), f"[S22] {name} is {status.word} and ended {has_ended}")
    was_claimed = run.running_at is not None
    may_be_either = status is RunStatus.CANCELLED
    _demand(
        was_claimed == (status is not RunStatus.WAITING) or may_be_either,
        f"[S22] {name} is {status.word} and was claimed at {run.running_at}",
    )
    _demand(
        was_claimed == bool(run.agent) == (run.heartbeat_at is not None) == (run.epoch > 0),
        f"[S7] {name} was claimed at {run.running_at} by {run.agent} with epoch {run.epoch}",
    )
    if not clock_went_back:
        instants = [run.waiting_at, run.running_at, *ended.values()]
        known = [instant for instant in instants if instant is not None]
        _demand(known == sorted(known), f"[S22] {name} goes back in time: {known}")
        if run.created_by == CreatedBy.ENGINE:
            _demand(run.waiting_at >= run.ends_at, f"[S3] {name} was made before its window closed")


def _check_slot(slot: Any, runs: Sequence[Any]) -> None:
    """[S5, S12, S15] Its state and its counts are what its runs make of it."""
    state, name = SlotState(slot.state), f"slot {slot.id}"
    attempts = [run.attempt for run in runs]
    _demand(attempts == list(range(1, slot.attempts + 1)), f"[S12] {name} has attempts {attempts}")
    _demand(
        (slot.decided_at is None) == (state in (SlotState.OPEN, SlotState.ACTIVE)),
        f"[S22] {name} is {state.word} and was decided at {slot.decided_at}",
    )
    live = [run.id for run in runs[:-1] if run.status in LIVE_RUNS]
    _demand(not live, f"[S5] {name} has live runs before its newest: {live}")
    newest = RunStatus(runs[-1].status) if runs else None
    wanted = NEWEST.get(state, {None, *RunStatus} - set(LIVE_RUNS))
    _demand(newest in wanted, f"[S15] {name} is {state.word} and its newest run {newest}")
    if state is SlotState.SUCCEEDED:
        _demand(slot.success_run_id == runs[-1].id, f"[S15] {name} succeeded by run {slot.success_run_id}")


def _check_limits(db: sa.Connection) -> None:
    """[S16] Not more runs are running than every limit allows."""
    usage = limits.load(db, lock=False)
    over = [
        (key, used)
        for key, used in usage.used.items()
        if (limit := usage.limit_of(key)) is not None and used > limit
    ]
    _demand(not over, f"[S16] limits are exceeded: {over}")


def _check_windows(db: sa.Connection) -> None:
    """[S2] Windows of a calendar do not overlap."""
    window = schema.window
    rows = db.execute(sa.select(window).order_by(window.c.calendar_id, window.c.starts_at)).all()
    for before, after in pairwise(rows):
        _demand(before.starts_at <= before.ends_at, f"[S2] window {before.id} ends before it starts")
        _demand(
            before.calendar_id != after.calendar_id or before.ends_at <= after.starts_at,
            f"[S2] windows {before.id} and {after.id} overlap",
        )


def _check_output(db: sa.Connection) -> None:
    """[S21] A stream's chunks follow one another from its beginning, and a run's streams keep to the limit."""
    chunk, stream = schema.log_chunk, schema.log_stream
    size = sa.func.length(chunk.c.data).label("size")
    rows = db.execute(
        sa.select(chunk.c.run_id, chunk.c.stream, chunk.c.offset, size).order_by(
            chunk.c.run_id, chunk.c.stream, chunk.c.offset
        )
    )
    reached: Counter[tuple[int, str]] = Counter()
    for row in rows:
        key = (row.run_id, row.stream)
        _demand(row.offset == reached[key], f"[S21] {key} goes on at {row.offset}, not {reached[key]}")
        reached[key] += row.size
    said: dict[tuple[int, str], int] = {
        (row.run_id, row.stream): row.size for row in db.execute(sa.select(stream)) if row.size
    }
    _demand(said == dict(reached), f"[S21] streams say {said} and hold {dict(reached)}")
    kept = _summed((run_id, size) for (run_id, _), size in said.items())
    most = RUN_BYTES_MAX + len(TRUNCATED)
    over = {run_id: size for run_id, size in kept.items() if size > most}
    _demand(not over, f"[S21] runs with more than {most} bytes of output: {over}")


def _summed(pairs: Iterable[tuple[int, int]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for key, number in pairs:
        total[key] += number
    return total


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise Violation(what)
