"""A small night with something of everything, told from outside: agents, operators and the clock.

They outlive the server. Whoever gets no answer connects anew and asks again, as in life; so a server may die anywhere.
Between two acts a night can be pickled, and go on later from there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import methodcaller as do
from typing import Any

from conductor_agent import model as agent_model
from conductor_server.engine import operations
from conductor_server.engine.reconciler import Pass
from conductor_server.engine.step import EngineSettings
from conductor_server.model.definition import Account, Concurrency, Declarations
from conductor_server.model.states import Disposition, Outcome, StartPolicy, Verdict
from conductor_server.policy.leadership import Terms
from conductor_server.policy.retry import RetrySettings
from conductor_server.rpc.agent_requests import Beats, Output, Registered, Reports, Request, Wish
from conductor_server.store import agents, logs
from conductor_server.store.assignments import Assignment
from conductor_server.store.claims import Claim
from conductor_server.store.completions import Recorded, Report
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease
from conductor_server.store.slots import slot_name
from tests.crash import server
from tests.crash.server import Answer, Died, Server
from tests.crash.stores import Store
from tests.simulation.checker import Checker, Slot
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import oracle_of
from tests.support.build import DAY, HOUR, MINUTE, at, definition, reads

NOON = at("2026-11-20T12:00")
SOURCES = {"shell": 4, "python": 5}
"""By their numbers in every store."""

STEP = dt.timedelta(seconds=50)
SECOND = dt.timedelta(seconds=1)

SETTINGS = EngineSettings(
    slots_create_extra=HOUR,
    timeout=45 * SECOND,
    retries=RetrySettings(attempts_max=4, delay=40 * SECOND),
    retention=DAY,
    heartbeat_interval=10 * SECOND,
    outage_gap=MINUTE,
)
"""The product's, but for shorter waits: a night then has few passes."""

_MIDNIGHT = at("2026-11-20")

DECLARED = Declarations(
    source_token="files",
    definitions=(
        definition("load", starts_on=_MIDNIGHT, concurrency=Concurrency(definition=5)),
        definition(
            "totals",
            source="python",
            starts_on=_MIDNIGHT,
            reads_from=reads("load"),
            start_policy=StartPolicy.AFTER_SUCCESS_AND_RERUNS,
        ),
        definition(
            "report", source="python", matrix="default", starts_on=_MIDNIGHT, reads_from=reads("totals")
        ),
        definition(
            "alarm", starts_on=_MIDNIGHT, reads_from=reads("load"), start_policy=StartPolicy.AFTER_FAILURE
        ),
    ),
    accounts=tuple(Account(token=token, starts_on=dt.date(2026, 11, 20)) for token in ("acme", "bolt")),
    pools={"pool": 5},
)


class Clock:
    """True time in seconds, and the wall clock, which is right."""

    def __init__(self) -> None:
        self.true = 0.0

    def now(self) -> dt.datetime:
        return NOON + dt.timedelta(seconds=self.true)


@dataclass(slots=True)
class Agent:
    """What an agent remembers. One that is ``frozen`` does not notice that its connection is gone."""

    name: str
    capacities: dict[str, int]
    session: int = 0
    frozen: bool = False
    held: dict[str, Assignment] = field(default_factory=dict)
    told_to_cancel: set[str] = field(default_factory=set)
    logged: int = 0


class Night:
    """What those outside do; ``ACTS`` says in which order."""

    def __init__(self, store: Store) -> None:
        self.diary: list[str] = []  # what those outside were told; a repeated answer counts once
        self.disturbed = 0
        self._clock = Clock()
        self._declared = DECLARED
        self._unread = True
        self._agents = [Agent("one", {"shell": 4}), Agent("two", {"shell": 1, "python": 2})]
        self._reports = 0
        self._logged = 0
        plan = _as_scenario(self._agents)
        self._checker = Checker(plan, self._clock, store, oracle_of(plan))  # type: ignore[arg-type]
        self._checker.available(True)

    def attach(self, store: Store, begin_life: Callable[[], Server]) -> None:
        """Say where the database is, and how to start a server. It is started now."""
        self._store = store
        self._checker._database = store  # type: ignore[assignment]
        self._begin_life = begin_life
        self._server = begin_life()
        self.counted = Answer()  # of the present life

    def detach(self) -> None:
        """Stop the server, without violence."""
        self._server.stop()
        del self._server, self._begin_life, self._store
        self._checker._database = None  # type: ignore[assignment]

    # ------------------------------------------------------------------------------------------------ at the end

    def check(self) -> None:
        """Nothing is left to do, another pass writes nothing, and the rows are what their log says."""
        self._passes()
        before = self._store.rows("SELECT max(id) FROM history_log")
        (again,) = self._passes()
        assert not again.changed, f"[L6] a pass without news changed {again.changed}"
        assert self._store.rows("SELECT max(id) FROM history_log") == before
        self._checker.check_orphans()
        self._checker.check_rows()
        assert all(not agent.held for agent in self._agents)
        assert not self._store.faults()

    def outside(self) -> object:
        """Where those outside stand; two nights that agree in this and in the store go on alike."""
        return (
            list(self.diary),
            [(agent.name, sorted(agent.held), sorted(agent.told_to_cancel)) for agent in self._agents],
        )

    # ------------------------------------------------------------------------------------------------ asking

    def _ask(self, function: Callable[..., Any], say: Callable[[], dict[str, Any]] = dict) -> Answer:
        """Ask until there is an answer. What is said is put together anew each time: sessions change."""
        repeated = False
        while True:
            said = say()
            self._checker.doing(_DOING.get(function, "operator"), said.get("requests", ()), **_who(said))
            try:
                answer = self._server.ask(function, now=self._clock.now(), **said)
            except Died:
                self._read_log()
                self._server = self._begin_life()
                self._reconnect(to_ask=function, anew=True)
                repeated = True
                continue
            self._read_log()
            self.counted = answer
            if answer.unavailable:
                self._reconnect(to_ask=function, anew=False)
                repeated = True
                continue
            # Who asks again for what has been done without their knowing is told so, by a refusal.
            assert repeated or not answer.refused, answer.refused
            return answer

    def _reconnect(self, *, to_ask: Callable[..., Any], anew: bool) -> None:
        """The server is another one, or has ended every stream; and this will be asked again."""
        self.disturbed += 1
        self._checker.available(False)
        self._checker.available(True)
        self._unread = True
        if to_ask is server.install:
            return
        if anew:
            self._ask(server.install)
        for agent in self._agents:
            if agent.session and not agent.frozen:
                self._register(agent)
        if to_ask is not server.passes:
            self._passes()

    def _read_log(self) -> None:
        """Show the checker what has been committed since the last look."""
        rows = self._store.rows(
            "SELECT id, noun, number, a, b, c, d, e, f, agent FROM history_log WHERE id > ? ORDER BY id",
            self._logged,
        )
        if rows:
            self._logged = rows[-1][0]
            self._checker.committed([tuple(row[1:]) for row in rows])

    # ------------------------------------------------------------------------------------------------ the server

    def install(self) -> None:
        """A server starts."""
        self._ask(server.install)

    def declare(self, *, without: str) -> None:
        """An account is no longer listed."""
        accounts = tuple(each for each in self._declared.accounts if each.token != without)
        self._declared, self._unread = replace(self._declared, accounts=accounts), True
        self._checker.removed(without)

    def passes(self, *, after: dt.timedelta = dt.timedelta(0)) -> None:
        """The engine wakes."""
        self._clock.true += after.total_seconds()
        self._passes()

    def _passes(self) -> Sequence[Pass]:
        done: Sequence[Pass] = self._ask(
            server.passes, lambda: {"readings": (self._declared,) if self._unread else ()}
        ).value
        # What could not be applied is offered again.
        self._unread = self._unread and bool(done[0].problems)
        for each in done:
            self._checker.ticked(each)
        return done

    # ------------------------------------------------------------------------------------------------ operators

    def rerun(self, slot: str) -> None:
        self._operate(operations.rerun, self._slot(slot).id, slot)

    def discard(self, slot: str) -> None:
        self._operate(operations.discard, self._slot(slot).id, slot)

    def cancel(self, slot: str) -> None:
        self._operate(operations.cancel, self._slot(slot).live)

    def pause(self, name: str) -> None:
        self._operate(operations.set_active, name, active=False)

    def resume(self, name: str) -> None:
        self._operate(operations.set_active, name, active=True)

    def confirm(self, key: str, count: int) -> None:
        self._operate(operations.confirm_removal, key, count=count)

    def _operate(self, operation: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        self._ask(
            server.operate, lambda: {"operation": operation, "arguments": arguments, "options": options}
        )
        self.diary.append(f"{operation.__name__} is done")

    def _slot(self, slot: str) -> Slot:
        return next(
            each
            for each in self._checker.slots.values()
            if slot == slot_name(each.key.definition, each.key.account, f"{each.key.start:%F}")
        )

    # ------------------------------------------------------------------------------------------------ agents

    def register(self, name: str) -> None:
        self._register(self._agent(name))

    def claim(self, name: str, source: str, *, expecting: Sequence[str]) -> None:
        """The agent has room. What it is given are these."""
        agent = self._agent(name)
        room = agent.capacities[source] - len(agent.held)
        granted: Sequence[Assignment] = self._group(
            lambda: Wish(claim=Claim(agent=name, session=agent.session, source_id=SOURCES[source], runs=room))
        )
        assert sorted(given.slot for given in granted) == sorted(expecting)
        for given in granted:
            agent.held[given.slot] = given
            self.diary.append(f"{name} runs {given.slot} from {given.checkpoint!r}")
            self._checker.command_began(name, _as_run(given))

    def beat(self, name: str, *, after: dt.timedelta = dt.timedelta(0), **news: Any) -> None:
        self._clock.true += after.total_seconds()
        agent = self._agent(name)
        verdicts = self._group(
            lambda: Beats(
                agent=name,
                session=agent.session,
                beats=[Beat(lease=given.lease, **news) for given in agent.held.values()],
            )
        )
        self._judge(agent, verdicts)

    def log(self, name: str, slot: str, data: bytes, *, eof: bool = False) -> None:
        """Sent from where this stream is, as far as the agent knows."""
        agent = self._agent(name)
        lease, offset = agent.held[slot].lease, agent.logged
        chunk = logs.Chunk(run_id=lease.run_id, stream="stdout", offset=offset, data=data, eof=eof)
        appended: logs.Appended = self._group(lambda: Output(agent=name, lease=lease, chunk=chunk))
        agent.logged = appended.next_offset
        self.diary.append(f"{slot} is logged up to {appended.next_offset}")

    def freeze(self, name: str) -> None:
        """It does not notice what becomes of the server, nor of its own connection."""
        self._agent(name).frozen = True

    def thaw(self, name: str) -> None:
        self._agent(name).frozen = False

    def report(self, name: str, slot: str, outcome: Outcome) -> None:
        """How it ended, unless the agent was told in between that nobody wants to know."""
        agent = self._agent(name)
        self._reports += 1
        if slot not in agent.held:
            self.diary.append(f"{slot} is not known any more")
            return
        assert (outcome is Outcome.CANCELLED) == (slot in agent.told_to_cancel)
        report = Report(
            agent=name,
            lease=agent.held[slot].lease,
            completion_id=f"completion-{self._reports}",
            outcome=outcome,
            exit_code=0 if outcome is Outcome.SUCCEEDED else 1,
            error="" if outcome is Outcome.SUCCEEDED else "it did not work",
            result={"rows": 7},
            checkpoint=b"all of it",
        )
        self._ended(agent, slot, outcome)
        recorded: Recorded
        (recorded,) = self._group(lambda: Reports(reports=[report]))
        self._checker.acknowledged(report, recorded)
        match recorded.disposition:
            case Disposition.APPLIED | Disposition.DUPLICATE:
                assert recorded.status is not None
                said = f"recorded as {recorded.status.word}"
            case Disposition.REMOVED:
                said = "not known any more"
            case other:
                said = str(other)
        self.diary.append(f"{slot} is {said}")
        self._forget(agent, slot)

    def _agent(self, name: str) -> Agent:
        return next(agent for agent in self._agents if agent.name == name)

    def _register(self, agent: Agent) -> None:
        registration = agents.Registration(
            name=agent.name,
            instance=agent.name,
            host="host",
            pid=1,
            version="0",
            capacities=agent.capacities,
        )
        held = [given.lease for given in agent.held.values()]
        registered: Registered = self._ask(
            server.register, lambda: {"registration": registration, "held": held}
        ).value
        self._checker.registered(registration, held)
        agent.session = registered.session
        self._judge(agent, registered.verdicts)

    def _group(self, request: Callable[[], Request]) -> Any:
        (told,) = self._ask(server.group, lambda: {"requests": [request()]}).value
        self._checker.answered([request()], [told])
        assert not isinstance(told, Exception), told
        return told

    def _judge(self, agent: Agent, verdicts: Mapping[Lease, tuple[Verdict, str]]) -> None:
        slots = {given.lease: slot for slot, given in agent.held.items()}
        for lease, (verdict, _) in verdicts.items():
            if verdict is Verdict.CANCEL:
                agent.told_to_cancel.add(slots[lease])
            elif verdict is not Verdict.CONTINUE:
                self._ended(agent, slots[lease], Outcome.CANCELLED)
                self._forget(agent, slots[lease])

    def _ended(self, agent: Agent, slot: str, outcome: Outcome) -> None:
        """The witness sees the command's process end; the agent may be told to end it when it has."""
        lease = agent.held[slot].lease
        if (lease.run_id, lease.epoch) not in self._checker.live_processes:
            return
        self._checker.command_ended(agent.name, _as_run(agent.held[slot]), agent_model.Outcome(int(outcome)))

    def _forget(self, agent: Agent, slot: str) -> None:
        agent.held.pop(slot, None)  # the first it may hear of that is the answer to a registration
        agent.told_to_cancel.discard(slot)


LOADS = ("load@acme/2026-11-20", "load@bolt/2026-11-20")
TOTALS = ("totals@acme/2026-11-20",)
REPORT = "report/2026-11-20"
ALARM = "alarm@acme/2026-11-21"

ACTS: tuple[Callable[[Night], None], ...] = (
    do("install"),
    do("passes"),
    do("register", "one"),
    do("register", "two"),
    do("passes", after=12 * HOUR),  # the day ends
    do("claim", "one", "shell", expecting=LOADS),
    do("beat", "one", progress={"rows": 7}, checkpoint=b"half of it"),
    do("log", "one", LOADS[0], b"first\n"),
    do("log", "one", LOADS[0], b"second\n", eof=True),
    do("report", "one", LOADS[1], Outcome.FAILED),
    do("report", "one", LOADS[0], Outcome.SUCCEEDED),
    do("passes"),
    # a run is cancelled, and run once more
    do("claim", "two", "python", expecting=TOTALS),
    do("cancel", TOTALS[0]),
    do("beat", "two"),
    do("report", "two", TOTALS[0], Outcome.CANCELLED),
    do("rerun", TOTALS[0]),
    do("claim", "two", "python", expecting=TOTALS),
    do("report", "two", TOTALS[0], Outcome.SUCCEEDED),
    # what has failed is retried; its agent freezes, and comes back too late
    do("passes", after=STEP),
    do("claim", "one", "shell", expecting=LOADS[1:]),
    do("freeze", "one"),
    do("passes", after=STEP),
    do("thaw", "one"),
    do("report", "one", LOADS[1], Outcome.SUCCEEDED),
    # an account is removed under a running command
    do("rerun", LOADS[1]),
    do("claim", "two", "shell", expecting=LOADS[1:]),
    do("declare", without="bolt"),
    do("passes"),  # the removal is held back
    do("confirm", "accounts of files", 1),
    do("passes"),
    do("report", "two", LOADS[1], Outcome.SUCCEEDED),
    do("claim", "two", "python", expecting=[REPORT]),
    do("report", "two", REPORT, Outcome.SUCCEEDED),
    # a rerun reaches what is below
    do("rerun", LOADS[0]),
    do("claim", "one", "shell", expecting=LOADS[:1]),
    do("report", "one", LOADS[0], Outcome.SUCCEEDED),
    do("passes"),
    do("claim", "two", "python", expecting=TOTALS),
    do("report", "two", TOTALS[0], Outcome.SUCCEEDED),
    # a day later: what is older than the retention is deleted
    do("beat", "one", after=26 * HOUR),
    do("beat", "two"),
    do("passes"),
    do("pause", "alarm"),
    do("resume", "alarm"),
    do("discard", ALARM),
    do("rerun", ALARM),
    do("cancel", ALARM),
)
"""The night, in small steps: between two of them it can be kept and brought back."""

_DOING = {
    server.install: "start",
    server.passes: "engine",
    server.register: "register",
    server.group: "group",
}


def _who(said: dict[str, Any]) -> dict[str, Any]:
    if "registration" not in said:
        return {}
    return {"agent": said["registration"].name, "held": [lease.run_id for lease in said["held"]]}


def _as_scenario(known: Sequence[Agent]) -> Scenario:
    """What the simulator's checker and oracle want to know of a night."""
    return Scenario(
        seed=0,
        begin=NOON,
        settings=SETTINGS,
        declared=DECLARED,
        agents={agent.name: agent.capacities for agent in known},
        servers=("server",),
        all_lead=True,  # nobody is elected here
        terms=Terms(lease_s=15, renew_s=3, sole=True),
        faults=frozenset({"kill agent", "kill server"}),
        scale=1,
        faulty=0,
        longest_run=0,
        fault_every=0,
        failing=0,
    )


def _as_run(given: Assignment) -> agent_model.Run:
    return agent_model.Run(
        lease=agent_model.Lease(run_id=given.lease.run_id, epoch=given.lease.epoch),
        slot=given.slot,
        definition=given.definition,
        source=given.source,
        attempt=given.attempt,
        spec={},
        member=agent_model.Member(token=given.member, timezone=given.timezone),
        window=agent_model.Window(start=given.window_start, end=given.window_end, label=given.window_label),
    )
