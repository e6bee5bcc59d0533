"""Anything may happen in any order: the real steps over the real store, played by hypothesis under a virtual clock.

After each move the safety rules hold; in the end everything is healed, and all that is due gets done.
"""

from __future__ import annotations

import functools
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from conductor_server.engine import operations
from conductor_server.engine.operations import Operator
from conductor_server.model.definition import Retry
from conductor_server.model.states import (
    RUN_TRANSITIONS,
    CreatedBy,
    Disposition,
    Frequency,
    Outcome,
    RunStatus,
    SlotState,
    StartPolicy,
    Verdict,
)
from conductor_server.store import runs, schema
from conductor_server.store.leases import Lease
from tests.support.build import DAY, HOUR, MINUTE, account, definition, reads
from tests.support.database import migrated_file, sqlite_copy
from tests.support.world import SETTINGS, World

TRIES = Retry(attempts=4)
DEFINITIONS = (
    definition("load", retry=TRIES),
    definition("pulse", frequency=Frequency.HOURLY, retry=TRIES),
    definition("model", retry=TRIES, reads_from=reads("load")),
    definition(
        "mirror", retry=TRIES, reads_from=reads("load"), start_policy=StartPolicy.AFTER_SUCCESS_AND_RERUNS
    ),
    definition("total", retry=TRIES, matrix="default", reads_from=reads("model")),
)
PARENT = {"model": "load", "mirror": "load", "total": "model"}
ACCOUNTS = ("acme", "bolt", "corp")

LOG = (
    "CREATE TABLE run_log (run_id INTEGER, old INTEGER, new INTEGER)",
    "CREATE TRIGGER run_born AFTER INSERT ON command_run"
    " BEGIN INSERT INTO run_log VALUES (NEW.id, NULL, NEW.status); END",
    "CREATE TRIGGER run_moved AFTER UPDATE OF status ON command_run"
    " BEGIN INSERT INTO run_log VALUES (NEW.id, OLD.status, NEW.status); END",
)


@functools.cache
def template() -> Path:
    return migrated_file(Path(tempfile.mkdtemp(prefix="conductor-lifecycle-")))


class Lifecycle(RuleBasedStateMachine):
    """``held`` is what agents believe that they hold; they may be wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        database = self.stack.enter_context(sqlite_copy(template(), folder))
        # Only an hour without an engine is an outage, so that healing takes few passes.
        self.world = World(database, settings=replace(SETTINGS, slots_create_extra=DAY, outage_gap=HOUR))
        self.world.write(lambda db: [db.execute(sa.text(statement)) for statement in LOG])
        self.held: list[Lease] = []
        self.reported: dict[str, tuple[Lease, Disposition]] = {}
        self.looked_at = 0

    @initialize()
    def begin(self) -> None:
        self.world.declare(*DEFINITIONS, accounts=[account("acme", starts_on=None)])
        self.world.tick()

    # ---------------------------------------------------------------------------------------- time and the engine

    @rule(minutes=st.sampled_from([1, 10, 11, 30, 60, 6 * 60, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.advance(minutes * MINUTE)

    @rule()
    def tick(self) -> None:
        self.world.tick()

    # ---------------------------------------------------------------------------------------- agents

    @rule(count=st.integers(1, 5))
    def claim(self, count: int) -> None:
        self.held += self.world.claim(count).values()

    @precondition(lambda self: self.held)
    @rule()
    def beat(self) -> None:
        verdicts = self.world.beat(*self.held)
        self.held = [
            lease
            for lease, verdict in zip(self.held, verdicts, strict=True)
            if verdict in (Verdict.CONTINUE, Verdict.CANCEL)
        ]

    @precondition(lambda self: self.held)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def complete(self, data: st.DataObject, outcome: Outcome) -> None:
        lease = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        completion = f"report-{len(self.reported)}"
        answer = self.world.finish(lease, outcome, completion=completion)
        self.reported[completion] = (lease, answer.disposition)
        assert answer.disposition in (Disposition.APPLIED, Disposition.LATE, Disposition.REMOVED)

    @precondition(lambda self: self.reported)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def complete_again(self, data: st.DataObject, outcome: Outcome) -> None:
        """The same report, sent anew because its answer was lost: nothing changes, whatever it says now."""
        completion = data.draw(st.sampled_from(sorted(self.reported)))
        lease, before = self.reported[completion]
        expected = {Disposition.APPLIED: Disposition.DUPLICATE}.get(before, before)
        contents = self._contents()

        answer = self.world.finish(lease, outcome, completion=completion)

        assert answer.disposition in (expected, Disposition.REMOVED)
        assert self._contents() == contents

    @precondition(lambda self: self.held)
    @rule(data=st.data(), off=st.sampled_from([-1, 1]))
    def complete_under_another_epoch(self, data: st.DataObject, off: int) -> None:
        lease = data.draw(st.sampled_from(self.held))
        contents = self._contents()

        answer = self.world.finish(replace(lease, epoch=lease.epoch + off))

        assert answer.disposition in (Disposition.FENCED, Disposition.REMOVED)
        assert self._contents() == contents

    @rule()
    def agents_vanish(self) -> None:
        self.held.clear()

    # ---------------------------------------------------------------------------------------- people

    @rule(data=st.data())
    def rerun(self, data: st.DataObject) -> None:
        decided = [slot for slot, state in self.world.states().items() if state > SlotState.ACTIVE]
        if decided:
            self.world.rerun(data.draw(st.sampled_from(decided)))

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        live = [row for row in self._runs() if row.status in (RunStatus.WAITING, RunStatus.RUNNING)]
        if live:
            number = data.draw(st.sampled_from([row.id for row in live]))
            now = self.world.now
            self.world.write(
                lambda db: (
                    runs.cancel_waiting(db, number, reason="cancelled by an operator", now=now)
                    or runs.request_cancel(db, number, now=now)
                )
            )

    @rule(token=st.sampled_from(ACCOUNTS))
    def an_account_comes_or_goes(self, token: str) -> None:
        listed = {each.token: each for each in self.world.declared["files"].accounts}
        if token in listed:
            del listed[token]
        else:
            listed[token] = account(token, starts_on=None)
        self.world.set_accounts(*listed.values())
        self.world.tick()
        if self.world.count(schema.confirmation):
            query = sa.select(sa.func.json_array_length(schema.confirmation.c.names))
            count = self.world.read(lambda db: db.execute(query).scalar_one())
            self.world.consent("accounts of files", count=count)
            self.world.tick()

    @rule(name=st.sampled_from(["load", "model"]), paused=st.booleans())
    def pause_or_resume(self, name: str, paused: bool) -> None:
        operator = Operator(name="", now=self.world.now)
        self.world.write(lambda db: operations.set_active(db, name, operator, active=not paused))

    # ---------------------------------------------------------------------------------------- safety

    @invariant()
    def statuses_only_move_forward(self) -> None:
        query = sa.text("SELECT old, new FROM run_log")
        for old, new in self.world.read(lambda db: db.execute(query).all()):
            assert (
                RunStatus(new) in RUN_TRANSITIONS[RunStatus(old)]
                if old is not None
                else new == RunStatus.WAITING
            )

    @invariant()
    def attempts_are_numbered_without_gaps_and_one_is_live(self) -> None:
        by_slot: dict[int, list[Any]] = {}
        for row in self._runs():
            by_slot.setdefault(row.slot_id, []).append(row)
        for attempts in by_slot.values():
            assert [row.attempt for row in attempts] == list(range(1, len(attempts) + 1))
            assert attempts[0].attempts == len(attempts)
            live = [row for row in attempts if row.status in (RunStatus.WAITING, RunStatus.RUNNING)]
            assert len(live) <= 1
            assert not live or attempts[0].state == SlotState.ACTIVE

    @invariant()
    def failures_stay_within_the_policy(self) -> None:
        for row in self._slots():
            assert row.failures <= 4
            assert row.losses <= 3
            assert row.losses <= row.failures

    @invariant()
    def nothing_starts_before_its_time_or_its_inputs(self) -> None:
        """By names and dates alone: ``readiness`` is not asked."""
        slots = {(row.definition, row.path, row.label): row for row in self._slots()}
        joined = {row.path: row.starts_at for row in self._accounts()}
        for row in self._runs():
            if row.id <= self.looked_at or row.created_by != CreatedBy.ENGINE or row.attempt > 1:
                continue
            assert row.ends_at <= row.waiting_at
            if parent := PARENT.get(row.definition):
                paths = (
                    [row.path] if row.path else [path for path, at in joined.items() if at <= row.starts_at]
                )
                expected = [(parent, path, row.label) for path in paths if joined[path] <= row.starts_at]
                assert all(slots[key].state == SlotState.SUCCEEDED for key in expected)
        self.looked_at = max((row.id for row in self._runs()), default=self.looked_at)

    @invariant()
    def windows_tile_and_names_are_unique(self) -> None:
        names = [(row.definition, row.path, row.label) for row in self._slots()]
        assert len(names) == len(set(names))
        window = schema.window
        query = sa.select(window).order_by(window.c.calendar_id, window.c.starts_at)
        stored = self.world.read(lambda db: db.execute(query).all())
        for one, next_one in pairwise(stored):
            assert one.calendar_id != next_one.calendar_id or one.ends_at == next_one.starts_at

    # ---------------------------------------------------------------------------------------- liveness

    def teardown(self) -> None:
        try:
            if self.world.declared:
                self._heal()
        finally:
            self.stack.close()

    def _heal(self) -> None:
        """People resume and rerun, agents do their work: everything that is due gets done, and then it is quiet."""
        self.held.clear()
        for name in ("load", "model"):
            self.pause_or_resume(name, paused=False)
        for _ in range(8):
            self.world.run_all()
            for slot, state in self.world.due_states().items():
                if state in (SlotState.FAILED, SlotState.CANCELLED, SlotState.QUARANTINED):
                    self.world.rerun(slot)
            self.world.run_all()
            if set(self.world.due_states().values()) <= {SlotState.SUCCEEDED}:
                break
            self.world.clock.advance(20 * MINUTE)
        undone = {k: v for k, v in self.world.due_states().items() if v is not SlotState.SUCCEEDED}
        assert undone == {}
        assert self.world.tick().changed == {}

    # ---------------------------------------------------------------------------------------- what there is to see

    def _slots(self) -> list[Any]:
        slot, window = schema.slot, schema.window
        return self._rows(
            sa.select(
                slot.c.state,
                slot.c.failures,
                slot.c.losses,
                schema.definition.c.name.label("definition"),
                schema.member.c.path,
                window.c.label,
            ).select_from(_joined(slot))
        )

    def _runs(self) -> list[Any]:
        run, slot, window = schema.run, schema.slot, schema.window
        return self._rows(
            sa.select(
                run.c.id,
                run.c.slot_id,
                run.c.attempt,
                run.c.status,
                run.c.created_by,
                run.c.waiting_at,
                slot.c.state,
                slot.c.attempts,
                window.c.starts_at,
                window.c.ends_at,
                window.c.label,
                schema.definition.c.name.label("definition"),
                schema.member.c.path,
            )
            .select_from(_joined(run.join(slot, slot.c.id == run.c.slot_id)))
            .order_by(run.c.slot_id, run.c.attempt)
        )

    def _accounts(self) -> list[Any]:
        return self._rows(sa.select(schema.member).where(schema.member.c.matrix_id == 1))

    def _contents(self) -> tuple[list[Any], list[Any]]:
        return self._slots(), self._runs()

    def _rows(self, query: sa.Select[*tuple[Any, ...]]) -> list[Any]:
        return list(self.world.read(lambda db: db.execute(query).all()))


def _joined(slots: sa.FromClause) -> sa.FromClause:
    slot, definition, member, window = schema.slot, schema.definition, schema.member, schema.window
    return (
        slots.join(definition, definition.c.id == slot.c.definition_id)
        .join(member, member.c.id == slot.c.member_id)
        .join(window, window.c.id == slot.c.window_id)
    )


Lifecycle.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestLifecycle = Lifecycle.TestCase
