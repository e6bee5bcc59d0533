"""One seed from its beginning to its end: faults, then none; safety all the time, liveness after them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import sqlalchemy as sa

from conductor_agent.model import Outcome
from conductor_server.engine import operations
from conductor_server.engine.operations import Operator
from conductor_server.model.definition import Definition
from conductor_server.model.errors import ConductorError, StoreUnavailableError
from conductor_server.model.states import Outcome as WireOutcome
from conductor_server.model.states import RunStatus, SlotState, StartPolicy
from conductor_server.store import confirmations, leases
from conductor_server.store.database import Work
from tests.simulation.agent import PAUSE_MAX, SimulatedAgent
from tests.simulation.checker import Checker
from tests.simulation.network import Network
from tests.simulation.oracle import AFTER, BEFORE, Declared, Oracle, first_instant
from tests.simulation.scenario import Scenario, scenario
from tests.simulation.server import SimulatedServer
from tests.simulation.store import Killed, SimulatedDatabase, template
from tests.simulation.timeline import Timeline
from tests.support.history import Violation

FIXPOINT_PASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a seed came by. ``log`` is every change of every row, with its time."""

    seed: int
    counts: Counter[str]
    faults: Counter[str]
    log: list[str]


class Simulation:
    """Everything that a seed needs, put together."""

    def __init__(self, plan: Scenario) -> None:
        self.plan = plan
        self.rng = Random(plan.seed)
        self.faults: Counter[str] = Counter()
        self.timeline = Timeline(plan.begin)
        self.database = SimulatedDatabase(template())
        self.network = Network(self.timeline, self._part(), plan.faults, self.faults)
        self.checker = Checker(plan, self.timeline, self.database, oracle_of(plan))
        self.server = SimulatedServer(
            database=self.database,
            timeline=self.timeline,
            network=self.network,
            settings=plan.settings,
            watcher=self.checker,
            rng=self._part(),
            declared=plan.declared,
        )
        self.agents = [
            SimulatedAgent(
                name,
                limits,
                timeline=self.timeline,
                network=self.network,
                server=self.server,
                witness=self.checker,
                rng=self._part(),
                heartbeat_interval=plan.settings.heartbeat_interval.total_seconds(),
                pause_max=PAUSE_MAX * plan.scale,
                ending=self._ending,
            )
            for name, limits in plan.agents.items()
        ]
        self.healed = False
        self.away_until = 0.0
        self.commits_left: int | None = None
        self.after = False
        self.database.committed = self.checker.committed
        self.database.before_commit = self._before_commit
        self.database.after_commit = self._after_commit

    def _part(self) -> Random:
        """Its own source of chance for each part, so that one more draw here changes nothing there."""
        return Random(self.rng.getrandbits(64))

    def run(self) -> Result:
        self._start_server()
        for agent in self.agents:
            agent.start()
        if self.plan.faults:
            self._next_fault()
        self._pass_time(until=self.plan.faulty)
        self._heal()
        self._come_to_rest()
        self.database.close()
        return Result(
            seed=self.plan.seed,
            counts=self.checker.seen.counts,
            faults=self.faults,
            log=self.checker.seen.log,
        )

    def _pass_time(self, *, until: float) -> None:
        while self.timeline.step(until):
            if self.checker.violated:
                raise self.checker.violated

    # --- commands

    def _ending(self) -> tuple[float, Outcome]:
        """After the faults commands are short: with limits and long ones new windows could outrun the old."""
        longest = 60.0 * self.plan.scale if self.healed else self.plan.longest_run
        duration = self.rng.uniform(1, longest)
        if not self.healed and "fail" in self.plan.faults and self.rng.random() < self.plan.failing:
            self.faults["fail"] += 1
            return duration, Outcome.FAILED
        return duration, Outcome.SUCCEEDED

    # --- faults

    def _next_fault(self) -> None:
        self.timeline.after(self.rng.expovariate(1 / self.plan.fault_every), self._fault)

    def _fault(self) -> None:
        if self.healed:
            return
        kinds = {
            "partition": self._partition,
            "kill agent": self._kill_agent,
            "kill machine": self._kill_machine,
            "kill server": self._kill_server,
            "kill at commit": self._kill_at_commit,
            "outage": self._outage,
            "leap": self._leap,
            "operator": self._operator,
            "pause": self._pause,
            "remove": self._remove,
            "stray": self._stray,
        }
        possible = [kind for kind in kinds if kind in self.plan.faults]
        if possible:
            kind = self.rng.choice(possible)
            self.faults[kind] += 1
            kinds[kind]()
        self._next_fault()

    def _partition(self) -> None:
        name = self.rng.choice(self.agents).name
        self.network.parted.add(name)
        self.timeline.after(
            self.rng.uniform(30, 7200) * self.plan.scale, lambda: self.network.parted.discard(name)
        )

    def _kill_agent(self) -> None:
        self._take_down(self.rng.choice(self.agents), machine=False)

    def _kill_machine(self) -> None:
        self._take_down(self.rng.choice(self.agents), machine=True)

    def _take_down(self, agent: SimulatedAgent, *, machine: bool) -> None:
        if agent.up:
            agent.kill(machine=machine)
            self.timeline.after(
                self.rng.choice((1, 60, 1800, 7200)) * self.rng.uniform(0.5, 1.5) * self.plan.scale,
                _starter(agent),
            )

    def _kill_server(self) -> None:
        self.server.kill()
        self._server_is_down()

    def _server_is_down(self) -> None:
        self.checker.available(False)
        self.timeline.after(
            self.rng.choice((1, 60, 600, 1800, 5400)) * self.rng.uniform(0.5, 1.5) * self.plan.scale,
            self._start_server,
        )

    def _start_server(self) -> None:
        if not self.server.up:
            self.server.start()
            self.checker.available(self.timeline.true >= self.away_until)

    def _kill_at_commit(self) -> None:
        self.commits_left, self.after = self.rng.randrange(1, 30), self.rng.random() < 0.5

    def _outage(self) -> None:
        seconds = self.rng.choice((10, 300, 2400)) * self.rng.uniform(0.5, 1.5) * self.plan.scale
        self.away_until = self.timeline.true + seconds
        self.checker.available(False)
        self.timeline.after(seconds, self._database_is_back)

    def _database_is_back(self) -> None:
        if self.server.up and self.timeline.true >= self.away_until:
            self.checker.available(True)

    def _leap(self) -> None:
        minutes = self.rng.choice((-90, -20, -2, 2, 20, 90)) * self.rng.uniform(0.5, 1.5)
        by = dt.timedelta(minutes=minutes) * self.plan.scale
        self.checker.disturbed += 1
        if dt.timedelta(0) < by <= self.plan.settings.outage_gap:
            self.checker.crept += by.total_seconds()
        self.timeline.leap(by)

    def _operator(self) -> None:
        """Somebody asks for something, with or without a reason."""
        by = Operator(name="somebody", now=self.timeline.now())
        slots = [slot for slot in self.checker.slots.values() if slot.key.end <= by.now]
        if not slots:
            return
        slot = self.rng.choice(slots)
        match self.rng.choice(("rerun", "rerun", "cancel", "release", "discard")):
            case "rerun":
                self._ask(lambda db: operations.rerun(db, slot.id, str(slot.key), by))
            case "cancel":
                live = [each.live for each in slots if each.live is not None]
                if live:
                    run_id = self.rng.choice(live)
                    self._ask(lambda db: operations.cancel(db, run_id, by))
            case "release":
                shut = [each for each in slots if each.state is SlotState.QUARANTINED] or [slot]
                self._ask(lambda db: operations.release(db, shut[0].id, str(shut[0].key), by))
            case "discard":
                self._ask(lambda db: operations.discard(db, slot.id, str(slot.key), by))

    def _ask(self, work: Work[Any]) -> bool:
        """Like ControlService: whatever cannot be done is an answer."""
        if not self.server.up:
            return False
        self.checker.doing("operator")
        try:
            self.database.write(work)
        except ConductorError:
            return False
        except Killed:
            self.server.kill()
        return True

    def _pause(self) -> None:
        name = self.rng.choice(self.plan.declared.definitions).name
        if self._set_active(name, active=False):
            self.checker.paused.add(name)
            self.timeline.after(self.rng.uniform(60, 5400) * self.plan.scale, lambda: self._resume(name))

    def _resume(self, name: str) -> None:
        self.checker.paused.discard(name)
        if not self._set_active(name, active=True) and not self.healed:
            self.timeline.after(60, lambda: self._resume(name))

    def _set_active(self, name: str, *, active: bool) -> bool:
        by = Operator(name="somebody", now=self.timeline.now())
        return self._ask(lambda db: operations.set_active(db, name, by, active=active))

    def _remove(self) -> None:
        """The last account is taken out of the file, with consent, and put back later."""
        declared = self.plan.declared
        fewer = replace(declared, accounts=declared.accounts[:-1])
        gone = (declared.accounts[-1].token,)
        key = f"accounts of {declared.source_token}"

        def consent(db: sa.Connection) -> None:
            confirmations.ask(db, key, gone)
            confirmations.give(db, key, count=1)

        if fewer.accounts and self.server.declared == declared and self._ask(consent):
            self.server.declare(fewer)
            self.checker.removed(*gone)
            self.timeline.after(
                self.rng.uniform(600, 5400) * self.plan.scale, lambda: self.server.declare(declared)
            )

    def _stray(self) -> None:
        """A message that somebody ought not to have sent: another epoch, or another agent's run."""
        running = [run for run in self.checker.runs.values() if run.status is RunStatus.RUNNING]
        if not running or not self.server.up:
            return
        run = self.rng.choice(running)
        epoch, agent = self.rng.choice(
            ((run.epoch + 1, run.agent), (run.epoch - 1, run.agent), (run.epoch, self._other_than(run.agent)))
        )
        lease = leases.Lease(run_id=run.id, epoch=epoch)
        if self.rng.random() < 0.5:
            outcome = self.rng.choice((WireOutcome.SUCCEEDED, WireOutcome.FAILED))
            self.server.stray_report(agent, lease, f"stray-{self.faults['stray']}", outcome)
            return
        own = [each for each in running if each.agent == agent and each.id != run.id]
        held = [lease, *(leases.Lease(run_id=each.id, epoch=each.epoch) for each in own)]
        self.server.stray_beat(agent, held)

    def _other_than(self, agent: str) -> str:
        others = [each.name for each in self.agents if each.name != agent]
        return others[0] if others else "nobody"

    def _before_commit(self) -> None:
        if self.timeline.true < self.away_until:
            raise StoreUnavailableError("the database is away, as the scenario says")
        if self.commits_left is not None and not self.after:
            self._count_down()

    def _after_commit(self) -> None:
        if self.commits_left is not None and self.after:
            self._count_down()

    def _count_down(self) -> None:
        assert self.commits_left is not None
        self.commits_left -= 1
        if self.commits_left == 0:
            self.commits_left = None
            self._server_is_down()
            raise Killed

    # --- afterwards

    def _heal(self) -> None:
        self.healed = True
        self.network.faults = frozenset()
        self.network.parted.clear()
        self.away_until, self.commits_left = 0.0, None
        self._start_server()
        self._database_is_back()
        for name in sorted(self.checker.paused):
            self._resume(name)
        self.server.declare(self.plan.declared)
        for agent in self.agents:
            if not agent.up:
                agent.start()
        for link in self.server.links():
            self.network.cut(link)

    def _come_to_rest(self) -> None:
        """Whatever fell due while there were faults is decided within a bound; then nothing is left to do."""
        settings = self.plan.settings
        due_by = self.timeline.now()
        grace = max(2 * settings.heartbeat_interval, settings.outage_gap)
        patience = settings.retries.attempts_max * (settings.timeout + grace + settings.retries.delay)
        deadline = self.timeline.true + patience.total_seconds() + 12 * self.plan.longest_run
        while (left := self.checker.unsettled(due_by)) and self.timeline.true < deadline:
            self._pass_time(until=self.timeline.true + settings.loop_interval.total_seconds())
        if left:
            raise Violation(f"[L5] {len(left)} slots are not decided, such as {left[:3]}")
        heard_by = self.timeline.true + 3 * settings.heartbeat_interval.total_seconds()
        while self.checker.orphans() and self.timeline.true < heard_by:
            self._pass_time(until=self.timeline.true + 60)
        self.checker.check_orphans()
        self._check_fixpoint()
        self.checker.check_rows()

    def _check_fixpoint(self) -> None:
        """[L6] Without time or news a pass writes nothing."""
        while self.server.tick().changed:
            pass
        before = self.database.raw.total_changes
        for _ in range(FIXPOINT_PASSES):
            done = self.server.tick()
            if done.changed or self.database.raw.total_changes != before:
                written = self.database.raw.total_changes - before
                raise Violation(f"[L6] a pass without news changed {done.changed}, {written} rows")


def _starter(agent: SimulatedAgent) -> Callable[[], None]:
    def start() -> None:
        if not agent.up:
            agent.start()

    return start


def oracle_of(plan: Scenario) -> Oracle:
    writers = {table: each.name for each in plan.declared.definitions for table in each.writes_to}
    since = plan.begin.replace(hour=0, minute=0) - BEFORE * plan.scale
    return Oracle(
        [_declared(each, writers) for each in plan.declared.definitions],
        {
            account.token: (account.timezone, first_instant(_date(account.starts_on), account.timezone))
            for account in plan.declared.accounts
        },
        since=since,
        until=plan.begin + dt.timedelta(seconds=plan.faulty) + AFTER * plan.scale,
    )


def _date(value: dt.date | dt.datetime | None) -> dt.date:
    assert value is not None
    assert not isinstance(value, dt.datetime)
    return value


def _declared(definition: Definition, writers: dict[str, str]) -> Declared:
    assert isinstance(definition.starts_on, dt.datetime)
    parents = [writers[read.table] for read in definition.reads_from]
    return Declared(
        name=definition.name,
        frequency=definition.frequency.word,
        policy=StartPolicy(definition.start_policy).word,
        per_account=definition.matrix == "account",
        starts_at=definition.starts_on,
        parents=tuple(parent for parent in parents if parent != definition.name),
        serial=definition.name in parents,
    )


def simulate(seed: int, *, faults: frozenset[str] | None = None, days: int = 0) -> Result:
    """Run one seed. Raises ``Violation``, or whatever the product raised."""
    return Simulation(scenario(seed, faults=faults, days=days)).run()
