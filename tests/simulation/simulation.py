"""One seed from its beginning to its end: faults, then none; safety all the time, liveness after them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import sqlalchemy as sa

from conductor_agent.model import Outcome
from conductor_server.engine import operations
from conductor_server.engine.operations import Operator
from conductor_server.model.definition import Declarations, Definition
from conductor_server.model.errors import ConductorError, StoreUnavailableError
from conductor_server.model.states import Outcome as WireOutcome
from conductor_server.model.states import RunStatus, SlotState, StartPolicy
from conductor_server.store import confirmations, leases
from conductor_server.store.database import Work
from tests.simulation.agent import PAUSE_MAX, SimulatedAgent
from tests.simulation.checker import Checker
from tests.simulation.network import Link, Network
from tests.simulation.oracle import AFTER, BEFORE, Declared, Oracle, first_instant
from tests.simulation.scenario import Scenario, scenario
from tests.simulation.server import SimulatedServer
from tests.simulation.store import Killed, SimulatedDatabase, template
from tests.simulation.timeline import Timeline
from tests.support.history import Row, Violation

FIXPOINT_PASSES = 3
LOOPS_WATCHED = 2
"""After the faults, until a full pass is compared with the others: some runs have ended by then, others have not."""


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
        self.database.committed = self._committed
        self.database.before = self._before
        self.database.before_commit = self._before_commit
        self.database.after_commit = self._after_commit
        self.network = Network(self.timeline, self._part(), plan.faults, self.faults)
        self.checker = Checker(plan, self.timeline, self.database, oracle_of(plan))
        self.servers = [
            SimulatedServer(
                name,
                terms=plan.terms,
                all_lead=plan.all_lead,
                died=self._server_died,
                database=self.database,
                timeline=self.timeline,
                network=self.network,
                settings=plan.settings,
                watcher=self.checker,
                rng=self._part(),
                declared=plan.declared,
            )
            for name in plan.servers
        ]
        self.agents = [
            SimulatedAgent(
                name,
                limits,
                timeline=self.timeline,
                network=self.network,
                server=self,
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
        self.changes = 0
        self.cut_off = ""
        self.freezing: tuple[str, int] | None = None

    def _part(self) -> Random:
        """Its own source of chance for each part, so that one more draw here changes nothing there."""
        return Random(self.rng.getrandbits(64))

    # --- servers, as agents and the store see them

    def dial(self, agent: SimulatedAgent) -> Link | None:
        """Agents know all servers, and try them as chance has it."""
        answering = [server for server in self.servers if server.up]
        if not answering or agent.name in self.network.parted:
            return None
        return self.rng.choice(answering).dial(agent)

    def receive(self, link: Link, agent: SimulatedAgent, kind: str, message: object) -> None:
        for server in self.servers:
            if server.name == link.server:
                server.receive(link, agent, kind, message)

    def _committed(self, rows: Sequence[Row]) -> None:
        self.checker.committed(rows)

    def _tell_availability(self) -> None:
        """Agents can be heard while some server is at work and reaches the store."""
        heard = any(
            server.up and not server.frozen and server.name != self.cut_off for server in self.servers
        )
        self.checker.available(heard and self.timeline.true >= self.away_until)

    def _some_server(self) -> SimulatedServer | None:
        up = [server for server in self.servers if server.up and not server.frozen]
        return self.rng.choice(up) if up else None

    def run(self) -> Result:
        for server in self.servers:
            self._start(server)
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
            "freeze": self._freeze,
            "cut off": self._cut_off,
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
        if (server := self._leader_or_other()) is not None:
            server.kill()

    def _leader_or_other(self) -> SimulatedServer | None:
        """Rather the leader, where there is one."""
        leading = [server for server in self.servers if server.up and server.epoch is not None]
        return leading[0] if leading and self.rng.random() < 0.7 else self._some_server()

    def _server_died(self) -> None:
        self._tell_availability()
        self.timeline.after(
            self.rng.choice((1, 60, 600, 1800, 5400)) * self.rng.uniform(0.5, 1.5) * self.plan.scale,
            self._start_servers,
        )

    def _start_servers(self) -> None:
        for server in self.servers:
            self._start(server)

    def _start(self, server: SimulatedServer) -> None:
        if not server.up and not server.frozen:
            server.start()
            self._tell_availability()

    def _freeze(self) -> None:
        """The process stops, as by SIGSTOP, in the midst of a pass or of a group, and goes on later."""
        if (server := self._leader_or_other()) is not None:
            self.freezing = server.name, self.rng.randrange(1, 30)

    def _cut_off(self) -> None:
        """One server does not reach the store, and the others do."""
        self.cut_off = self.rng.choice(self.servers).name
        self._tell_availability()
        self.timeline.after(
            self.rng.choice((60, 600, 2400)) * self.rng.uniform(0.5, 1.5) * self.plan.scale, self._reconnect
        )

    def _reconnect(self) -> None:
        self.cut_off = ""
        self._tell_availability()

    def _kill_at_commit(self) -> None:
        """One of the next transactions that change something: most do not."""
        self.commits_left, self.after = self.rng.randrange(1, 8), self.rng.random() < 0.5

    def _outage(self) -> None:
        seconds = self.rng.choice((10, 300, 2400)) * self.rng.uniform(0.5, 1.5) * self.plan.scale
        self.away_until = self.timeline.true + seconds
        self._tell_availability()
        self.timeline.after(seconds, self._tell_availability)

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
        """Like ControlService: whatever cannot be done is an answer. Whether it was done, heard of or not."""
        server = self._some_server()
        if server is None:
            return False
        self.checker.doing("operator")
        try:
            server.database.write(work)
        except ConductorError:
            return False
        except Killed as killed:
            server.kill()
            return killed.committed
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

        if fewer.accounts and self.servers[0].declared == declared and self._ask(consent):
            self._declare(fewer)
            self.checker.removed(*gone)
            self.timeline.after(
                self.rng.uniform(600, 5400) * self.plan.scale, lambda: self._declare(declared)
            )

    def _declare(self, declared: Declarations) -> None:
        """The file that all servers watch says so from now on."""
        for server in self.servers:
            server.declare(declared)

    def _stray(self) -> None:
        """A message that somebody ought not to have sent: another epoch, or another agent's run."""
        running = [run for run in self.checker.runs.values() if run.status is RunStatus.RUNNING]
        server = self._some_server()
        if not running or server is None:
            return
        run = self.rng.choice(running)
        epoch, agent = self.rng.choice(
            ((run.epoch + 1, run.agent), (run.epoch - 1, run.agent), (run.epoch, self._other_than(run.agent)))
        )
        lease = leases.Lease(run_id=run.id, epoch=epoch)
        if self.rng.random() < 0.5:
            outcome = self.rng.choice((WireOutcome.SUCCEEDED, WireOutcome.FAILED))
            server.stray_report(agent, lease, f"stray-{self.faults['stray']}", outcome)
            return
        own = [each for each in running if each.agent == agent and each.id != run.id]
        held = [lease, *(leases.Lease(run_id=each.id, epoch=each.epoch) for each in own)]
        server.stray_beat(agent, held)

    def _other_than(self, agent: str) -> str:
        others = [each.name for each in self.agents if each.name != agent]
        return others[0] if others else "nobody"

    def _before(self, owner: str) -> None:
        self._perhaps_stand_still(owner)
        self.changes = self.database.raw.total_changes

    def _perhaps_stand_still(self, owner: str) -> None:
        if self.freezing is None or self.freezing[0] != owner:
            return
        name, writes = self.freezing
        if writes > 1:
            self.freezing = name, writes - 1
            return
        self.freezing = None
        (server,) = (server for server in self.servers if server.name == name)
        if not self.healed and not any(each.frozen for each in self.servers):
            self._stand_still(server)

    def _stand_still(self, server: SimulatedServer) -> None:
        """Everything else goes on within this call; then the server does, from where it was."""
        seconds = self.rng.choice((20, 300, 2400, 2400)) * self.rng.uniform(0.5, 1.5) * self.plan.scale
        until = min(self.timeline.true + seconds, self.plan.faulty)
        context = self.checker.context
        server.frozen = True
        server.hang_up(within_s=60)
        self._tell_availability()
        self._pass_time(until=until)
        server.frozen = False
        self._tell_availability()
        self.checker.context = context
        if not server.up:
            raise Killed

    def _before_commit(self, owner: str) -> None:
        if self.timeline.true < self.away_until or (owner and owner == self.cut_off):
            raise StoreUnavailableError("the database is away, as the scenario says")
        if self.commits_left is not None and not self.after:
            self._count_down()

    def _after_commit(self, _owner: str) -> None:
        if self.commits_left is not None and self.after:
            self._count_down()

    def _count_down(self) -> None:
        assert self.commits_left is not None
        if self.database.raw.total_changes == self.changes:
            return
        self.commits_left -= 1
        if self.commits_left == 0:
            self.commits_left = None
            raise Killed(committed=self.after)

    # --- afterwards

    def _heal(self) -> None:
        self.healed = True
        self.network.faults = frozenset()
        self.network.parted.clear()
        self.away_until, self.commits_left, self.freezing, self.cut_off = 0.0, None, None, ""
        self._start_servers()
        self._tell_availability()
        for name in sorted(self.checker.paused):
            self._resume(name)
        self._declare(self.plan.declared)
        for agent in self.agents:
            if not agent.up:
                agent.start()
        for server in self.servers:
            for link in server.links():
                self.network.cut(link)

    def _come_to_rest(self) -> None:
        """Whatever fell due while there were faults is decided within a bound; then nothing is left to do."""
        settings = self.plan.settings
        due_by = self.timeline.now()
        grace = max(2 * settings.heartbeat_interval, settings.outage_gap)
        patience = settings.retries.attempts_max * (settings.timeout + grace + settings.retries.delay)
        deadline = self.timeline.true + patience.total_seconds() + 12 * self.plan.longest_run
        self._check_nothing_overlooked()
        while (left := self.checker.unsettled(due_by)) and self.timeline.true < deadline:
            self._pass_time(until=self.timeline.true + settings.loop_interval.total_seconds())
        if left:
            raise Violation(f"[L5] {len(left)} slots are not decided, such as {left[:3]}")
        heard_by = self.timeline.true + 3 * settings.heartbeat_interval.total_seconds()
        while self.checker.orphans() and self.timeline.true < heard_by:
            self._pass_time(until=self.timeline.true + 60)
        self.checker.check_orphans()
        self.checker.check_schedule(due_by)
        self._check_fixpoint()
        self.checker.check_rows()

    def _leader(self) -> SimulatedServer:
        """[L1] Somebody leads, soon after the faults."""
        terms = self.plan.terms
        deadline = self.timeline.true + terms.lease_s + 3 * terms.renew_s
        while not (leading := [server for server in self.servers if server.store() is not None]):
            if self.timeline.true >= deadline:
                raise Violation("[L1] nobody leads")
            self._pass_time(until=self.timeline.true + terms.renew_s)
        return leading[0]

    def _check_nothing_overlooked(self) -> None:
        """[L6] When ordinary passes find no more to do, a full pass finds no slot to start, to skip or to retry."""
        for _ in range(LOOPS_WATCHED):
            self._pass_time(until=self.timeline.true + self.plan.settings.loop_interval.total_seconds())
        overlooked = self._leader().look_at_everything()
        if overlooked:
            raise Violation(f"[L6] a full pass found what ordinary ones had overlooked: {overlooked}")

    def _check_fixpoint(self) -> None:
        """[L6] Without time or news a pass writes nothing."""
        server = self._leader()
        while server.tick(server.database).changed:
            pass
        before = self.database.raw.total_changes
        for _ in range(FIXPOINT_PASSES):
            done = server.tick(server.database)
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
    until = plan.begin + dt.timedelta(days=1, seconds=plan.faulty) + AFTER * plan.scale
    return Oracle(
        [_declared(each, writers) for each in plan.declared.definitions],
        {
            account.token: (account.timezone, first_instant(_date(account.starts_on), account.timezone))
            for account in plan.declared.accounts
        },
        since=since,
        until=until.replace(hour=0, minute=0),  # whole days: most seeds find them walked already
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
