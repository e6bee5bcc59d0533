"""What a final report does to a run and its slot: the decision table behind exactly-once recording."""

from __future__ import annotations

from dataclasses import dataclass

from conductor_server.model.states import Disposition, Outcome, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is recorded of the run that a report names."""

    status: RunStatus
    epoch: int
    agent: str | None
    completion_id: str | None


def disposition(run: RunFacts | None, *, agent: str, epoch: int, completion_id: str) -> Disposition:
    """What becomes of a report by that agent that carries that epoch and completion id. First match wins.

    A cancellation that was asked for does not change the answer: whichever of it and the end of the command is
    recorded first is what happened.
    """
    if run is None:
        return Disposition.REMOVED
    if run.completion_id == completion_id:
        return Disposition.DUPLICATE
    if run.epoch != epoch or run.agent != agent:
        return Disposition.FENCED
    if run.status is not RunStatus.RUNNING:
        return Disposition.LATE
    return Disposition.APPLIED


def status_after(outcome: Outcome) -> RunStatus:
    """The status that a run ends in. TIMEOUT is not among them: it says that no report came in time."""
    match outcome:
        case Outcome.SUCCEEDED:
            return RunStatus.SUCCESS
        case Outcome.FAILED | Outcome.TIMED_OUT:
            return RunStatus.FAILED
        case Outcome.CANCELLED:
            return RunStatus.CANCELLED
        case Outcome.RELEASED:
            return RunStatus.RELEASED
