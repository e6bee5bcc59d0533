"""How weather and the hour of the day turn into delay: a ridge regression, small enough to read.

Features are standardised, so that one penalty suits all of them. A row weighs as much as it has flights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FEATURES = ("wind_speed", "precipitation", "poor_visibility", "hour", "hour_squared")
CLEAR_MILES = 10.0  # weather stations report no better visibility than this
FIRST_DEPARTURE = 5


class Conditions(NamedTuple):
    """What an hour at an airport was like: mph, inches, miles, hour in New York."""

    wind_speed: float
    precipitation: float
    visibility: float
    hour_of_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayModel:
    """``weights`` has the intercept first, then one per feature, for raw features, not standardised ones."""

    weights: tuple[float, ...]
    error: float
    error_of_the_mean: float

    def expected(self, conditions: Sequence[Conditions]) -> NDArray[np.float64]:
        """Minutes of delay for each of these conditions."""
        minutes: NDArray[np.float64] = _with_intercept(features(conditions)) @ np.array(self.weights)
        return minutes


def features(conditions: Sequence[Conditions]) -> NDArray[np.float64]:
    """One row per condition, one column per name in ``FEATURES``. Delays build up over a day: squares."""
    wind, rain, visibility, hour = np.array(conditions, dtype=float).reshape(-1, 4).T
    since_opening = np.maximum(0.0, hour - FIRST_DEPARTURE)
    return np.column_stack([wind, rain, CLEAR_MILES - visibility, since_opening, since_opening**2])


def fit(
    conditions: Sequence[Conditions], *, delays: Sequence[float], flights: Sequence[int], penalty: float = 1.0
) -> DelayModel:
    """The model that explains these mean delays best. Raises ``ValueError`` when there are none."""
    if not conditions:
        raise ValueError("no departures to learn from: has update_weather_impact run?")
    raw, target, weight = features(conditions), np.array(delays), np.array(flights, dtype=float)
    mean = np.average(raw, axis=0, weights=weight)
    spread = np.sqrt(np.average((raw - mean) ** 2, axis=0, weights=weight))
    spread[spread == 0] = 1.0  # a feature that never changes, such as rain in a dry week, teaches nothing
    standardised = _with_intercept((raw - mean) / spread)

    shrink = penalty * np.eye(standardised.shape[1])
    shrink[0, 0] = 0.0  # the intercept is free
    weighted = standardised * weight[:, None]
    solution = np.linalg.solve(standardised.T @ weighted + shrink, weighted.T @ target)

    slopes = solution[1:] / spread
    weights = (solution[0] - slopes @ mean, *slopes)
    return DelayModel(
        weights=tuple(float(number) for number in weights),
        error=_error(standardised @ solution - target, weight),
        error_of_the_mean=_error(np.average(target, weights=weight) - target, weight),
    )


def _with_intercept(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([np.ones(len(columns)), columns])


def _error(residuals: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.average(residuals**2, weights=weight)))
