"""From the declared start to the horizon, in portions; and what becomes of missed windows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from conductor_server.model.states import Catchup, Frequency
from conductor_server.model.window import Window
from conductor_server.policy.planning import (
    WINDOWS_MAX,
    declared_instant,
    missed,
    next_windows,
    planned_until,
)
from tests.support.build import HOUR, at


def planned(
    frequency: Frequency,
    *,
    since: str,
    horizon: str,
    ends_at: str = "",
    expression: str = "",
    timezone: str = "UTC",
) -> Sequence[Window]:
    return next_windows(
        frequency,
        expression,
        timezone,
        since=at(since),
        ends_at=at(ends_at) if ends_at else None,
        horizon=at(horizon),
    )


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        pytest.param("", "UTC", None, id="not-declared"),
        pytest.param("2026-11-01", "Asia/Kolkata", at("2026-10-31T18:30"), id="a-date-is-local-midnight"),
        pytest.param("2026-11-01T06:00:00", "America/New_York", at("2026-11-01T11:00"), id="a-wall-time"),
        pytest.param(
            "2026-11-01T06:00:00+00:00", "America/New_York", at("2026-11-01T06:00"), id="an-instant"
        ),
    ],
)
def test_declared_instants(text: str, timezone: str, expected: dt.datetime | None) -> None:
    assert declared_instant(text, timezone) == expected


def test_windows_that_start_before_the_horizon_and_the_end() -> None:
    found = planned(Frequency.DAILY, since="2026-11-20T12:00", horizon="2026-11-30", ends_at="2026-11-23")

    assert [window.label for window in found] == ["2026-11-21", "2026-11-22"]
    assert planned_until(found) == at("2026-11-23")


def test_a_start_far_back_is_worked_off_in_portions_that_tile() -> None:
    first = planned(Frequency.HOURLY, since="2026-01-01", horizon="2026-12-01")
    second = next_windows(
        Frequency.HOURLY, "", "UTC", since=planned_until(first), ends_at=None, horizon=at("2026-12-01")
    )

    assert len(first) == WINDOWS_MAX
    assert second[0].start == first[-1].end


def test_an_expression_that_pauses_for_long_is_not_lost_between_portions() -> None:
    found = planned(Frequency.CRON, expression="* 0 1 1 *", since="2026-06-01", horizon="2027-02-01")

    assert found[0].start == at("2027-01-01")


def test_a_one_off_is_planned_once() -> None:
    due = "2026-11-20T06:00:00+00:00"
    found = planned(Frequency.ONE_OFF, expression=due, since="2026-11-20T06:00", horizon="2026-11-30")

    again = next_windows(
        Frequency.ONE_OFF, due, "UTC", since=planned_until(found), ends_at=None, horizon=at("2026-11-30")
    )

    assert [window.label for window in found] == ["once"]
    assert not again


DUE = [
    Window(start=at("2026-11-20") + n * HOUR, end=at("2026-11-20") + (n + 1) * HOUR, label=str(n))
    for n in (1, 2, 3)
]


@pytest.mark.parametrize(
    ("catchup", "later", "expected"),
    [
        pytest.param(Catchup.ALL, False, [], id="all"),
        pytest.param(Catchup.LATEST, False, ["1", "2"], id="latest"),
        pytest.param(Catchup.LATEST, True, ["1", "2", "3"], id="latest-is-yet-to-come"),
        pytest.param(Catchup.NONE, False, ["1", "2", "3"], id="none"),
    ],
)
def test_missed_windows(catchup: Catchup, later: bool, expected: list[str]) -> None:
    assert [window.label for window in missed(DUE, catchup, later=later)] == expected
