"""The history of slots and runs: triggers write down every change, and ``History`` says whether it could have been.

What is checked here needs no knowledge of what a test or a seed is about. The simulator's checker goes on from it, and
``tests/support/audit.py`` asks for it at the end of every test that has a store. Names in brackets, such as [S4], are
those of ``docs/explanation/simulation.md``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from conductor_server.model.states import RUN_TRANSITIONS, CreatedBy, RunStatus, SlotState
from conductor_server.store import schema

K = TypeVar("K", bound=Hashable)

Row = tuple[Any, ...]
"""A row of the log: what happened to which number, six integers that depend on what it was, and the agent."""

log = sa.Table(
    "history_log",
    sa.MetaData(),
    sa.Column("id", schema.Key, primary_key=True),
    sa.Column("noun", sa.Text, nullable=False),
    sa.Column("number", schema.Key, nullable=False),
    *(sa.Column(name, schema.Key) for name in "abcdef"),
    sa.Column("agent", sa.Text),
)

_INTO = "INSERT INTO history_log (noun, number, a, b, c, d, e, f, agent) VALUES"

_WRITTEN = {
    ("run", "INSERT"): f"{_INTO} ('run born', new.id, new.slot_id, new.attempt, new.status, new.epoch,"
    " new.created_by, NULL, NULL)",
    ("run", "UPDATE"): f"{_INTO} ('run moved', new.id, old.status, new.status, old.epoch, new.epoch,"
    " CAST(new.heartbeat_at IS DISTINCT FROM old.heartbeat_at AS INTEGER),"
    " CAST(new.cancel_requested_at IS NOT NULL AS INTEGER), new.agent)",
    ("run", "DELETE"): f"{_INTO} ('run gone', old.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    ("slot", "INSERT"): f"{_INTO} ('slot born', new.id, new.definition_id, new.member_id, new.window_id,"
    " new.state, NULL, NULL, NULL)",
    ("slot", "UPDATE"): f"{_INTO} ('slot moved', new.id, old.state, new.state, new.failures, new.attempts,"
    " new.losses, NULL, NULL)",
    ("slot", "DELETE"): f"{_INTO} ('slot gone', old.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
}
"""What is written down, by table and kind of change: the same for both databases."""


def install(db: sa.Connection) -> None:
    """From now on every change of a slot or run is written down by the transaction that makes it."""
    log.create(db)
    for (noun, change), statement in _WRITTEN.items():
        name = f"history_{noun}_{change.lower()}"
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$BEGIN {statement}; RETURN NULL; END$$"
            )
            body = f"FOR EACH ROW EXECUTE FUNCTION {name}()"
        else:
            body = f"BEGIN {statement.replace('IS DISTINCT FROM', 'IS NOT')}; END"
        db.exec_driver_sql(f"CREATE TRIGGER {name} AFTER {change} ON command_{noun} {body}")


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True, kw_only=True)
class Slot(Generic[K]):
    """A slot as its log tells it; ``fails`` and ``losses`` are counted here, from its runs."""

    id: int
    key: K
    definition_id: int
    state: SlotState
    fails: int = 0
    losses: int = 0
    given_back: bool = False
    attempts: int = 0
    live: int | None = None
    last: int | None = None


@dataclass(slots=True, kw_only=True)
class Run:
    """A run as its log tells it."""

    id: int
    slot: int
    attempt: int
    status: RunStatus
    epoch: int
    agent: str = ""
    cancel: bool = False


class History(Generic[K]):
    """Follows the log. Raises Violation for whatever could not have happened."""

    def __init__(self) -> None:
        self.slots: dict[int, Slot[K]] = {}
        self.by_key: dict[K, Slot[K]] = {}
        self.runs: dict[int, Run] = {}

    def follow(self, rows: Iterable[Row]) -> None:
        """The rows of one transaction or more, in their order."""
        moved: dict[int, Row] = {}
        for row in rows:
            number = row[1]
            match row[0]:
                case "slot born":
                    self.slot_born(number, row)
                case "slot moved":
                    self._count_loss(self.slots[number], row[6])
                    self.slot_moved(self.slots[number], SlotState(row[2]), SlotState(row[3]))
                    moved[number] = row
                case "slot gone":
                    self.slot_gone(self.slots.pop(number))
                case "run born":
                    self.run_born(number, row)
                case "run moved":
                    self.run_moved(self.runs[number], row)
                case "run gone":
                    self.run_gone(self.runs.pop(number))
        for number, row in moved.items():
            if (slot := self.slots.get(number)) is not None:
                self.settled(slot, failures=row[4], attempts=row[5], losses=row[6])

    def demand(self, holds: bool, what: str) -> None:
        if not holds:
            raise Violation(what)

    # --- slots

    def key_of(self, definition_id: int, member_id: int, window_id: int) -> K:
        """By what a slot is known."""
        raise NotImplementedError

    def slot_born(self, number: int, row: Row) -> Slot[K]:
        _, _, definition_id, member_id, window_id, state, *_ = row
        key = self.key_of(definition_id, member_id, window_id)
        self.demand(key not in self.by_key, f"[S1] {key} exists twice")
        self.demand(state == SlotState.OPEN, f"[S4] {key} was born {SlotState(state).word}")
        slot = Slot(id=number, key=key, definition_id=definition_id, state=SlotState(state))
        self.slots[number] = self.by_key[key] = slot
        return slot

    def slot_moved(self, slot: Slot[K], old: SlotState, new: SlotState) -> None:
        self.demand(slot.state is old, f"[S4] {slot.key} was {slot.state.word}, not {old.word}")
        slot.state = new
        if old is not new and new is SlotState.SUCCEEDED:
            last = self.runs.get(slot.last or 0)
            self.demand(
                last is not None and last.status is RunStatus.SUCCESS,
                f"[S15] {slot.key} succeeded without a run that did",
            )

    def _count_loss(self, slot: Slot[K], losses: int) -> None:
        """A run that its agent does not know any more counts as an agent lost, if that was restarted since: which is
        what we cannot know where the server has died before its answer.
        """
        if slot.given_back and losses == slot.losses + 1:
            slot.losses, slot.given_back = losses, False

    def slot_gone(self, slot: Slot[K]) -> None:
        del self.by_key[slot.key]

    def settled(self, slot: Slot[K], *, failures: int, attempts: int, losses: int) -> None:
        """What the slot's row counts must be what its runs say."""
        counted = (slot.fails, slot.losses, slot.attempts)
        self.demand(
            (failures, losses, attempts) == counted,
            f"[S12] {slot.key} counts {failures} failures, {losses} losses and {attempts} attempts, not {counted}",
        )

    # --- runs

    def run_born(self, number: int, row: Row) -> Run:
        _, _, slot_id, attempt, status, epoch, created_by, *_ = row
        slot = self.slots[slot_id]
        name = f"run {number} of {slot.key}"
        self.demand(status == RunStatus.WAITING, f"[S4] {name} was born {RunStatus(status).word}")
        self.demand(slot.live is None, f"[S5] {name} was born beside run {slot.live}")
        self.demand(
            attempt == slot.attempts + 1, f"[S12] {name} is attempt {attempt}, not {slot.attempts + 1}"
        )
        last = self.runs.get(slot.last or 0)
        if created_by == CreatedBy.OPERATOR:
            slot.fails = slot.losses = 0
        elif slot.state is SlotState.ACTIVE:
            self.demand(
                last is not None and last.status in (RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.RELEASED),
                f"[S13] {name} follows one that is {last.status.word if last else 'missing'}",
            )
            assert last is not None
            self.retried(slot, last, name)
        else:
            if slot.state is not SlotState.OPEN:
                self.demand(self.wants_reruns(slot), f"[S5] {name} follows a slot that is {slot.state.word}")
            self.started(slot, name)
            slot.fails = slot.losses = 0
        slot.attempts, slot.live, slot.last, slot.given_back = attempt, number, number, False
        run = Run(id=number, slot=slot_id, attempt=attempt, status=RunStatus.WAITING, epoch=epoch)
        self.runs[number] = run
        return run

    def wants_reruns(self, slot: Slot[K]) -> bool:
        """Whether the engine may start a decided slot again."""
        raise NotImplementedError

    def retried(self, slot: Slot[K], last: Run, name: str) -> None:
        """The engine has made another run after a failure."""

    def started(self, slot: Slot[K], name: str) -> None:
        """The engine has made the first run of a series."""

    def run_moved(self, run: Run, row: Row) -> None:
        _, _, old, new, old_epoch, epoch, beaten, cancel, agent = row
        before, after = RunStatus(old), RunStatus(new)
        slot = self.slots[run.slot]
        name = f"run {run.id} of {slot.key}"
        self.demand(before is run.status, f"[S4] {name} was {run.status.word}, not {before.word}")
        run.cancel = bool(cancel)
        if before is after:
            self.demand(epoch == old_epoch, f"[S7] {name} changed its epoch and nothing else")
            if beaten:
                self.demand(before is RunStatus.RUNNING, f"[S8] {name} was prolonged while {before.word}")
                self.beaten(run, name)
            return
        self.demand(after in RUN_TRANSITIONS[before], f"[S4] {name} went from {before.word} to {after.word}")
        run.status = after
        if after is RunStatus.RUNNING:
            self.demand(epoch > old_epoch, f"[S7] {name} was claimed with epoch {epoch} after {old_epoch}")
            run.epoch, run.agent = epoch, agent
            self.claimed(run, slot, name)
            return
        self.demand(epoch == old_epoch, f"[S7] {name} ended, and its epoch changed")
        slot.live = None
        match after:
            case RunStatus.SUCCESS:
                slot.fails = slot.losses = 0
            case RunStatus.FAILED:
                slot.fails, slot.losses = slot.fails + 1, 0
            case RunStatus.TIMEOUT:
                slot.fails, slot.losses = slot.fails + 1, slot.losses + 1
            case RunStatus.RELEASED:
                slot.given_back = True
        self.ended(run, slot, name)

    def claimed(self, run: Run, slot: Slot[K], name: str) -> None:
        """An agent has got it."""

    def beaten(self, run: Run, name: str) -> None:
        """Its heartbeat has changed."""

    def ended(self, run: Run, slot: Slot[K], name: str) -> None:
        """It has come to its final status."""

    def run_gone(self, run: Run) -> None:
        slot = self.slots.get(run.slot)
        if slot is not None and slot.live == run.id:
            slot.live = None
