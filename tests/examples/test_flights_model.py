"""The delay model: what it learns from data whose answer is known."""

from __future__ import annotations

import pytest
from delay_model import FEATURES, Conditions, DelayModel, fit


def hours(count: int = 12) -> list[Conditions]:
    return [
        Conditions(
            wind_speed=float(n % 5), precipitation=n % 3 / 10, visibility=10.0 - n % 4, hour_of_day=6 + n
        )
        for n in range(count)
    ]


def test_it_finds_the_rule_behind_the_delays() -> None:
    conditions = hours()
    rule = DelayModel(weights=(2.0, 1.5, 30.0, 0.5, 1.0, 0.0), error=0.0, error_of_the_mean=0.0)
    delays = [float(minutes) for minutes in rule.expected(conditions)]

    learnt = fit(conditions, delays=delays, flights=[1] * len(conditions), penalty=1e-9)

    assert learnt.weights == pytest.approx(rule.weights, abs=1e-4)
    assert learnt.error == pytest.approx(0.0, abs=1e-4)
    assert learnt.error_of_the_mean > 1


def test_hours_with_more_flights_count_for_more() -> None:
    same = [Conditions(wind_speed=5, precipitation=0, visibility=10, hour_of_day=8)] * 2

    learnt = fit(same, delays=[0.0, 30.0], flights=[2, 1])

    assert learnt.expected(same[:1])[0] == pytest.approx(10.0)


def test_a_feature_that_never_changes_is_harmless() -> None:
    dry = [Conditions(c.wind_speed, 0.0, 10.0, c.hour_of_day) for c in hours()]

    learnt = fit(dry, delays=[c.wind_speed for c in dry], flights=[1] * len(dry), penalty=1e-9)

    assert learnt.weights[1 + FEATURES.index("precipitation")] == pytest.approx(0.0)
    assert learnt.weights[1 + FEATURES.index("wind_speed")] == pytest.approx(1.0, abs=1e-4)


def test_no_departures_are_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="no departures to learn from"):
        fit([], delays=[], flights=[])


def test_nothing_to_forecast_is_no_forecast() -> None:
    assert len(DelayModel(weights=(0.0,) * 6, error=0.0, error_of_the_mean=0.0).expected([])) == 0
