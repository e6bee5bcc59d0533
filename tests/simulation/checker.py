"""The invariants, checked after every commit and every pass, against what the triggers and the witness have written.

Names in brackets, such as [S3], are those of the reliability study. Nothing here asks the product what is right.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from conductor_agent import model as agent_model
from conductor_server.engine.reconciler import Pass
from conductor_server.model.states import (
    RUN_TRANSITIONS,
    Disposition,
    Outcome,
    RunStatus,
    SlotState,
)
from conductor_server.rpc.agent_requests import Beats, Reports, Request
from conductor_server.store import agents
from conductor_server.store.completions import Recorded, Report
from conductor_server.store.leases import Lease
from tests.simulation.oracle import Oracle, SlotKey
from tests.simulation.scenario import Scenario
from tests.simulation.store import SimulatedDatabase
from tests.simulation.timeline import Timeline
from tests.support import history
from tests.support.history import History, Row, Run, Violation

LOSSES_MAX = 3


Slot = history.Slot[SlotKey]


@dataclass(slots=True, kw_only=True)
class Hearing:
    """What is known of a run beyond its row. ``heard``: true time, and the server's up-time then, of its last
    heartbeat; ``ended_at``: by the server's clock.
    """

    claimed_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    heard: float = 0.0
    heard_up: float = 0.0
    heard_disturbed: int = 0
    heard_crept: float = 0.0


@dataclass(slots=True, kw_only=True)
class Process:
    """A command that the witness has seen begin."""

    agent: str
    slot: str
    lease: tuple[int, int]


@dataclass(slots=True)
class Context:
    """What the server is doing, so that a change can be put down to somebody who may make it."""

    what: str = "start"
    requests: Sequence[Request] = ()
    agent: str = ""
    held: frozenset[int] = frozenset()
    epoch: int | None = None


@dataclass(slots=True)
class Seen:
    """What a seed has come by, for the report and for the test that two runs of it are the same."""

    counts: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)


class Checker(History[SlotKey]):
    """Told of everything; raises ``Violation``."""

    def __init__(
        self, scenario: Scenario, timeline: Timeline, database: SimulatedDatabase, oracle: Oracle
    ) -> None:
        super().__init__()
        self.scenario = scenario
        self.seen = Seen()
        self.heard: dict[int, Hearing] = {}
        self.live_processes: dict[tuple[int, int], Process] = {}
        self._timeline = timeline
        self._database = database
        self.oracle = oracle
        self.context = Context()
        self._claims_seen = 0
        self._claims: dict[tuple[int, int], str] = {}
        self._ended: dict[tuple[int, int], agent_model.Outcome] = {}
        self._began: dict[tuple[int, int], dt.datetime] = {}
        self._worked: dict[tuple[str, str], list[dt.datetime]] = {}
        self._applied: dict[str, RunStatus] = {}
        self._names: dict[tuple[int, int], tuple[str, str]] = {}
        self._windows: dict[int, tuple[dt.datetime, dt.datetime]] = {}
        self._closed_until = oracle.earliest
        self._up_since: float | None = None
        self._up_total = 0.0
        self.disturbed = 0
        self.crept = 0.0  # seconds by which the clock has leapt ahead in leaps too small to be noticed
        self.violated: Violation | None = None  # kept, since the engine survives whatever a step raises
        self.paused: set[str] = set()
        self.absent: set[str] = set()
        definitions = scenario.declared.definitions
        self._sources = {each.name: each.source for each in definitions}
        self._limits = {each.name: each.concurrency.definition for each in definitions}
        self._pools = {each.name: each.pools for each in definitions}

    # --- the server's life

    def available(self, yes: bool) -> None:
        """From now on the server can, or cannot, hear its agents."""
        self.disturbed += 1
        if yes and self._up_since is None:
            self._up_since = self._timeline.true
        elif not yes and self._up_since is not None:
            self._up_total += self._timeline.true - self._up_since
            self._up_since = None

    def _up(self) -> float:
        since = 0.0 if self._up_since is None else self._timeline.true - self._up_since
        return self._up_total + since

    def doing(
        self,
        what: str,
        requests: Sequence[Request] = (),
        *,
        agent: str = "",
        held: Collection[int] = (),
        epoch: int | None = None,
    ) -> None:
        self.context = Context(what, requests, agent, frozenset(held), epoch)

    # --- commits

    def committed(self, rows: Sequence[Row]) -> None:
        self.seen.log += [f"{self._timeline.true:.3f} {row}" for row in rows]
        self._claims_seen = 0
        self.follow(rows)
        if self.context.what == "engine" and not self.scenario.all_lead:
            ((epoch,),) = self._database.rows("SELECT epoch FROM command_leader")
            self.demand(
                self.context.epoch == epoch,
                f"[S20] an engine of epoch {self.context.epoch} wrote in epoch {epoch}",
            )
        if self._claims_seen:
            self._check_limits()

    def demand(self, holds: bool, what: str) -> None:
        if not holds:
            self.violated = self.violated or Violation(f"{what} (at {self._timeline.true:.0f} s)")
            raise self.violated

    def key_of(self, definition_id: int, member_id: int, window_id: int) -> SlotKey:
        return SlotKey(*self._name(definition_id, member_id), *self._window(window_id))

    def slot_born(self, number: int, row: Row) -> Slot:
        slot = super().slot_born(number, row)
        self.demand(slot.key in self.oracle.slots, f"[S2] {slot.key} should not exist")
        self.absent.discard(slot.key.account)
        self.seen.counts["slots"] += 1
        return slot

    def slot_moved(self, slot: Slot, old: SlotState, new: SlotState) -> None:
        super().slot_moved(slot, old, new)
        if old is new:
            return
        self.seen.counts[f"slot {new.word}"] += 1
        if new is SlotState.FAILED:
            self.demand(
                slot.fails == self.scenario.settings.retries.attempts_max,
                f"[S12] {slot.key} failed for good after {slot.fails} failed runs",
            )
        if new is SlotState.QUARANTINED:
            self.demand(
                slot.losses >= LOSSES_MAX, f"[S12] {slot.key} in quarantine after {slot.losses} losses"
            )

    def slot_gone(self, slot: Slot) -> None:
        super().slot_gone(slot)
        self.absent.add(slot.key.account)  # nothing but the removal of an account deletes slots here

    # --- runs

    def run_born(self, number: int, row: Row) -> Run:
        self.heard[number] = Hearing()
        self.seen.counts["runs"] += 1
        return super().run_born(number, row)

    def wants_reruns(self, slot: Slot) -> bool:
        return self.oracle.declared[slot.key.definition].policy == "after_success_and_reruns"

    def retried(self, slot: Slot, last: Run, name: str) -> None:
        retries = self.scenario.settings.retries
        if last.status is not RunStatus.RELEASED:
            self.demand(slot.fails < retries.attempts_max, f"[S12] {name} follows {slot.fails} failures")
            now = self._timeline.now()
            waited = now - (self.heard[last.id].ended_at or now)
            self.demand(waited >= retries.delay, f"[S12] {name} comes {waited} after its failure")

    def started(self, slot: Slot, name: str) -> None:
        self.demand(self._timeline.now() >= slot.key.end, f"[S3] {name} was born before its window closed")
        self._check_parents(name, slot)

    def _check_parents(self, name: str, slot: Slot) -> None:
        policy = self.oracle.declared[slot.key.definition].policy
        wanted = SlotState.FAILED if policy == "after_failure" else SlotState.SUCCEEDED
        for needed in self._needs(slot):
            parent = self.by_key.get(needed)
            state = "missing" if parent is None else parent.state.word
            self.demand(
                parent is not None and parent.state is wanted,
                f"[S3] {name} was born while {needed} is {state}",
            )
        if self.oracle.declared[slot.key.definition].serial:
            earlier = self.earlier(slot)
            self.demand(not earlier, f"[S3] {name} was born before its turn: {earlier[:1]}")

    def removed(self, account: str) -> None:
        """It is listed no more. Slots that it has tell when that is carried out; one without any never was there."""
        if not any(key.account == account for key in self.by_key):
            self.absent.add(account)

    def _needs(self, slot: Slot) -> list[SlotKey]:
        return [needed for needed in self.oracle.needs(slot.key) if needed.account not in self.absent]

    def earlier(self, slot: Slot) -> list[Slot]:
        """Slots of the same definition and member that come before, and are not decided."""
        return [
            other
            for other in self.slots.values()
            if (other.key.definition, other.key.account) == (slot.key.definition, slot.key.account)
            and other.key.start < slot.key.start
            and other.state in (SlotState.OPEN, SlotState.ACTIVE)
        ]

    def claimed(self, run: Run, slot: Slot, name: str) -> None:
        self.demand(self.context.what == "group", f"[S8] {name} was claimed by {self.context.what}")
        definition = slot.key.definition
        source = self._sources[definition]
        limits = self.scenario.agents.get(run.agent, {})
        self.demand(definition not in self.paused, f"[S19] {name} was claimed while {definition} is paused")
        self.demand(source in limits, f"[S17] {name} went to {run.agent}, which has no {source}")
        self.heard[run.id].claimed_at = self._timeline.now()
        self._heard(run)
        self._claims[run.id, run.epoch] = run.agent
        self._claims_seen += 1
        self.seen.counts["claims"] += 1

    def ended(self, run: Run, slot: Slot, name: str) -> None:
        self.heard[run.id].ended_at = self._timeline.now()
        self.seen.counts[f"run {run.status.word}"] += 1
        match run.status:
            case RunStatus.SUCCESS:
                self._reported(run, name, (agent_model.Outcome.SUCCEEDED,))
            case RunStatus.FAILED:
                self._reported(run, name, (agent_model.Outcome.FAILED, agent_model.Outcome.TIMED_OUT))
            case RunStatus.TIMEOUT:
                self._timed_out(run, name)
            case RunStatus.RELEASED:
                self._released(run, name)
            case RunStatus.CANCELLED:
                self.demand(
                    run.cancel or self._report_of(run) is not None, f"[S13] {name} was cancelled by nobody"
                )

    def _heard(self, run: Run) -> None:
        heard = self.heard[run.id]
        heard.heard, heard.heard_up = self._timeline.true, self._up()
        heard.heard_disturbed, heard.heard_crept = self.disturbed, self.crept

    def beaten(self, run: Run, name: str) -> None:
        if self.context.what == "engine":
            return  # the clock was set back
        held = (run.id, run.epoch, run.agent)
        named = {
            (beat.lease.run_id, beat.lease.epoch, request.agent)
            for request in self.context.requests
            if isinstance(request, Beats)
            for beat in request.beats
        }
        registering = self.context.what == "register" and self.context.agent == run.agent
        self.demand(
            held in named or (registering and run.id in self.context.held),
            f"[S8] {name} was prolonged by nobody who holds it",
        )
        self._heard(run)

    def _report_of(self, run: Run) -> Report | None:
        """The report in the present group that may end this run."""
        for request in self.context.requests:
            if isinstance(request, Reports):
                for report in request.reports:
                    if (report.lease.run_id, report.lease.epoch, report.agent) == (
                        run.id,
                        run.epoch,
                        run.agent,
                    ):
                        return report
        return None

    def _reported(self, run: Run, name: str, outcomes: tuple[agent_model.Outcome, ...]) -> None:
        report = self._report_of(run)
        self.demand(report is not None, f"[S8] {name} became {run.status.word} by no report of its holder")
        assert report is not None
        witnessed = self._ended.get((run.id, run.epoch))
        self.demand(
            witnessed in outcomes, f"[S15] {name} became {run.status.word}, and the witness saw {witnessed}"
        )
        self._applied[report.completion_id] = run.status

    def _released(self, run: Run, name: str) -> None:
        report = self._report_of(run)
        if report is not None and report.outcome is Outcome.RELEASED:
            self._applied[report.completion_id] = run.status
            return
        if self.context.what == "register":
            held = self.context.agent != run.agent or run.id in self.context.held
        else:
            beats = [each for each in self.context.requests if isinstance(each, Beats)]
            missing = [
                each
                for each in beats
                if each.agent == run.agent and run.id not in {beat.lease.run_id for beat in each.beats}
            ]
            held = not missing
        self.demand(not held, f"[S8] {name} was released though its agent has it")

    def _timed_out(self, run: Run, name: str) -> None:
        heard = self.heard[run.id]
        silent = self._timeline.true - heard.heard
        unheard = self._up() - heard.heard_up
        settings = self.scenario.settings
        grace = max(2 * settings.heartbeat_interval, settings.outage_gap).total_seconds()
        self.demand(
            not self.scenario.agents_are_well, f"[S11] {name} timed out, and its agent has always been well"
        )
        self.demand(
            unheard >= min(grace, settings.timeout.total_seconds()) - (self.crept - heard.heard_crept),
            f"[S11] {name} timed out after {unheard:.0f} s in which it could have been heard",
        )
        if heard.heard_disturbed == self.disturbed:
            self.demand(
                silent >= settings.timeout.total_seconds(), f"[S11] {name} timed out after {silent:.0f} s"
            )

    def _check_limits(self) -> None:
        running = Counter(
            self.slots[run.slot].key.definition
            for run in self.runs.values()
            if run.status is RunStatus.RUNNING
        )
        pools: Counter[str] = Counter()
        for name, number in running.items():
            limit = self._limits[name]
            self.demand(limit is None or number <= limit, f"[S16] {number} runs of {name} at once")
            for pool in self._pools[name]:
                pools[pool] += number
        for pool, number in pools.items():
            places = self.scenario.declared.pools[pool]
            self.demand(number <= places, f"[S16] {number} runs in the pool of {places}")

    # --- answers

    def answered(self, requests: Sequence[Request], answers: Sequence[Any]) -> None:
        now = self._timeline.now()
        lost_after = 2 * self.scenario.settings.heartbeat_interval
        for request, answer in zip(requests, answers, strict=True):
            if not isinstance(request, Beats) or isinstance(answer, Exception):
                continue
            held = {beat.lease.run_id for beat in request.beats}
            for run in self.runs.values():
                if run.agent == request.agent and run.status is RunStatus.RUNNING and run.id not in held:
                    claimed_at = self.heard[run.id].claimed_at
                    assert claimed_at is not None
                    self.demand(
                        claimed_at >= now - lost_after, f"[L4] run {run.id} is lost, and was not released"
                    )

    def registered(self, registration: agents.Registration, held: Sequence[Lease]) -> None:
        mine = {lease.run_id for lease in held}
        for run in self.runs.values():
            if run.agent == registration.name and run.status is RunStatus.RUNNING:
                self.demand(run.id in mine, f"[L4] run {run.id} is lost, and was not released")

    def acknowledged(self, report: Report, recorded: Recorded) -> None:
        self.seen.counts[f"answered {recorded.disposition}"] += 1
        run = self.runs.get(report.lease.run_id)
        name = f"report {report.completion_id} of run {report.lease.run_id}"
        known = self._applied.get(report.completion_id)
        match recorded.disposition:
            case Disposition.APPLIED:
                if report.outcome is not Outcome.CANCELLED:
                    self.demand(run is None or known is not None, f"[S9] {name} was answered and is lost")
                self.demand(
                    run is None or run.status is recorded.status, f"[S9] {name} was answered and is lost"
                )
            case Disposition.DUPLICATE:
                self.demand(
                    run is not None and run.status is recorded.status, f"[S10] {name}: another answer"
                )
            case Disposition.LATE | Disposition.FENCED:
                self.demand(known is None, f"[S10] {name} was applied, and is {recorded.disposition}")
            case Disposition.REMOVED:
                self.demand(run is None, f"[S18] {name}: it is not removed")

    def ticked(self, done: Pass) -> None:
        self.seen.counts["passes"] += 1
        self.demand(not done.failed, f"a step failed: {done.problems}")
        now = self._timeline.now()
        if now <= self._closed_until:
            return
        for key in self.oracle.closed(self._closed_until, now):
            self.demand(key in self.by_key or key.account in self.absent, f"[S2] {key} does not exist")
        self._closed_until = now

    # --- the witness

    def command_began(self, agent: str, run: agent_model.Run) -> None:
        lease = (run.lease.run_id, run.lease.epoch)
        name = f"run {run.lease} of {run.slot}"
        self.seen.counts["begun"] += 1
        self.demand(self._claims.get(lease) == agent, f"[S15] {name} began on {agent} without a claim")
        self.demand(
            lease not in self.live_processes and lease not in self._ended, f"[S14] {name} began twice"
        )
        for other in self.live_processes.values():
            if other.slot == run.slot:
                known = self.runs.get(other.lease[0])
                self.demand(
                    known is None or not RUN_TRANSITIONS[known.status], f"[S14] {name} runs beside {other}"
                )
        self.live_processes[lease] = Process(agent=agent, slot=run.slot, lease=lease)
        self._began[lease] = self._timeline.now()

    def command_ended(self, agent: str, run: agent_model.Run, outcome: agent_model.Outcome) -> None:
        lease = (run.lease.run_id, run.lease.epoch)
        del self.live_processes[lease]
        self._ended[lease] = outcome
        if outcome is agent_model.Outcome.SUCCEEDED:
            self._worked.setdefault((run.definition, run.member.token), []).append(self._began[lease])

    # --- after the faults

    def unsettled(self, due_by: dt.datetime) -> list[str]:
        """Slots that fell due by then, are not decided, and wait for nothing that could not come [L5]."""
        return [
            f"{slot.key} is {slot.state.word}"
            for slot in self.slots.values()
            if slot.key.end <= due_by
            and slot.state in (SlotState.OPEN, SlotState.ACTIVE)
            and not self._stuck(slot)
        ]

    def _stuck(self, slot: Slot) -> bool:
        """Whether an open slot waits for a decided one that will not be what it needs."""
        if slot.state is not SlotState.OPEN:
            return False
        declared = self.oracle.declared[slot.key.definition]
        wanted = SlotState.FAILED if declared.policy == "after_failure" else SlotState.SUCCEEDED
        for needed in self._needs(slot):
            parent = self.by_key[needed]
            if parent.state in (SlotState.OPEN, SlotState.ACTIVE):
                if self._stuck(parent):
                    return True
            elif parent.state is not wanted:
                return True
        return declared.serial and any(map(self._stuck, self.earlier(slot)))

    def orphans(self) -> list[Process]:
        """Commands that run though nobody wants them to."""
        return [
            process
            for lease, process in self.live_processes.items()
            if (run := self.runs.get(lease[0])) is None
            or run.status is not RunStatus.RUNNING
            or run.epoch != lease[1]
        ]

    def check_orphans(self) -> None:
        """[L9] What still runs is what should."""
        self.demand(not self.orphans(), f"[L9] {self.orphans()} still run")

    def check_schedule(self, due_by: dt.datetime) -> None:
        """[C1, C2, C4] What the witness saw, put to what was declared, without looking at which slot a command was for.

        Each window needs a command of its own that began after it had closed and succeeded. In the order of their ends
        each takes the earliest that is left, which is the best there is. More may run than are needed only where a run
        can be lost with its agent, or somebody asks for another.
        """
        faults = self.scenario.faults
        if faults & {
            "leap",
            "remove",
        }:  # nobody can say then when a window had closed, or whether it was needed
            return
        targets: dict[tuple[str, str], list[dt.datetime]] = {}
        others: set[tuple[str, str]] = set()
        for slot in self.slots.values():
            pair = (slot.key.definition, slot.key.account or "default")
            if slot.key.end > due_by:
                continue
            targets.setdefault(pair, []).append(slot.key.end)
            if slot.state is not SlotState.SUCCEEDED or self.wants_reruns(slot):
                others.add(pair)
        for pair in targets.keys() - others:
            begun = sorted(self._worked.get(pair, []))
            for end in sorted(targets[pair]):
                fitting = next((index for index, at in enumerate(begun) if at >= end), None)
                self.demand(fitting is not None, f"[C1] nothing succeeded for {pair} after {end}")
                assert fitting is not None
                del begun[fitting]
            left = [at for at in begun if at <= due_by]
            doubled = "operator" in faults or not self.scenario.agents_are_well
            self.demand(doubled or not left, f"[C2] more of {pair} succeeded than was needed: {left}")
            self.seen.counts["matched"] += len(targets[pair])

    def check_rows(self) -> None:
        """[L7] The rows are what their log says; nothing refers to what is gone [S18]."""
        slots: dict[int, int] = dict(self._database.rows("SELECT id, state FROM command_slot"))
        runs: dict[int, int] = dict(self._database.rows("SELECT id, status FROM command_run"))
        self.demand(slots == {each.id: each.state for each in self.slots.values()}, "[L7] slots")
        self.demand(runs == {each.id: each.status for each in self.runs.values()}, "[L7] runs")
        dangling = self._database.rows("PRAGMA foreign_key_check")
        self.demand(not dangling, f"[S18] {dangling}")

    # --- underneath

    def _name(self, definition_id: int, member_id: int) -> tuple[str, str]:
        key = (definition_id, member_id)
        if key not in self._names:
            sql = "SELECT d.name, m.path FROM command_definition d, command_member m WHERE d.id = ? AND m.id = ?"
            (row,) = self._database.rows(sql, definition_id, member_id)
            self._names[key] = (row[0], row[1])
        return self._names[key]

    def _window(self, window_id: int) -> tuple[dt.datetime, dt.datetime]:
        if window_id not in self._windows:
            for number, start, end in self._database.rows(
                "SELECT id, starts_at, ends_at FROM command_window"
            ):
                self._windows[number] = (_instant(start), _instant(end))
        return self._windows[window_id]


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
