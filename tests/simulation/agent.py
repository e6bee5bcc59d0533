"""A simulated agent: the real core, a journal that survives it, and commands that survive it too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol, assert_never

from conductor_agent.core import Core, Effect, Forget, Start, Stop
from conductor_agent.model import Completion, Ending, Judgement, Lease, Outcome, Run
from tests.simulation.network import Link, Network
from tests.simulation.timeline import Timeline

PAUSE_MAX = 30.0
"""Seconds between two attempts to connect, at most, where nothing is slowed down."""


class Witness(Protocol):
    """Who is told what really runs, outside of the product."""

    def command_began(self, agent: str, run: Run) -> None: ...

    def command_ended(self, agent: str, run: Run, outcome: Outcome) -> None: ...


class Dialled(Protocol):
    """The server, as an agent sees it."""

    def dial(self, agent: SimulatedAgent) -> Link | None: ...

    def receive(self, link: Link, agent: SimulatedAgent, kind: str, message: object) -> None: ...


@dataclass(slots=True, kw_only=True)
class Command:
    """A process: it ends by itself at some time, as something, whoever watches."""

    ends_at: float
    outcome: Outcome
    over: bool = False


@dataclass(slots=True, kw_only=True)
class Entry:
    """A folder of the journal. ``command`` of ``None``: nobody has started it."""

    run: Run
    command: Command | None = None
    order: Outcome | None = None
    completion: Completion | None = None


class SimulatedAgent:
    """One agent by name, over all its lives. ``pace``: how fast its clock goes, which measures all its waiting."""

    def __init__(
        self,
        name: str,
        limits: dict[str, int],
        *,
        timeline: Timeline,
        network: Network,
        server: Dialled,
        witness: Witness,
        rng: Random,
        heartbeat_interval: float,
        pause_max: float,
        ending: Callable[[], tuple[float, Outcome]],
    ) -> None:
        self.name = name
        self.limits = limits
        self.pace = rng.uniform(0.97, 1.03)
        self.journal: dict[Lease, Entry] = {}
        self.was_registered = False
        self.lives = 0
        self.up = False
        self.held_back = False
        self.core = Core(limits=limits)
        self.session: int | None = None
        self._timeline = timeline
        self._network = network
        self._server = server
        self._witness = witness
        self._rng = rng
        self._interval = heartbeat_interval
        self._pause_max = pause_max
        self._ending = ending
        self._accepted = False
        self._orders: dict[Lease, Outcome] = {}  # of runs whose journalling is under way
        self._link: Link | None = None
        self._failures = 0
        self._ids = 0

    # --- lives

    def start(self) -> None:
        """A new process with the old state folder: it takes up what the journal has."""
        assert not self.up
        self.up, self.lives, self.session, self._accepted = True, self.lives + 1, None, False
        self.core, self._orders = Core(limits=self.limits), {}
        for lease, entry in list(self.journal.items()):
            self.core.restore(lease, entry.run.source, entry.completion)
            if entry.completion is not None:
                continue
            if entry.command is None:
                self._end(entry, Outcome.RELEASED)
            elif entry.command.over:
                self._end(entry, entry.command.outcome)
            elif entry.order is not None:
                self._stop(entry, entry.order)
        self._dial_after(self._rng.uniform(0, 5))

    def kill(self, *, machine: bool = False) -> None:
        """The process ends without a word; its commands go on, unless the whole machine dies."""
        self.up = False
        if self._link is not None:
            self._network.cut(self._link)
            self._link = None
        for entry in self.journal.values() if machine else ():
            if entry.command is not None and not entry.command.over:
                self._over(entry, Outcome.FAILED)

    @property
    def instance(self) -> str:
        return f"{self.name}-{self.lives}"

    @property
    def take_over(self) -> bool:
        return not self._accepted and self.was_registered

    def commands(self) -> list[Entry]:
        """What really runs."""
        return [
            entry for entry in self.journal.values() if entry.command is not None and not entry.command.over
        ]

    # --- the connection

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        """After so long by this agent's clock, if this process still lives then."""
        life = self.lives

        def still() -> None:
            if self.up and self.lives == life:
                act()

        self._timeline.after(seconds * self.pace, still)

    def _dial_after(self, seconds: float) -> None:
        self._later(seconds, self._dial)

    def _pause(self) -> float:
        return self._rng.uniform(0, min(self._pause_max, 0.2 * 2.0 ** min(self._failures, 32)))

    def _dial(self) -> None:
        if self._link is not None:
            return
        link = self._server.dial(self)
        if link is None:
            self._failures += 1
            self._dial_after(self._pause())
            return
        life = self.lives
        self._link = link
        link.on_cut.append(lambda: self._cut(link, life))
        self._send(link, "register", (self.instance, self.core.leases(), self.take_over))
        self._later(30.0, lambda: self._network.cut(link) if self._unanswered(link) else None)

    def _unanswered(self, link: Link) -> bool:
        return self._link is link and self.session is None

    def _cut(self, link: Link, life: int) -> None:
        if self._link is not link or self.lives != life:
            return
        self._link, self.session = None, None
        self._failures += 1
        if self.up:
            self._dial_after(self._pause())

    def _send(self, link: Link, kind: str, message: object, *, in_order: bool = False) -> None:
        self._network.carry(link, lambda: self._server.receive(link, self, kind, message), in_order=in_order)

    def _current(self, link: Link) -> bool:
        return self.up and self._link is link and link.open

    # --- what arrives

    def registered(self, link: Link, session: int, judgements: Sequence[Judgement]) -> None:
        if not self._current(link) or self.session is not None:
            return
        self.session, self._failures = session, 0
        self._accepted = self.was_registered = True
        self.core.session_opened()
        self._carry_out(self.core.judged(judgements))
        self.core.claim_stream_opened()
        self.state_demand()
        self._beat(link)
        self.report()

    def claimed(self, link: Link, runs: Sequence[Run]) -> None:
        if self._current(link):
            self._carry_out(self.core.claimed(runs))
            self.state_demand()

    def judged(self, link: Link, judgements: Sequence[Judgement]) -> None:
        if self._current(link):
            self._carry_out(self.core.judged(judgements))

    def answered(self, link: Link, completion_ids: Iterable[str]) -> None:
        if self._current(link):
            for lease in self.core.answered(completion_ids):
                self.journal.pop(lease, None)

    # --- what is sent

    def state_demand(self) -> None:
        if self._link is not None and self.session is not None:
            demand = self.core.demand()
            message = (self.session, dict(demand.free), demand.received)
            self._send(self._link, "claim", message, in_order=True)  # the newest replaces those before

    def _beat(self, link: Link) -> None:
        if not self._current(link):
            return
        held = tuple(beat.lease for beat in self.core.beats())
        self._send(link, "beat", (self.session, held))
        self._later(self._interval, lambda: self._beat(link))

    def report(self) -> None:
        if self._link is not None and self.session is not None:
            reports = self.core.reports()
            if reports:
                self._send(self._link, "complete", (self.session, reports))

    # --- carrying out

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Start(run=run):
                    self._later(self._rng.uniform(0, 0.5), self._journaller(run))
                case Stop(lease=lease, outcome=outcome):
                    if (entry := self.journal.get(lease)) is not None:
                        entry.order = outcome
                        self._stop(entry, outcome)
                    else:  # it is still being journalled: the start finds the order
                        self._orders[lease] = outcome
                case Forget(lease=lease):
                    self.journal.pop(lease, None)
                case _:
                    assert_never(effect)

    def _journaller(self, run: Run) -> Callable[[], None]:
        def journal() -> None:
            entry = self.journal[run.lease] = Entry(run=run)
            self._later(self._rng.uniform(0, 0.5), lambda: self._launch(entry))

        return journal

    def _launch(self, entry: Entry) -> None:
        lease = entry.run.lease
        if self.journal.get(lease) is not entry:
            return
        order = entry.order or self._orders.pop(lease, None)
        if order is not None:
            self._end(entry, order)
            return
        duration, outcome = self._ending()
        entry.command = Command(ends_at=self._timeline.true + duration, outcome=outcome)
        self._witness.command_began(self.name, entry.run)
        self._timeline.after(duration, lambda: self._finish(entry, outcome))

    def _finish(self, entry: Entry, outcome: Outcome) -> None:
        """The command ends by itself; whoever watches it hears of it."""
        if entry.command is None or entry.command.over:
            return
        self._over(entry, outcome)
        if self.up and self.journal.get(entry.run.lease) is entry:
            self._end(entry, outcome)

    def _stop(self, entry: Entry, outcome: Outcome) -> None:
        if entry.command is None:
            return  # the launch finds the order

        def killed() -> None:
            if entry.command is not None and not entry.command.over and entry.completion is None:
                self._over(entry, outcome)
                self._end(entry, outcome)

        self._later(self._rng.uniform(0, 10), killed)

    def _over(self, entry: Entry, outcome: Outcome) -> None:
        assert entry.command is not None
        entry.command = replace(entry.command, over=True, outcome=outcome)
        self._witness.command_ended(self.name, entry.run, outcome)

    def _end(self, entry: Entry, outcome: Outcome) -> None:
        """The report is journalled, then told to the core."""
        if entry.completion is not None:
            return
        self._ids += 1
        entry.completion = Completion(
            lease=entry.run.lease,
            completion_id=f"{self.name}-{self._ids}",
            ending=Ending(outcome=entry.order or outcome),
        )
        self._carry_out(self.core.ended(entry.completion))
        self.report()
        self.state_demand()
