"""What a slot is doing: one condition for each set of facts, the same in Python and in SQL."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations, product

import pytest
import sqlalchemy as sa

from conductor_server.model.states import Condition, SlotState, StartPolicy
from conductor_server.policy.condition import (
    Details,
    Facts,
    condition_of,
    hinders,
    is_blocked,
    rules,
    sentence,
    states_with,
)
from conductor_server.policy.start import Counts, starts
from tests.support.build import at

NONE = Facts(
    state=SlotState.OPEN,
    not_due=False,
    running=False,
    blocked=False,
    paused=False,
    maintenance=False,
    retrying=False,
    waiting_for_inputs=False,
    waiting_for_capacity=False,
    without_agent=False,
)
NAMES = [field.name for field in fields(Facts) if field.name != "state"]
DETAILS = Details(definition="load", source="cron", account="acme", due_at=at("2026-11-20"))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"state": SlotState.SUCCEEDED}, Condition.SUCCEEDED, id="succeeded"),
        pytest.param({"state": SlotState.FAILED, "paused": True}, Condition.FAILED, id="failed-and-paused"),
        pytest.param({"state": SlotState.SKIPPED}, Condition.SKIPPED, id="skipped"),
        pytest.param({"state": SlotState.CANCELLED}, Condition.CANCELLED, id="cancelled"),
        pytest.param({"state": SlotState.QUARANTINED}, Condition.QUARANTINED, id="quarantined"),
        pytest.param({"running": True, "paused": True}, Condition.RUNNING, id="a-pause-stops-no-run"),
        pytest.param({"not_due": True, "paused": True}, Condition.NOT_DUE, id="not-due-before-paused"),
        pytest.param({"blocked": True, "paused": True}, Condition.BLOCKED, id="resuming-would-not-help"),
        pytest.param(
            {"paused": True, "waiting_for_inputs": True}, Condition.PAUSED, id="paused-while-waiting"
        ),
        pytest.param({"maintenance": True, "retrying": True}, Condition.MAINTENANCE, id="no-retry-meanwhile"),
        pytest.param({"retrying": True, "without_agent": True}, Condition.RETRYING, id="retrying"),
        pytest.param(
            {"waiting_for_inputs": True, "without_agent": True},
            Condition.WAITING_FOR_INPUTS,
            id="inputs-first",
        ),
        pytest.param(
            {"waiting_for_capacity": True, "without_agent": True},
            Condition.WAITING_FOR_CAPACITY,
            id="capacity",
        ),
        pytest.param({"without_agent": True}, Condition.NO_AGENT, id="nobody-serves-the-source"),
        pytest.param({}, Condition.QUEUED, id="ready"),
    ],
)
def test_the_condition_of_facts(facts: dict[str, object], expected: Condition) -> None:
    assert condition_of(replace(NONE, **facts)) is expected


def test_sql_sees_what_python_sees() -> None:
    """Every pair of facts together with every state, as one statement."""
    cases = [
        replace(NONE, state=state, **dict.fromkeys(true, True))
        for state in SlotState
        for true in [(), *((name,) for name in NAMES), *combinations(NAMES, 2)]
    ]
    rows = sa.union_all(
        *(
            sa.select(
                sa.literal(number).label("number"),
                *(sa.literal(getattr(case, field.name)).label(field.name) for field in fields(Facts)),
            )
            for number, case in enumerate(cases)
        )
    ).subquery()
    columns = Facts(**{field.name: rows.c[field.name] for field in fields(Facts)})
    word = sa.case(*((holds, str(condition)) for holds, condition in rules(columns)), else_="queued")
    with sa.create_engine("sqlite://").connect() as db:
        seen = db.execute(sa.select(word).select_from(rows).order_by(rows.c.number)).scalars().all()
    assert seen == [str(condition_of(case)) for case in cases]


@pytest.mark.parametrize("condition", list(Condition), ids=str)
def test_a_search_looks_only_where_the_condition_can_be(condition: Condition) -> None:
    """Facts that the store derives from the state hold for that state only."""
    open_only, active_only = ("not_due", "blocked", "waiting_for_inputs"), ("running", "retrying")
    possible = {
        case.state
        for state in SlotState
        for name in [None, *NAMES]
        if (
            case := replace(NONE, state=state) if name is None else replace(NONE, state=state, **{name: True})
        )
        and not (name in open_only and state is not SlotState.OPEN)
        and not (name in active_only and state is not SlotState.ACTIVE)
        and condition_of(case) is condition
    }
    assert possible <= states_with([condition])


def counts(**some: int) -> Counts:
    names = [field.name for field in fields(Counts)]
    return Counts(**(dict.fromkeys(names, 0) | some))


@pytest.mark.parametrize(
    ("policy", "some", "stuck", "expected"),
    [
        pytest.param("after_success", {"required": 2, "succeeded": 1}, 0, False, id="success-still-coming"),
        pytest.param("after_success", {"required": 2, "failed": 1}, 0, True, id="success-one-failed"),
        pytest.param("after_success_and_reruns", {"required": 2}, 1, True, id="reruns-one-stuck"),
        pytest.param("after_failure", {"required": 2, "failed": 1}, 0, False, id="failure-wants-failures"),
        pytest.param("after_failure", {"required": 2, "failed": 1}, 1, True, id="failure-one-stuck"),
        pytest.param("after_first_success", {"required": 2, "failed": 1}, 0, False, id="first-one-may-come"),
        pytest.param("after_first_success", {"required": 2, "failed": 1}, 1, True, id="first-none-can-come"),
        pytest.param(
            "after_first_success", {"required": 2, "ever_succeeded": 1}, 2, False, id="first-has-come"
        ),
        pytest.param(
            "after_first_failure", {"required": 2, "succeeded": 1}, 1, True, id="first-failure-none"
        ),
        pytest.param("after_first_failure", {"required": 2}, 1, False, id="first-failure-may-come"),
    ],
)
def test_what_blocks(policy: str, some: dict[str, int], stuck: int, expected: bool) -> None:
    assert is_blocked(StartPolicy[policy.upper()], counts(**some), stuck) is expected


@pytest.mark.parametrize("policy", list(StartPolicy), ids=lambda policy: policy.word)
def test_what_may_start_is_not_blocked(policy: StartPolicy) -> None:
    for succeeded, failed, skipped, pending, stuck in product(range(3), repeat=5):
        case = counts(
            required=succeeded + failed + skipped + pending + stuck,
            succeeded=succeeded,
            failed=failed,
            skipped=skipped,
            ever_succeeded=succeeded,
            ever_failed=failed,
        )
        assert not (starts(policy, case) and is_blocked(policy, case, stuck))


@pytest.mark.parametrize(
    ("policy", "state", "expected"),
    [
        (StartPolicy.AFTER_SUCCESS, SlotState.FAILED, True),
        (StartPolicy.AFTER_SUCCESS, SlotState.QUARANTINED, True),
        (StartPolicy.AFTER_SUCCESS, None, True),
        (StartPolicy.AFTER_SUCCESS, SlotState.ACTIVE, False),
        (StartPolicy.AFTER_FAILURE, SlotState.FAILED, False),
        (StartPolicy.AFTER_FAILURE, SlotState.CANCELLED, True),
        (StartPolicy.AFTER_FIRST_SUCCESS, SlotState.FAILED, True),
        (StartPolicy.AFTER_FIRST_FAILURE, SlotState.FAILED, False),
    ],
)
def test_which_parents_stand_in_the_way(policy: StartPolicy, state: SlotState | None, expected: bool) -> None:
    assert hinders(policy, state) is expected


@pytest.mark.parametrize(
    ("condition", "details", "expected"),
    [
        pytest.param(
            Condition.BLOCKED,
            {"root": "load@acme/2026-11-19", "root_state": SlotState.QUARANTINED},
            "load@acme/2026-11-19 is quarantined",
            id="blocked",
        ),
        pytest.param(Condition.NOT_DUE, {}, "it is due at 2026-11-20 00:00:00Z", id="not-due"),
        pytest.param(
            Condition.RETRYING,
            {"attempts": 2, "failed_at": at("2026-11-20T03:00"), "retry_at": at("2026-11-20T03:10")},
            "attempt 2 failed at 2026-11-20 03:00:00Z, the next begins at 2026-11-20 03:10:00Z",
            id="retrying",
        ),
        pytest.param(
            Condition.NO_AGENT,
            {},
            "no live agent serves cron: start one with conductor-agent --source cron",
            id="no-agent",
        ),
        pytest.param(
            Condition.FAILED, {"said": "failed 3 times in a row"}, "failed 3 times in a row", id="said"
        ),
    ],
)
def test_the_sentence(condition: Condition, details: dict[str, object], expected: str) -> None:
    assert sentence(condition, replace(DETAILS, **details)) == expected


@pytest.mark.parametrize("condition", list(Condition), ids=str)
def test_every_condition_has_a_sentence_on_one_line(condition: Condition) -> None:
    assert "\n" not in sentence(condition, DETAILS)
