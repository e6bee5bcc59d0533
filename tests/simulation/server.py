"""A simulated server: the real engine, the real requests of agents in groups, and the real claim streams' counting.

What is imitated here is only what moves messages: the asyncio loop, gRPC and the threads.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from conductor_agent import model as agent_model
from conductor_server.engine import reconciler
from conductor_server.engine.leader import Candidate, Election
from conductor_server.engine.loop import APPLYING_STEPS
from conductor_server.engine.reconciler import Pass, Watch, reconcile_once
from conductor_server.engine.step import EngineSettings
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import ConductorError, NotLeadingError, StoreUnavailableError
from conductor_server.model.states import Outcome, RunStatus, Verdict
from conductor_server.policy.leadership import Terms
from conductor_server.rpc import agent_requests
from conductor_server.rpc.agent_requests import Beats, Registered, Reports, Request, Wish
from conductor_server.rpc.claims import BATCH_MAX, ClaimStream
from conductor_server.store import agents, matrices
from conductor_server.store.assignments import Assignment
from conductor_server.store.claims import Claim
from conductor_server.store.completions import Recorded, Report
from conductor_server.store.database import Database, Work
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease
from tests.simulation.agent import SimulatedAgent
from tests.simulation.network import Link, Network
from tests.simulation.store import Killed, SimulatedDatabase
from tests.simulation.timeline import Timeline
from tests.support.build import OWNER

T = TypeVar("T")

_WAITING = f"SELECT DISTINCT source_id FROM command_run WHERE status = {RunStatus.WAITING:d}"

GATHERED = 1.5
"""Seconds in which requests gather to a group: far more than in the product, so that there are groups at all."""


class Watcher(Protocol):
    """Who checks what the server does."""

    def doing(
        self,
        what: str,
        requests: Sequence[Request] = (),
        *,
        agent: str = "",
        held: Collection[int] = (),
        epoch: int | None = None,
    ) -> None:
        """The next commits belong to this; ``agent`` and ``held`` are those of a registration, ``epoch`` that under
        which the engine works.
        """

    def answered(self, requests: Sequence[Request], answers: Sequence[Any]) -> None:
        """A group was committed."""

    def registered(self, registration: agents.Registration, held: Sequence[Lease]) -> None: ...

    def acknowledged(self, report: Report, recorded: Recorded) -> None:
        """An answer leaves the server."""

    def ticked(self, done: Pass) -> None: ...


@dataclass(slots=True)
class _Waiting:
    link: Link
    request: Request
    reply: Callable[[Any], None]


class SimulatedElection(Election):
    """The real one; its turns are taken by events, and end at once."""

    async def _write(self, work: Work[T]) -> T:
        return self._database.write(work)

    def take_turn(self) -> None:
        with contextlib.suppress(StopIteration):
            self.turn().send(None)


class SimulatedServer:
    """One server over all its lives; ``declared`` is what its definition source says at the moment.

    ``died`` is called whenever a life ends. While it is ``frozen`` nothing reaches it, and its own doings wait.
    """

    def __init__(
        self,
        name: str,
        *,
        terms: Terms,
        all_lead: bool,
        died: Callable[[], None],
        database: SimulatedDatabase,
        timeline: Timeline,
        network: Network,
        settings: EngineSettings,
        watcher: Watcher,
        rng: Random,
        declared: Declarations,
    ) -> None:
        self.name = name
        self.database = database.of(name)
        self.declared = declared
        self.frozen = False
        self._terms = terms
        self._all_lead = all_lead
        self._died = died
        self._election: SimulatedElection | None = None
        self._latest: Database | None = None
        self.up = False
        self.life = 0
        self.problems: tuple[str, ...] = ()
        self._timeline = timeline
        self._network = network
        self._settings = settings
        self._watcher = watcher
        self._rng = rng
        self._lost_after = 2 * settings.heartbeat_interval
        self._links: list[Link] = []
        self._streams: dict[Link, ClaimStream] = {}
        self._agents: dict[Link, SimulatedAgent] = {}
        self._sessions: dict[int, tuple[str, dict[str, int]]] = {}
        self._waiting: deque[_Waiting] = deque()
        self._committing = False
        self._wishing: set[tuple[Link, str]] = set()
        self._woken = False
        self._unread = True
        self._watch: Watch | None = None

    # --- lives

    def start(self) -> None:
        assert not self.up
        self.up, self.life = True, self.life + 1
        self._streams, self._sessions, self._wishing = {}, {}, set()
        self._waiting, self._committing, self._woken, self._unread = deque(), False, False, True
        self._watch = None
        self._latest = None
        self._election = SimulatedElection(
            self.database,
            self._timeline,
            Candidate(holder=f"{self.name}-{self.life}", server=self.name),
            self._terms,
            grace=self._settings.grace,
            on_change=_nothing,
        )
        self._watcher.doing("start")
        self._or_die(
            lambda: self.database.write(
                lambda db: matrices.install(db, sources=(), timezone="UTC", now=self._timeline.now())
            )
        )
        if not self._all_lead:
            self._turn()
        self._pass_after(self._rng.uniform(0, 5))

    def _turn(self) -> None:
        election = self._election
        assert election is not None
        before = election.epoch
        self._watcher.doing("election")
        self._or_die(election.take_turn)
        if election.epoch != before:
            self.wake_engine()
        if not self._terms.sole or election.epoch is None:
            self._later(self._terms.renew_s * self._rng.uniform(0.9, 1.1), self._turn)

    @property
    def epoch(self) -> int | None:
        """That under which it leads, if it does."""
        return None if self._all_lead or self._election is None else self._election.epoch

    def kill(self) -> None:
        """Everything that it had in memory is gone; agents find out sooner or later."""
        if not self.up:
            return
        self.up = False
        self.hang_up(within_s=20)
        self._died()

    def hang_up(self, *, within_s: float) -> None:
        """Its agents find out that it does not answer."""
        links, self._links = self._links, []
        for link in links:
            self._timeline.after(self._rng.uniform(0, within_s), _cutter(self._network, link))

    def links(self) -> list[Link]:
        return list(self._links)

    def declare(self, declared: Declarations) -> None:
        """A file was changed."""
        self.declared, self._unread = declared, True

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        life = self.life

        def still() -> None:
            if self.frozen:
                self._timeline.after(10, still)
            elif self.up and self.life == life:
                act()

        self._timeline.after(seconds, still)

    def _or_die(self, act: Callable[[], Any]) -> bool:
        """Whether it was done: the database may be away, or the process may end."""
        try:
            act()
        except (StoreUnavailableError, NotLeadingError):
            return False
        except Killed:
            self.kill()
            return False
        return True

    # --- the engine

    def wake_engine(self) -> None:
        if not self._woken:
            self._woken = True
            self._later(1.0, self._woken_pass)

    def _woken_pass(self) -> None:
        self._pass()

    def _pass_after(self, seconds: float) -> None:
        self._later(seconds, self._regular_pass)

    def _regular_pass(self) -> None:
        again_in = self._settings.loop_interval.total_seconds()
        if not self._pass():
            again_in = self._rng.uniform(1, 30)
        self._pass_after(again_in)

    def _pass(self) -> bool:
        """Passes until there is no more to do, as the loop makes them."""
        self._woken = False
        return self._or_die(self._passes)

    def _passes(self) -> None:
        while (store := self.store()) is not None and self.tick(store).more:
            pass
        self._serve()

    def store(self) -> Database | None:
        """As the engine's loop is given it: anew for every term, and none while another leads."""
        assert self._election is not None
        return self.database if self._all_lead else self._election.store()

    def look_at_everything(self) -> dict[str, int]:
        """Passes until there is no more to do, then a full one at the same instant. What steps that look at news alone
        changed in that.
        """
        while (store := self.store()) is not None and (done := self.tick(store)).more | bool(done.changed):
            pass
        if store is None:
            return {}
        self._watch = None
        done = self.tick(store)
        return {step: number for step, number in done.changed.items() if step in reconciler.LOOK_AT_NEWS}

    def tick(self, store: Database) -> Pass:
        self._watcher.doing("engine", epoch=self.epoch)
        if store is not self._latest:
            self._latest, self._unread, self._watch = store, True, None
        readings = (self.declared,) if self._unread else ()
        self._unread = False
        watch, self._watch = self._watch, None
        try:
            done = reconcile_once(
                store,
                self._timeline,
                self._settings,
                readings,
                steps=reconciler.STEPS,
                watch=watch,
            )
        except (StoreUnavailableError, NotLeadingError):
            self._unread = self._unread or bool(readings)
            raise
        if readings and (done.problems or not done.failed.isdisjoint(APPLYING_STEPS)):
            self._unread = True
        self._watch = done.watch
        self.problems = done.problems
        self._watcher.ticked(done)
        return done

    # --- what agents say

    def dial(self, agent: SimulatedAgent) -> Link | None:
        link = Link(agent=agent.name, server=self.name, life=self.life)
        self._links.append(link)
        self._agents[link] = agent
        link.on_cut.append(lambda: self._forget(link))
        return link

    def _forget(self, link: Link) -> None:
        self._streams.pop(link, None)
        if link in self._links:
            self._links.remove(link)

    def receive(self, link: Link, agent: SimulatedAgent, kind: str, message: Any) -> None:
        if not self.up or self.frozen or link.life != self.life:
            return
        if kind == "register":
            self._register(link, agent, *message)
            return
        number, *rest = message
        if (session := self._session(link, number)) is None:
            return
        name, source_ids = session
        match kind, rest:
            case "claim", (free, received):
                self._state(link, name, number, source_ids, free, received)
            case "beat", (held,):
                beats = [Beat(lease=_lease(lease)) for lease in held]
                request = Beats(agent=name, session=number, beats=beats)
                self._submit(link, request, lambda answer: self._judge(link, agent, answer))
            case "complete", (completions,):
                reports = Reports(reports=[_report(name, completion) for completion in completions])
                self._submit(link, reports, lambda answer: self._acknowledge(link, agent, reports, answer))

    def _register(
        self,
        link: Link,
        agent: SimulatedAgent,
        instance: str,
        held: Sequence[agent_model.Lease],
        take_over: bool,
    ) -> None:
        registration = agents.Registration(
            name=agent.name, instance=instance, host="host", pid=1, version="0", capacities=agent.limits
        )
        mine = [_lease(lease) for lease in held]
        opened: list[Registered] = []
        self._watcher.doing("register", agent=agent.name, held=[lease.run_id for lease in mine])

        def work(db: sa.Connection) -> None:
            opened[:] = [
                agent_requests.register(
                    db,
                    registration,
                    mine,
                    by=OWNER,
                    take_over=take_over,
                    now=self._timeline.now(),
                    heartbeat_interval=self._settings.heartbeat_interval,
                )
            ]

        try:
            done = self._or_die(lambda: self.database.write(work))
        except ConductorError:  # the name is in use
            done = False
        if not done:
            self._network.cut(link)
            return
        (answer,) = opened
        self._watcher.registered(registration, mine)
        self._sessions = {number: each for number, each in self._sessions.items() if each[0] != agent.name}
        self._sessions[answer.session] = (agent.name, answer.source_ids)
        self.wake_engine()
        judgements = _judgements(answer.verdicts)
        self._network.carry(link, lambda: agent.registered(link, answer.session, judgements))

    def _session(self, link: Link, number: int) -> tuple[str, dict[str, int]] | None:
        """As ``rpc/sessions`` knows it; a stream of a session that is over ends."""
        if number not in self._sessions:
            found = self.database.read(lambda db: agents.of_session(db, number))
            if found is None:
                self._network.cut(link)
                return None
            ids = self.database.read(matrices.source_ids)
            registration, _credential = found
            self._sessions[number] = (
                registration.name,
                {name: ids[name] for name in registration.capacities},
            )
        return self._sessions[number]

    # --- claims

    def _state(
        self,
        link: Link,
        name: str,
        session: int,
        source_ids: dict[str, int],
        free: dict[str, int],
        received: int,
    ) -> None:
        if not link.open:
            return
        stream = self._streams.get(link)
        if stream is None:
            stream = ClaimStream(agent=name, session=session, source_ids=source_ids)
            self._streams[link] = stream
        stream.state(free, received)
        self._serve()

    def _serve(self) -> None:
        """A wish for every stream with room, unless it has one already, or nothing waits that it could be granted."""
        waiting = {row[0] for row in self.database.rows(_WAITING)}
        for link, stream in list(self._streams.items()):
            for source in stream.source_ids:
                room = min(stream.room(source), BATCH_MAX)
                if stream.source_ids[source] in waiting and room > 0 and (link, source) not in self._wishing:
                    self._wishing.add((link, source))
                    wish = Claim(
                        agent=stream.agent,
                        session=stream.session,
                        source_id=stream.source_ids[source],
                        runs=room,
                    )
                    self._submit(link, Wish(claim=wish), self._pusher(link, stream, source))

    def _pusher(self, link: Link, stream: ClaimStream, source: str) -> Callable[[Any], None]:
        def push(granted: Any) -> None:
            self._wishing.discard((link, source))
            if not granted:
                return
            stream.push(granted)
            stream.outbox.get_nowait()
            runs = [_run(assignment) for assignment in granted]
            agent = self._agents[link]
            self._network.carry(link, lambda: agent.claimed(link, runs))
            self._serve()

        return push

    # --- groups

    def _submit(self, link: Link, request: Request, reply: Callable[[Any], None]) -> None:
        self._waiting.append(_Waiting(link, request, reply))
        if not self._committing:
            self._committing = True
            self._later(self._rng.uniform(0, GATHERED), self._commit)

    def _commit(self) -> None:
        group = list(self._waiting)
        self._waiting.clear()
        self._committing = False
        requests = [waiting.request for waiting in group]
        answers: list[Any] = []
        self._watcher.doing("group", requests)

        def work(db: sa.Connection) -> None:
            answers[:] = agent_requests.apply_group(
                db, requests, now=self._timeline.now(), lost_after=self._lost_after
            )

        if not self._or_die(lambda: self.database.write(work)):
            if self.up:  # the database was away: every stream is told so, and ends
                self._wishing.clear()
                for waiting in group:
                    self._network.cut(waiting.link)
            return
        self._watcher.answered(requests, answers)
        for waiting, answer in zip(group, answers, strict=True):
            if isinstance(answer, Exception):
                self._network.cut(waiting.link)
            else:
                waiting.reply(answer)

    # --- messages of nobody's connection

    def stray_report(self, agent: str, lease: Lease, completion_id: str, outcome: Outcome) -> None:
        report = Report(
            agent=agent,
            lease=lease,
            completion_id=completion_id,
            outcome=outcome,
            exit_code=None,
            error="",
            result=None,
            checkpoint=None,
        )
        link = Link(agent=agent, server=self.name, life=self.life)
        self._submit(link, Reports(reports=[report]), _unheard)

    def stray_beat(self, agent: str, held: Sequence[Lease]) -> None:
        """Under the agent's present session, if it has one here."""
        for number, (name, _) in self._sessions.items():
            if name == agent:
                beats = Beats(agent=agent, session=number, beats=[Beat(lease=lease) for lease in held])
                self._submit(Link(agent=agent, server=self.name, life=self.life), beats, _unheard)

    # --- answers

    def _judge(self, link: Link, agent: SimulatedAgent, answer: Any) -> None:
        judgements = [
            each for each in _judgements(answer) if each.verdict is not agent_model.Verdict.CONTINUE
        ]
        self._network.carry(link, lambda: agent.judged(link, judgements))

    def _acknowledge(
        self, link: Link, agent: SimulatedAgent, asked: Reports, answer: Sequence[Recorded]
    ) -> None:
        for report, recorded in zip(asked.reports, answer, strict=True):
            self._watcher.acknowledged(report, recorded)
        self.wake_engine()
        self._serve()
        ids = [report.completion_id for report in asked.reports]
        self._network.carry(link, lambda: agent.answered(link, ids))


def _unheard(_answer: Any) -> None:
    """Nobody waits for it."""


def _nothing() -> None:
    return None


def _cutter(network: Network, link: Link) -> Callable[[], None]:
    return lambda: network.cut(link)


def _lease(lease: agent_model.Lease) -> Lease:
    return Lease(run_id=lease.run_id, epoch=lease.epoch)


def _report(agent: str, completion: agent_model.Completion) -> Report:
    return Report(
        agent=agent,
        lease=_lease(completion.lease),
        completion_id=completion.completion_id,
        outcome=Outcome(completion.ending.outcome),
        exit_code=None,
        error="",
        result=None,
        checkpoint=None,
    )


_VERDICTS = {
    Verdict.CONTINUE: agent_model.Verdict.CONTINUE,
    Verdict.CANCEL: agent_model.Verdict.CANCEL,
    Verdict.LEASE_LOST: agent_model.Verdict.LEASE_LOST,
    Verdict.FORGET: agent_model.Verdict.FORGET,
}


def _judgements(verdicts: Any) -> list[agent_model.Judgement]:
    return [
        agent_model.Judgement(
            lease=agent_model.Lease(run_id=lease.run_id, epoch=lease.epoch),
            verdict=_VERDICTS[verdict],
            reason=reason,
        )
        for lease, (verdict, reason) in verdicts.items()
    ]


def _run(given: Assignment) -> agent_model.Run:
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
