"""Start policies: what each makes of its parents, as a table; once as integers and once as SQL."""

from __future__ import annotations

from collections import Counter

import pytest
import sqlalchemy as sa

from conductor_server.model.states import SlotState, StartPolicy
from conductor_server.policy.start import SKIP_REASONS, Counts, never_starts, starts

OPEN, ACTIVE, CANCELLED = SlotState.OPEN, SlotState.ACTIVE, SlotState.CANCELLED
SUCCEEDED, FAILED, SKIPPED = SlotState.SUCCEEDED, SlotState.FAILED, SlotState.SKIPPED

STARTS, WAITS, SKIPS = "starts", "waits", "is skipped"

SUCCESS = StartPolicy.AFTER_SUCCESS
RERUNS = StartPolicy.AFTER_SUCCESS_AND_RERUNS
FAILURE = StartPolicy.AFTER_FAILURE
FIRST_SUCCESS = StartPolicy.AFTER_FIRST_SUCCESS
FIRST_FAILURE = StartPolicy.AFTER_FIRST_FAILURE


def counts(*parents: SlotState, required: int | None = None, ever_failed: int = 0) -> Counts:
    """Of slots in these states, none of which had another state before, unless it is said how many once failed."""
    number = Counter(parents)
    return Counts(
        required=len(parents) if required is None else required,
        succeeded=number[SUCCEEDED],
        failed=number[FAILED],
        skipped=number[SKIPPED],
        ever_succeeded=number[SUCCEEDED],
        ever_failed=number[FAILED] + ever_failed,
    )


TABLE = [
    # policy, required parents, what happens
    pytest.param(SUCCESS, counts(), STARTS, id="success-no-parents"),
    pytest.param(SUCCESS, counts(SUCCEEDED, SUCCEEDED), STARTS, id="success-all-succeeded"),
    pytest.param(SUCCESS, counts(SUCCEEDED, OPEN), WAITS, id="success-one-open"),
    pytest.param(SUCCESS, counts(SUCCEEDED, ACTIVE), WAITS, id="success-one-running"),
    pytest.param(SUCCESS, counts(SUCCEEDED, FAILED), WAITS, id="success-one-failed-may-be-rerun"),
    pytest.param(SUCCESS, counts(SUCCEEDED, CANCELLED), WAITS, id="success-one-cancelled"),
    pytest.param(SUCCESS, counts(SUCCEEDED, required=2), WAITS, id="success-one-does-not-exist"),
    pytest.param(SUCCESS, counts(SUCCEEDED, SKIPPED), SKIPS, id="success-one-skipped"),
    pytest.param(RERUNS, counts(SUCCEEDED), STARTS, id="reruns-all-succeeded"),
    pytest.param(RERUNS, counts(SUCCEEDED, ACTIVE), WAITS, id="reruns-one-not-settled"),
    pytest.param(RERUNS, counts(SKIPPED, ACTIVE), SKIPS, id="reruns-one-skipped"),
    pytest.param(FAILURE, counts(), WAITS, id="failure-no-parents-never"),
    pytest.param(FAILURE, counts(FAILED, FAILED), STARTS, id="failure-all-failed"),
    pytest.param(FAILURE, counts(FAILED, OPEN), WAITS, id="failure-one-open"),
    pytest.param(FAILURE, counts(FAILED, SUCCEEDED), SKIPS, id="failure-one-succeeded"),
    pytest.param(FAILURE, counts(FAILED, SKIPPED), SKIPS, id="failure-one-skipped"),
    pytest.param(FAILURE, counts(ACTIVE, ever_failed=1), WAITS, id="failure-retrying-is-not-for-good"),
    pytest.param(FIRST_SUCCESS, counts(), STARTS, id="first-success-no-parents"),
    pytest.param(FIRST_SUCCESS, counts(SUCCEEDED, OPEN), STARTS, id="first-success-one-succeeded"),
    pytest.param(FIRST_SUCCESS, counts(FAILED, SUCCEEDED), STARTS, id="first-success-and-a-failure"),
    pytest.param(FIRST_SUCCESS, counts(FAILED, OPEN), WAITS, id="first-success-one-failed-one-open"),
    pytest.param(FIRST_SUCCESS, counts(FAILED, SKIPPED), SKIPS, id="first-success-none-left"),
    pytest.param(FIRST_SUCCESS, counts(FAILED, CANCELLED), WAITS, id="first-success-cancelled-may-be-rerun"),
    pytest.param(FIRST_FAILURE, counts(OPEN, ACTIVE, ever_failed=1), STARTS, id="first-failure-one-retrying"),
    pytest.param(FIRST_FAILURE, counts(SUCCEEDED, ever_failed=1), STARTS, id="first-failure-mended-since"),
    pytest.param(FIRST_FAILURE, counts(SUCCEEDED, OPEN), WAITS, id="first-failure-one-open"),
    pytest.param(FIRST_FAILURE, counts(SUCCEEDED, SKIPPED), SKIPS, id="first-failure-none-left"),
    pytest.param(FIRST_FAILURE, counts(), WAITS, id="first-failure-no-parents-never"),
]


@pytest.mark.parametrize(("policy", "parents", "expected"), TABLE)
def test_what_a_policy_makes_of_its_parents(policy: StartPolicy, parents: Counts, expected: str) -> None:
    assert outcome(bool(starts(policy, parents)), bool(never_starts(policy, parents))) == expected


@pytest.mark.parametrize(("policy", "parents", "expected"), TABLE)
def test_sql_decides_alike(policy: StartPolicy, parents: Counts, expected: str) -> None:
    columns = Counts(**{name: sa.literal(getattr(parents, name)) for name in Counts.__dataclass_fields__})
    query = sa.select(starts(policy, columns), never_starts(policy, columns))

    with sa.create_engine("sqlite://").connect() as db:
        row = db.execute(query).one()

    assert outcome(*map(bool, row)) == expected


def test_every_policy_says_why_it_skips() -> None:
    assert SKIP_REASONS.keys() == set(StartPolicy)


def outcome(starting: bool, hopeless: bool) -> str:
    assert not (starting and hopeless), "a slot cannot both start and never start"
    return STARTS if starting else SKIPS if hopeless else WAITS
