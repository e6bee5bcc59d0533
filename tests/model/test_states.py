"""The enums: numbers that are stored must never change, and statuses only lead forward."""

from __future__ import annotations

import pytest

from conductor_server.model.states import (
    LIVE_RUNS,
    RUN_TRANSITIONS,
    Frequency,
    Named,
    RetryKind,
    RunStatus,
    SlotState,
    StartPolicy,
)


@pytest.mark.parametrize(
    ("enum", "words"),
    [
        (Frequency, "hourly daily weekly monthly one_off cron"),
        (
            StartPolicy,
            "after_success after_success_and_reruns after_failure after_first_success after_first_failure",
        ),
        (RetryKind, "standard standard_extended exponential_backoff until_deadline"),
        (RunStatus, "waiting running timeout failed success cancelled released"),
        (SlotState, "open active succeeded failed skipped cancelled quarantined"),
    ],
)
def test_stored_numbers_stay(enum: type[Named], words: str) -> None:
    assert [member.word for member in sorted(enum)] == words.split()
    assert [int(member) for member in sorted(enum)] == list(range(len(enum)))


def test_a_word_leads_back_to_its_member() -> None:
    assert Frequency.of("one_off") is Frequency.ONE_OFF
    with pytest.raises(KeyError):
        Frequency.of("yearly")


def test_every_status_says_where_it_leads_and_none_leads_back() -> None:
    assert RUN_TRANSITIONS.keys() == set(RunStatus)
    assert all(not RUN_TRANSITIONS[status] for status in set(RunStatus) - set(LIVE_RUNS))
    assert RunStatus.WAITING not in set().union(*RUN_TRANSITIONS.values())
