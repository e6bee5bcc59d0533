"""The enums, with the integers that are stored, and the only ways from one state to the next.

The first members carry the integers of the system this one descends from; new members are appended.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Named(IntEnum):
    """An integer in the database, a lower-case word everywhere else."""

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Named:
        """The member of that word. Raises ``KeyError``."""
        return cls[word.upper()]


class Frequency(Named):
    """How often a definition runs; ``CRON`` stands for an expression."""

    HOURLY = 0
    DAILY = 1
    WEEKLY = 2
    MONTHLY = 3
    ONE_OFF = 4
    CRON = 5


class StartPolicy(Named):
    """When a slot may start, given its parents."""

    AFTER_SUCCESS = 0
    AFTER_SUCCESS_AND_RERUNS = 1
    AFTER_FAILURE = 2
    AFTER_FIRST_SUCCESS = 3
    AFTER_FIRST_FAILURE = 4


class RetryKind(Named):
    """What happens after a failed run."""

    STANDARD = 0
    STANDARD_EXTENDED = 1
    EXPONENTIAL_BACKOFF = 2
    UNTIL_DEADLINE = 3


class WindowRule(Named):
    """Which windows of a parent a child's window needs.

    ``AUTO`` follows from the two frequencies: overlap where the parent is finer, closed otherwise.
    """

    OVERLAP = 0
    CLOSED = 1
    PREVIOUS = 2
    NONE = 3
    AUTO = 4


class MemberRule(Named):
    """Which members of a parent's matrix a child's member needs."""

    SAME = 0
    ANCESTOR = 1
    DESCENDANTS = 2
    COUSINS = 3


class Catchup(Named):
    """What becomes of windows that closed while nobody was there to run them."""

    ALL = 0
    LATEST = 1
    NONE = 2


class SlotState(Named):
    """Where a slot stands. ``ACTIVE`` from its first run until that series is decided."""

    OPEN = 0
    ACTIVE = 1
    SUCCEEDED = 2
    FAILED = 3
    SKIPPED = 4
    CANCELLED = 5
    QUARANTINED = 6


class RunStatus(Named):
    """Where a run stands. It only moves forward."""

    WAITING = 0
    RUNNING = 1
    TIMEOUT = 2
    FAILED = 3
    SUCCESS = 4
    CANCELLED = 5
    RELEASED = 6


LIVE_RUNS = (RunStatus.WAITING, RunStatus.RUNNING)
"""Statuses of a run that has not ended: at most one such run a slot."""

RUN_TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.WAITING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset(
        {RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.CANCELLED, RunStatus.RELEASED}
    ),
    RunStatus.SUCCESS: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.TIMEOUT: frozenset(),
    RunStatus.CANCELLED: frozenset(),
    RunStatus.RELEASED: frozenset(),
}
"""Every step that a run may take; a status without one is terminal."""


class CreatedBy(Named):
    """Who asked for a run."""

    ENGINE = 0
    OPERATOR = 1


class Outcome(Named):
    """What became of a run, as its agent saw it."""

    SUCCEEDED = 1
    FAILED = 2
    TIMED_OUT = 3
    CANCELLED = 4
    RELEASED = 5


class Disposition(StrEnum):
    """What a final report did."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    LATE = "late"
    FENCED = "fenced"
    REMOVED = "removed"


class Verdict(StrEnum):
    """What the server wants of a run that an agent holds."""

    CONTINUE = "continue"
    CANCEL = "cancel"
    LEASE_LOST = "lease_lost"
    FORGET = "forget"


class Condition(StrEnum):
    """What a slot is doing, as people want to know it: the state, and why it is not the next one."""

    NOT_DUE = "not_due"
    WAITING_FOR_INPUTS = "waiting_for_inputs"
    BLOCKED = "blocked"
    PAUSED = "paused"
    MAINTENANCE = "maintenance"
    WAITING_FOR_CAPACITY = "waiting_for_capacity"
    QUEUED = "queued"
    NO_AGENT = "no_agent"
    RUNNING = "running"
    RETRYING = "retrying"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"
