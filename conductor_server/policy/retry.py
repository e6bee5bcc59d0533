"""Retry policies: after how many failed runs in a row a slot has failed for good, and how long to wait before each try.

The count begins anew with a success and with an operator's rerun. Losing an agent is no fault of the command: it counts
as a failed run, and apart from that towards quarantine.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from conductor_server.model.definition import Retry
from conductor_server.model.states import RetryKind

LOSSES_MAX = 3
"""Agents lost in a row, or hung, before a slot is quarantined: it may be the command that does that to them."""

JITTER_BUCKETS = 8
"""Slots are spread over this many delays, by their key, where a policy has jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """The bounds of the standard policies (``COMMAND_RETRIES_STANDARD_*``)."""

    attempts_max: int = 10
    extended_attempts_max: int = 20
    delay: dt.timedelta = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """Try again when the last failure is at least this long ago, if the deadline has not passed by then."""

    delay: dt.timedelta
    deadline: dt.datetime | None = None

    def due(self, failed_at: dt.datetime) -> dt.datetime:
        """When to decide again about a slot that failed then."""
        again = failed_at + self.delay
        return again if self.deadline is None else min(again, self.deadline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """No further try: the slot has failed."""

    reason: str


def quarantine_reason(losses: int) -> str:
    """What people are told."""
    return f"{losses} agents in a row were lost while running it, or did not stop it"


def decide(
    retry: Retry,
    settings: RetrySettings,
    *,
    failures: int,
    window_end: dt.datetime,
    now: dt.datetime,
    bucket: int,
) -> Retrying | Exhausted:
    """What follows ``failures`` failed runs in a row, of which the last has just been recorded.

    ``bucket`` in ``range(JITTER_BUCKETS)`` places the slot within the policy's jitter.
    """
    assert failures >= 1
    match retry.kind:
        case RetryKind.STANDARD | RetryKind.STANDARD_EXTENDED:
            attempts = retry.attempts or _standard_attempts(retry.kind, settings)
            if failures >= attempts:
                return Exhausted(reason=f"failed {failures} times in a row, as often as its policy allows")
            return Retrying(delay=settings.delay)
        case RetryKind.EXPONENTIAL_BACKOFF:
            if failures >= (retry.attempts or settings.attempts_max):
                return Exhausted(reason=f"failed {failures} times in a row, as often as its policy allows")
            return Retrying(delay=_backoff(retry, failures=failures, bucket=bucket))
        case RetryKind.UNTIL_DEADLINE:
            deadline = window_end + retry.deadline
            if now >= deadline:
                return Exhausted(
                    reason=f"failed {failures} times in a row, and its deadline {deadline:%F %T}Z has passed"
                )
            return Retrying(delay=settings.delay, deadline=deadline)


def _standard_attempts(kind: RetryKind, settings: RetrySettings) -> int:
    return settings.attempts_max if kind is RetryKind.STANDARD else settings.extended_attempts_max


def _backoff(retry: Retry, *, failures: int, bucket: int) -> dt.timedelta:
    """base × factor^(failures - 1), at most cap; jitter takes away up to that share of it, so the cap holds."""
    exponent = min(failures - 1, 1000)  # beyond it every factor above 1 is far over any cap
    try:
        seconds = min(retry.base.total_seconds() * retry.factor**exponent, retry.cap.total_seconds())
    except OverflowError:
        seconds = retry.cap.total_seconds()
    return dt.timedelta(seconds=seconds * (1 - retry.jitter * bucket / JITTER_BUCKETS))
