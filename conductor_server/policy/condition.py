"""What a slot is doing: the one condition that it is in, and the sentence that says why.

The rules are tried in their order, and the first that holds counts. Like the start policies they are expressions over
facts that work on booleans and on SQLAlchemy columns alike, so that counting a hundred thousand slots in SQL and
explaining one of them cannot disagree. Facts are worded so that no rule has to negate one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from conductor_server.model.states import Condition, SlotState, StartPolicy
from conductor_server.policy.start import Counts

DECIDED: Mapping[SlotState, Condition] = {
    SlotState.SUCCEEDED: Condition.SUCCEEDED,
    SlotState.FAILED: Condition.FAILED,
    SlotState.SKIPPED: Condition.SKIPPED,
    SlotState.CANCELLED: Condition.CANCELLED,
    SlotState.QUARANTINED: Condition.QUARANTINED,
}
"""States that say it all: nothing happens to such a slot unless a person, or a parent's rerun, begins it anew."""

_OF_OPEN = frozenset({Condition.NOT_DUE, Condition.WAITING_FOR_INPUTS, Condition.BLOCKED})
_OF_ACTIVE = frozenset({Condition.RUNNING, Condition.RETRYING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides about the condition; booleans, or columns that hold them.

    - ``not_due``, ``waiting_for_inputs``: the slot is open, and its window, or its start policy, holds it.
    - ``blocked``: see ``is_blocked``.
    - ``running``, ``retrying``: its newest run is held by an agent; has failed, and the next is still to come.
    - ``paused``, ``maintenance``: of its definition, which may also be held; of its account.
    - ``waiting_for_capacity``: a limit is used up, or an earlier slot of a serial definition is unfinished.
    - ``without_agent``: no live agent serves its source.
    """

    state: Any
    not_due: Any
    running: Any
    blocked: Any
    paused: Any
    maintenance: Any
    retrying: Any
    waiting_for_inputs: Any
    waiting_for_capacity: Any
    without_agent: Any


def rules(facts: Facts) -> tuple[tuple[Any, Condition], ...]:
    """When each condition applies, in the order in which they are tried; ``QUEUED`` applies when none of them does.

    A block comes before a pause or a maintenance: it is what must be mended, and ending the other two would not help.
    Those come before what passes by itself.
    """
    return (
        *((facts.state == state, condition) for state, condition in DECIDED.items()),
        (facts.running, Condition.RUNNING),
        (facts.not_due, Condition.NOT_DUE),
        (facts.blocked, Condition.BLOCKED),
        (facts.paused, Condition.PAUSED),
        (facts.maintenance, Condition.MAINTENANCE),
        (facts.retrying, Condition.RETRYING),
        (facts.waiting_for_inputs, Condition.WAITING_FOR_INPUTS),
        (facts.waiting_for_capacity, Condition.WAITING_FOR_CAPACITY),
        (facts.without_agent, Condition.NO_AGENT),
    )


def condition_of(facts: Facts) -> Condition:
    """The condition of one slot."""
    return next((condition for holds, condition in rules(facts) if holds), Condition.QUEUED)


def states_with(conditions: Collection[Condition]) -> set[SlotState]:
    """The states that a slot in one of those conditions may have: what narrows a search for them."""
    states = {state for state, condition in DECIDED.items() if condition in conditions}
    undecided = set(conditions) - set(DECIDED.values())
    if undecided - _OF_ACTIVE:
        states.add(SlotState.OPEN)
    if undecided - _OF_OPEN:
        states.add(SlotState.ACTIVE)
    return states


def is_blocked(policy: StartPolicy, counts: Counts, stuck: Any) -> Any:
    """Whether an open slot of that policy waits for something that will not come by itself.

    ``stuck`` counts required parents that are quarantined, cancelled, missing, or blocked themselves. What can never
    start at all is skipped, not blocked (``start.never_starts``).
    """
    match policy:
        case StartPolicy.AFTER_SUCCESS | StartPolicy.AFTER_SUCCESS_AND_RERUNS:
            return (counts.failed + stuck) > 0
        case StartPolicy.AFTER_FAILURE:
            return stuck > 0
        case StartPolicy.AFTER_FIRST_SUCCESS:
            none_left = (counts.failed + counts.skipped + stuck) == counts.required
            return none_left & (stuck > 0) & (counts.ever_succeeded == 0)
        case StartPolicy.AFTER_FIRST_FAILURE:
            none_left = (counts.succeeded + counts.skipped + stuck) == counts.required
            return none_left & (stuck > 0) & (counts.ever_failed == 0)


def hinders(policy: StartPolicy, state: SlotState | None) -> bool:
    """Whether a parent in that state (``None``: it does not exist) stands in the way of a slot of that policy."""
    match policy:
        case (
            StartPolicy.AFTER_SUCCESS | StartPolicy.AFTER_SUCCESS_AND_RERUNS | StartPolicy.AFTER_FIRST_SUCCESS
        ):
            return state in (SlotState.FAILED, *STUCK)
        case StartPolicy.AFTER_FAILURE | StartPolicy.AFTER_FIRST_FAILURE:
            return state in STUCK


STUCK: tuple[SlotState | None, ...] = (SlotState.QUARANTINED, SlotState.CANCELLED, None)
"""States in which a parent helps no policy: neither a success nor a failure for good will come of it by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What the sentence about a condition names; which of these counts depends on the condition.

    ``said`` is what was recorded when the slot was decided, or why its definition is held. ``limit`` is in words.
    ``root`` is the slot in whose way something stands (``root_state`` is ``OPEN`` when that is a parent that does not
    exist); unless it is ``root_seen``, that does not name it.
    """

    definition: str
    source: str
    account: str
    due_at: dt.datetime
    said: str = ""
    attempts: int = 0
    agent: str = ""
    running_at: dt.datetime | None = None
    cancel_requested: bool = False
    failed_at: dt.datetime | None = None
    retry_at: dt.datetime | None = None
    maintenance_until: dt.datetime | None = None
    limit: str = ""
    required: int = 0
    satisfied: int = 0
    root: str = ""
    root_state: SlotState | None = None
    root_seen: bool = True


def sentence(condition: Condition, details: Details) -> str:
    """Why a slot is in that condition; empty where there is nothing to add."""
    match condition:
        case Condition.NOT_DUE:
            return f"it is due at {_clock(details.due_at)}"
        case Condition.WAITING_FOR_INPUTS:
            return f"{details.satisfied} of the {details.required} slots that it needs have done their part"
        case Condition.BLOCKED:
            return _block(details)
        case Condition.PAUSED if details.said:
            return f"{details.definition} is held: {details.said}"
        case Condition.PAUSED:
            return f"{details.definition} is paused: conductor-cli definitions resume {details.definition}"
        case Condition.MAINTENANCE:
            return f"{details.account} is in maintenance until {_clock(details.maintenance_until)}"
        case Condition.WAITING_FOR_CAPACITY:
            return details.limit or "an earlier slot of the same definition and member has to finish first"
        case Condition.QUEUED:
            return f"the next free agent for {details.source} takes it"
        case Condition.NO_AGENT:
            return (
                f"no live agent serves {details.source}: start one with "
                f"conductor-agent --source {details.source}"
            )
        case Condition.RUNNING:
            asked = ", which was asked to stop it" if details.cancel_requested else ""
            return f"attempt {details.attempts} runs on {details.agent}{asked} since {_clock(details.running_at)}"
        case Condition.RETRYING:
            again = f", the next begins at {_clock(details.retry_at)}" if details.retry_at else ""
            return f"attempt {details.attempts} failed at {_clock(details.failed_at)}{again}"
        case Condition.SUCCEEDED:
            return ""
        case Condition.FAILED | Condition.SKIPPED | Condition.CANCELLED | Condition.QUARANTINED:
            return details.said
        case _:
            assert_never(condition)


def state_in_words(state: SlotState | None) -> str:
    """What happened to the slot at the root of a block, as the end of a sentence that begins with its name."""
    match state:
        case None:
            return "does not exist"
        case SlotState.FAILED:
            return "has failed"
        case SlotState.QUARANTINED:
            return "is quarantined"
        case SlotState.CANCELLED:
            return "was cancelled"
        case _:
            return f"is {state.word}"


def _block(details: Details) -> str:
    if details.root_state is SlotState.OPEN and not details.root_seen:
        return f"{details.root} needs one that does not exist"
    if details.root_state is SlotState.OPEN:
        return f"{details.root} needs a slot that does not exist: conductor-cli slots show {details.root}"
    return f"{details.root} {state_in_words(details.root_state)}"


def _clock(instant: dt.datetime | None) -> str:
    return f"{instant:%F %T}Z" if instant else "an unknown time"
