"""The agent's heart: carries the core's decisions out, and tells the core what happened.

Nothing here knows of a connection. ``connection.py`` asks for what to send and hands in what arrives; runs start, end
and are journalled whether or not there is a server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import assert_never

import structlog

from conductor_agent.clock import Clock, new_id
from conductor_agent.core import Core, Demand, Effect, Forget, Start, Stop
from conductor_agent.journal import Entry, Journal
from conductor_agent.launcher import Launcher
from conductor_agent.logs import LogPusher
from conductor_agent.model import Beat, Completion, Ending, Judgement, Lease, Outcome, Run
from conductor_agent.supervision import StopOrder, Supervision

_log = structlog.get_logger()
_JOURNAL_AGAIN_AFTER = 5.0  # seconds


class Agent:
    """Holds runs, executes them, and remembers what has to be reported."""

    def __init__(
        self, *, core: Core, journal: Journal, launcher: Launcher, clock: Clock, grace: float
    ) -> None:
        self._core = core
        self._journal = journal
        self._launcher = launcher
        self._clock = clock
        self._grace = grace
        self._live: dict[Lease, Supervision] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._incarnation: tuple[str, str] | None = None  # of the store, while it is not in the journal
        self.logs = LogPusher(on_pushed=self._pushed)
        self.demand_changed = asyncio.Event()
        self.reports_ready = asyncio.Event()
        self.activity = asyncio.Event()

    def restore(self) -> None:
        """Takes up everything that the journal still has. Called once, before the first connection."""
        for entry in self._journal.entries():
            self._restore(entry)

    def _restore(self, entry: Entry) -> None:
        lease = entry.run.lease
        if entry.completion is None:
            self._core.restore(lease, entry.run.source)
            self._spawn(self._adopted(self._supervise(entry.run)))
            return
        self.logs.follow(lease, self._journal.folder(lease), self._launcher.redaction(entry.run))
        self.logs.ended(lease)
        if entry.answered:
            self.logs.reported(lease)
        else:
            self._core.restore(lease, entry.run.source, entry.completion)

    # --- what the connection asks for

    def session_opened(self) -> None:
        self._core.session_opened()
        self.reports_ready.set()
        self.demand_changed.set()
        self.activity.set()

    def claim_stream_opened(self) -> None:
        self._core.claim_stream_opened()

    def now(self) -> float:
        """What its wall clock shows: a server tells people where that is wrong."""
        return self._clock.now()

    def held(self) -> tuple[Lease, ...]:
        return self._core.leases()

    def demand(self) -> Demand:
        return self._core.demand()

    def reports(self) -> list[Completion]:
        return self._core.reports()

    def beats(self) -> list[Beat]:
        """One heartbeat, with what the commands have told since the last one."""
        for lease, supervision in self._live.items():
            supervision.read_messages()
            told = supervision.messages.told
            progress = supervision.redaction.progress(told.progress)
            self._core.progressed(lease, progress, told.checkpoint)
        return self._core.beats()

    # --- what arrives

    def claimed(self, runs: Sequence[Run]) -> None:
        self._carry_out(self._core.claimed(runs))
        self.demand_changed.set()
        self.activity.set()

    def judged(self, judgements: Iterable[Judgement]) -> None:
        self._carry_out(self._core.judged(judgements))

    def answered(self, completion_ids: Iterable[str]) -> None:
        for lease in self._core.answered(completion_ids):
            self._journal.record_answer(lease, now=self._clock.now())
            self.logs.reported(lease)
        self._note_incarnation()
        self.activity.set()

    def store_is(self, store: str, incarnation: str) -> None:
        """The server has said on which store it works. One that was restored is told again what it was told before."""
        known = self._journal.incarnation
        if known is None or known[0] != store:
            self._journal.forget_answered()  # reports to another store are nothing to this one
        elif known[1] != incarnation:
            reports = list(self._journal.answered(now=self._clock.now()))
            _log.warning("the store was restored from a backup", reports=len(reports))
            self._core.repeat(reports)
        self._incarnation = (store, incarnation)
        self._note_incarnation()

    def _note_incarnation(self) -> None:
        """Once there is nothing left to repeat: an agent that is killed meanwhile begins again."""
        if self._incarnation is not None and not self._core.repeating:
            self._journal.record_incarnation(*self._incarnation)
            self._incarnation = None

    # --- stopping

    def drain(self) -> None:
        """Takes no more runs."""
        self._core.drain()
        self.demand_changed.set()

    def release(self) -> None:
        """Stops what runs, and gives it back."""
        self._carry_out(self._core.release("the agent was asked to stop"))

    @property
    def running(self) -> int:
        return self._core.running

    @property
    def idle(self) -> bool:
        """Nothing runs, everything is reported, and the output of what was reported is pushed."""
        return self._core.idle and self.logs.idle

    async def leave(self) -> None:
        """Stops watching. The commands go on, and the next agent with this state folder adopts them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._launcher.close()

    # --- carrying out

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Start(run=run):
                    self._spawn(self._claimed(self._supervise(run)))
                case Stop(lease=lease, outcome=outcome, reason=reason):
                    self._live[lease].stop(StopOrder(outcome=outcome, reason=reason))
                case Forget(lease=lease):
                    self.logs.forget(lease)
                    self._journal.remove(lease)
                case _:
                    assert_never(effect)

    def _supervise(self, run: Run) -> Supervision:
        # at once, not in the task: the next message may already say to stop it
        redaction = self._launcher.redaction(run)
        supervision = Supervision(
            run,
            journal=self._journal,
            launcher=self._launcher,
            redaction=redaction,
            clock=self._clock,
            grace=self._grace,
        )
        self._live[run.lease] = supervision
        self.logs.follow(run.lease, self._journal.folder(run.lease), redaction)
        return supervision

    def _spawn(self, life: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _claimed(self, supervision: Supervision) -> None:
        run = supervision.run
        try:
            await asyncio.to_thread(self._journal.claim, run)
        except OSError as error:
            reason = f"the agent's journal cannot be written: {error}"
            ending = Ending(outcome=Outcome.RELEASED, error=reason)
            self._end(_report(run, ending), run)
            return
        _log.info("run claimed", run=run.lease.run_id, slot=run.slot, attempt=run.attempt, source=run.source)
        await self._journal_and_end(run, await supervision.launch())

    async def _adopted(self, supervision: Supervision) -> None:
        run = supervision.run
        _log.info("run adopted", run=run.lease.run_id, slot=run.slot, attempt=run.attempt, source=run.source)
        await self._journal_and_end(run, await supervision.adopt())

    async def _journal_and_end(self, run: Run, ending: Ending) -> None:
        completion = _report(run, ending)
        while True:
            try:
                await asyncio.to_thread(self._journal.complete, completion)
                break
            except OSError as error:  # a full disk: the run stays held, its end is not lost, people are told
                _log.error("the journal cannot be written", run=run.lease.run_id, error=str(error))
                await asyncio.sleep(_JOURNAL_AGAIN_AFTER)
        self._end(completion, run)

    def _end(self, completion: Completion, run: Run) -> None:
        ending = completion.ending
        del self._live[run.lease]
        self.logs.ended(run.lease)
        self._carry_out(self._core.ended(completion))
        first_line = ending.error.partition("\n")[0]
        _log.info(
            "run ended",
            run=run.lease.run_id,
            slot=run.slot,
            outcome=ending.outcome.word,
            seconds=round(ending.ran_for, 3),
            **({"error": first_line} if first_line else {}),
        )
        self.reports_ready.set()
        self.demand_changed.set()
        self.activity.set()

    def _pushed(self, lease: Lease) -> None:
        self._journal.remove(lease)
        self.activity.set()


def _report(run: Run, ending: Ending) -> Completion:
    return Completion(lease=run.lease, completion_id=new_id(), ending=ending, slot=run.slot)
