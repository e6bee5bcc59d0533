"""What a benchmark is and what it yields: the registry of rows, their targets, and how samples become a figure.

A row has one bound. What has several (faster than a peer, and half as fast as the raw limit) is several rows that show
parts of one measurement: ``shared`` sees to it that it is taken once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from statistics import median
from typing import Any, Literal, ParamSpec, TypeVar

from benchmarks.laboratory import Laboratory

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure, and where there is one the figure of the raw limit or peer measured beside it, in the same unit."""

    value: float
    baseline: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.baseline is None else self.value / self.baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a row has to reach: a bound on its ratio to the baseline, or on its value."""

    of: Literal["ratio", "value"]
    at_least: float | None = None
    at_most: float | None = None

    def met(self, measured: Measured) -> bool:
        reached = measured.ratio if self.of == "ratio" else measured.value
        assert reached is not None, "a bound on the ratio needs a baseline"
        return (self.at_least is None or reached >= self.at_least) and (
            self.at_most is None or reached <= self.at_most
        )

    def __str__(self) -> str:
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return " and ".join(f"{self.of} {sign} {bound:g}" for sign, bound in bounds if bound is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A row before it is measured. ``meaning`` says, in a line, what is measured and what the baseline is.

    Without a ``target`` it is reported for what it is, and cannot be missed.
    """

    name: str
    meaning: str
    unit: str
    measure: Callable[[Laboratory], Measured]
    target: Target | None = None

    def run(self, laboratory: Laboratory) -> Row:
        """Raises nothing: what goes wrong in the measurement makes a row that says so."""
        try:
            measured = self.measure(laboratory)
        except Exception as error:
            return self._row(None, error=f"{type(error).__name__}: {error}")
        return self._row(measured, error=None)

    def _row(self, measured: Measured | None, *, error: str | None) -> Row:
        return Row(
            name=self.name,
            value=measured.value if measured else None,
            unit=self.unit,
            baseline=measured.baseline if measured else None,
            ratio=measured.ratio if measured else None,
            target=str(self.target) if self.target else None,
            ok=measured is not None and (self.target is None or self.target.met(measured)),
            meaning=self.meaning,
            error=error,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A measured benchmark: what ``-o json`` prints, key by key. ``error`` says why there is no value."""

    name: str
    value: float | None
    unit: str
    baseline: float | None
    ratio: float | None
    target: str | None
    ok: bool
    meaning: str
    error: str | None


def number(value: float | None) -> str:
    """A figure as people read it: three digits, or all that stand before the point."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def in_turns(ours: Callable[[], float], baseline: Callable[[], float], *, samples: int) -> Measured:
    """Sample both in alternation, so that a noisy machine is noisy to both; the figures are the medians."""
    medians = medians_in_turns({"baseline": baseline, "ours": ours}, samples=samples)
    return Measured(value=medians["ours"], baseline=medians["baseline"])


def medians_in_turns(candidates: Mapping[str, Callable[[], float]], *, samples: int) -> Mapping[str, float]:
    """The same for any number of them: the median of each, by name."""
    rounds = [{name: sample() for name, sample in candidates.items()} for _ in range(samples)]
    return {name: median(each[name] for each in rounds) for name in candidates}


def shared(measure: Callable[P, T]) -> Callable[P, T]:
    """Measure once, for all the rows that show a part of it. A failure is kept too, and raised to each of them."""
    kept: dict[Any, tuple[T] | Exception] = {}

    @wraps(measure)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> T:
        key = (args, frozenset(kwargs.items()))
        if key not in kept:
            try:
                kept[key] = (measure(*args, **kwargs),)
            except Exception as broken:
                kept[key] = broken
        match kept[key]:
            case Exception() as error:
                raise error
            case (value,):
                return value

    return remembered
