"""The agent's decisions, without any input, output or clock: what is held, what to start, stop, send and forget.

Whoever drives it (the asyncio agent, or a simulator) tells it what happened and carries out the effects it returns.
Every message it makes is absolute, so one that is lost or repeated does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from conductor_agent.model import Beat, Completion, Judgement, Lease, Outcome, Progress, Run, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Journal this run and start it."""

    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop this run's processes; it will end with that outcome, for that reason."""

    lease: Lease
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Drop the journal entry of this run, which has ended."""

    lease: Lease


Effect: TypeAlias = Start | Stop | Forget

DONE_MAX = 1_000
"""So many runs that are done with are remembered: far more than are pushed while a message is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """How many more runs of each source the agent takes now, and how many this claim stream has delivered."""

    free: Mapping[str, int]
    received: int


@dataclass(slots=True, kw_only=True)
class _Held:
    """A run from the moment it was received until its report is answered."""

    source: str
    stopping: bool = False
    forgotten: bool = False
    completion: Completion | None = None
    reported: bool = False
    progress: Progress | None = None
    progress_sent: bool = True
    checkpoint: bytes | None = None
    checkpoint_sent: bool = True


class Core:
    """The runs an agent holds. ``limits`` says how many of each source may run at once."""

    def __init__(self, *, limits: Mapping[str, int]) -> None:
        self._limits = dict(limits)
        self._held: dict[Lease, _Held] = {}
        self._done: dict[Lease, None] = {}
        self._repeated: dict[str, Completion] = {}
        self._repeated_sent = False
        self._received = 0
        self._draining = False

    def restore(self, lease: Lease, source: str, completion: Completion | None = None) -> None:
        """Takes up a run that the journal still has, with its report if it has ended."""
        self._held[lease] = _Held(source=source, completion=completion)

    # --- sessions

    def session_opened(self) -> None:
        """Nothing that was sent before counts: the new session is told everything again."""
        for held in self._held.values():
            held.reported = False
            held.progress_sent = held.progress is None
            held.checkpoint_sent = held.checkpoint is None
        self._repeated_sent = False

    def leases(self) -> tuple[Lease, ...]:
        """Every run held, for Register and for heartbeats."""
        return tuple(self._held)

    @property
    def running(self) -> int:
        """How many runs have not ended yet."""
        return sum(held.completion is None for held in self._held.values())

    @property
    def idle(self) -> bool:
        """Nothing runs, and nothing is left to report."""
        return not self._held and not self._repeated

    def drain(self) -> None:
        """Takes no more runs from now on."""
        self._draining = True

    # --- claims

    def claim_stream_opened(self) -> None:
        """The count of delivered runs begins anew with every claim stream."""
        self._received = 0

    def claimed(self, runs: Sequence[Run]) -> list[Effect]:
        """Runs were pushed. One that is held already, or was and is done with, is not started twice.

        What there is no room for is not taken, whatever a server wants: it is missing in the heartbeats, and released.
        A newer epoch of a run that still goes on here means that its old lease is void: the old process is stopped.
        """
        self._received += len(runs)
        effects: list[Effect] = []
        for run in runs:
            if run.lease in self._done or any(
                lease.run_id == run.lease.run_id and lease.epoch >= run.lease.epoch for lease in self._held
            ):
                continue
            older = [lease for lease in self._held if lease.run_id == run.lease.run_id]
            effects += self.judged(
                Judgement(lease=lease, verdict=Verdict.LEASE_LOST, reason=f"granted again as {run.lease}")
                for lease in older
            )
            if self._busy(run.source) >= self._limits.get(run.source, 0):
                continue
            self._held[run.lease] = _Held(source=run.source)
            effects.append(Start(run=run))
        return effects

    def _busy(self, source: str) -> int:
        return sum(held.completion is None for held in self._held.values() if held.source == source)

    def demand(self) -> Demand:
        """What to state on the claim stream. A run that has ended makes room, whether or not its end is reported."""
        free = dict.fromkeys(self._limits, 0) if self._draining else dict(self._limits)
        for held in self._held.values():
            if held.completion is None and held.source in free:
                free[held.source] = max(0, free[held.source] - 1)
        return Demand(free=free, received=self._received)

    # --- verdicts

    def judged(self, judgements: Iterable[Judgement]) -> list[Effect]:
        """Verdicts arrived, from Register or a heartbeat. Each is acted on once, however often it comes."""
        effects: list[Effect] = []
        for judgement in judgements:
            held = self._held.get(judgement.lease)
            if held is not None:
                effects += self._judge(held, judgement)
        return effects

    def _judge(self, held: _Held, judgement: Judgement) -> list[Effect]:
        match judgement.verdict:
            case Verdict.CONTINUE:
                return []
            case Verdict.CANCEL:
                return self._stop(held, judgement.lease, judgement.reason or "cancelled by the server")
            case Verdict.LEASE_LOST:
                return self._stop(held, judgement.lease, judgement.reason or "its lease was lost")
            case Verdict.FORGET:
                if held.completion is not None:
                    self._drop(judgement.lease)
                    return [Forget(lease=judgement.lease)]
                held.forgotten = True
                return self._stop(held, judgement.lease, judgement.reason or "it does not exist any more")
            case _:
                assert_never(judgement.verdict)

    def _stop(self, held: _Held, lease: Lease, reason: str) -> list[Effect]:
        """A run that has ended already keeps its own report, and one that is being stopped keeps its reason."""
        if held.completion is not None or held.stopping:
            return []
        held.stopping = True
        return [Stop(lease=lease, outcome=Outcome.CANCELLED, reason=reason)]

    def release(self, reason: str) -> list[Effect]:
        """Gives back, without blame, whatever still runs."""
        effects: list[Effect] = []
        for lease, held in self._held.items():
            if held.completion is None and not held.stopping:
                held.stopping = True
                effects.append(Stop(lease=lease, outcome=Outcome.RELEASED, reason=reason))
        return effects

    # --- progress

    def progressed(self, lease: Lease, progress: Progress | None, checkpoint: bytes | None) -> None:
        """A command reported something; what has not changed is not sent again."""
        held = self._held.get(lease)
        if held is None:
            return
        if progress is not None and progress != held.progress:
            held.progress, held.progress_sent = progress, False
        if checkpoint is not None and checkpoint != held.checkpoint:
            held.checkpoint, held.checkpoint_sent = checkpoint, False

    def beats(self) -> list[Beat]:
        """One heartbeat: every run held, and what is new about it in this session."""
        beats = []
        for lease, held in self._held.items():
            beats.append(
                Beat(
                    lease=lease,
                    progress=None if held.progress_sent else held.progress,
                    checkpoint=None if held.checkpoint_sent else held.checkpoint,
                )
            )
            held.progress_sent = held.checkpoint_sent = True
        return beats

    # --- ends

    def ended(self, completion: Completion) -> list[Effect]:
        """A run has ended, and its report is in the journal. A forgotten one has nobody to report to."""
        held = self._held[completion.lease]
        if held.forgotten:
            self._drop(completion.lease)
            return [Forget(lease=completion.lease)]
        held.completion = completion
        return []

    def reports(self) -> list[Completion]:
        """The reports that this session has not sent yet; from now on it has."""
        reports = [held.completion for held in self._held.values() if held.completion and not held.reported]
        for held in self._held.values():
            held.reported = held.completion is not None
        if not self._repeated_sent:
            self._repeated_sent = True
            return [*self._repeated.values(), *reports]
        return reports

    def repeat(self, reports: Iterable[Completion]) -> None:
        """Reports that were answered before are to be sent again, to a store that has forgotten them."""
        self._repeated = {report.completion_id: report for report in reports}
        self._repeated_sent = False

    @property
    def repeating(self) -> bool:
        """Whether such a report still waits for its answer."""
        return bool(self._repeated)

    def answered(self, completion_ids: Iterable[str]) -> list[Lease]:
        """Reports were answered, with whatever disposition: these runs are held no more."""
        ids = set(completion_ids)
        for each in ids & self._repeated.keys():
            del self._repeated[each]
        leases = [
            lease
            for lease, held in self._held.items()
            if held.completion and held.completion.completion_id in ids
        ]
        for lease in leases:
            self._drop(lease)
        return leases

    def _drop(self, lease: Lease) -> None:
        """Holds a run no more, but knows it for a while, should its push be repeated."""
        del self._held[lease]
        self._done[lease] = None
        if len(self._done) > DONE_MAX:
            del self._done[next(iter(self._done))]
