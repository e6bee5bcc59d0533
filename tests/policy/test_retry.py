"""Retry policies: when the next try is due, and when there is none."""

from __future__ import annotations

import datetime as dt

import pytest

from conductor_server.model.definition import Retry
from conductor_server.model.states import RetryKind
from conductor_server.policy.retry import JITTER_BUCKETS, Exhausted, Retrying, RetrySettings, decide
from tests.support.build import HOUR, MINUTE, at

WINDOW_END = at("2026-11-20")

STANDARD = Retry()
EXTENDED = Retry(kind=RetryKind.STANDARD_EXTENDED)
BACKOFF = Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=5, base=MINUTE, factor=2, cap=5 * MINUTE)
ENDLESS = Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=10**6, base=MINUTE, factor=10, cap=HOUR)
DEADLINE = Retry(kind=RetryKind.UNTIL_DEADLINE, deadline=6 * HOUR)


def decision(
    retry: Retry, *, failures: int, after_window: dt.timedelta = HOUR, bucket: int = 0
) -> Retrying | Exhausted:
    return decide(
        retry,
        RetrySettings(),
        failures=failures,
        window_end=WINDOW_END,
        now=WINDOW_END + after_window,
        bucket=bucket,
    )


def test_a_deadline_may_come_before_the_retry() -> None:
    failed_at = WINDOW_END
    decided = decision(DEADLINE, failures=1)

    assert isinstance(decided, Retrying)
    assert decided.due(failed_at) == failed_at + 10 * MINUTE
    assert decided.due(failed_at + DEADLINE.deadline) == failed_at + DEADLINE.deadline


@pytest.mark.parametrize(
    ("retry", "failures", "delay"),
    [
        pytest.param(STANDARD, 1, 10 * MINUTE, id="standard-first"),
        pytest.param(STANDARD, 9, 10 * MINUTE, id="standard-last"),
        pytest.param(Retry(attempts=12), 11, 10 * MINUTE, id="standard-own-bound"),
        pytest.param(EXTENDED, 19, 10 * MINUTE, id="extended-last"),
        pytest.param(BACKOFF, 1, MINUTE, id="backoff-base"),
        pytest.param(BACKOFF, 2, 2 * MINUTE, id="backoff-doubles"),
        pytest.param(BACKOFF, 4, 5 * MINUTE, id="backoff-capped"),
        pytest.param(ENDLESS, 999_999, HOUR, id="backoff-never-overflows"),
        pytest.param(DEADLINE, 100, 10 * MINUTE, id="deadline-ahead"),
    ],
)
def test_retries(retry: Retry, failures: int, delay: dt.timedelta) -> None:
    decided = decision(retry, failures=failures)

    assert isinstance(decided, Retrying)
    assert decided.delay == delay


@pytest.mark.parametrize(
    ("retry", "failures", "after_window", "reason"),
    [
        pytest.param(STANDARD, 10, HOUR, "failed 10 times in a row", id="standard"),
        pytest.param(Retry(attempts=1), 1, HOUR, "failed 1 times in a row", id="standard-own-bound"),
        pytest.param(EXTENDED, 20, HOUR, "failed 20 times in a row", id="extended"),
        pytest.param(BACKOFF, 5, HOUR, "failed 5 times in a row", id="backoff"),
        pytest.param(DEADLINE, 1, 6 * HOUR, "its deadline 2026-11-20 06:00:00Z has passed", id="deadline"),
    ],
)
def test_gives_up(retry: Retry, failures: int, after_window: dt.timedelta, reason: str) -> None:
    given_up = decision(retry, failures=failures, after_window=after_window)

    assert isinstance(given_up, Exhausted)
    assert reason in given_up.reason


def test_jitter_spreads_below_the_delay() -> None:
    retry = Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=3, base=8 * MINUTE, jitter=0.5)

    delays = [decision(retry, failures=1, bucket=bucket) for bucket in range(JITTER_BUCKETS)]

    assert delays == [Retrying(delay=8 * MINUTE - bucket * MINUTE / 2) for bucket in range(JITTER_BUCKETS)]
