"""What a benchmark is and what it yields: the registry of rows, their targets, and how samples become a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from benchmarks.laboratory import Laboratory


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
    """A row before it is measured. ``meaning`` says, in a line, what is measured and what the baseline is."""

    name: str
    meaning: str
    unit: str
    target: Target
    measure: Callable[[Laboratory], Measured]

    def run(self, laboratory: Laboratory) -> Row:
        measured = self.measure(laboratory)
        return Row(
            name=self.name,
            value=measured.value,
            unit=self.unit,
            baseline=measured.baseline,
            ratio=measured.ratio,
            target=str(self.target),
            ok=self.target.met(measured),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A measured benchmark: what ``-o json`` prints, key by key."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    target: str
    ok: bool


def in_turns(ours: Callable[[], float], baseline: Callable[[], float], *, samples: int) -> Measured:
    """Sample both in alternation, so that a noisy machine is noisy to both; the figures are the medians."""
    pairs: Sequence[tuple[float, float]] = [(baseline(), ours()) for _ in range(samples)]
    return Measured(value=median(mine for _, mine in pairs), baseline=median(raw for raw, _ in pairs))
