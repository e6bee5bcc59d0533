"""Seeds: those that have failed before, and as many others as a short while allows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.many import try_seeds
from tests.simulation.scenario import FAULTS
from tests.simulation.simulation import simulate

SEEDS = 1_000
"""Three to four minutes of processor time where other things are busy too; ``--seeds`` says otherwise."""

PAST = Path(__file__).with_name("seeds.txt")


def past_failures() -> list[int]:
    lines = (line.partition("#")[0].strip() for line in PAST.read_text().splitlines())
    return [int(line) for line in lines if line]


@pytest.mark.timeout(1800)
def test_every_invariant_holds_for_every_seed(request: pytest.FixtureRequest) -> None:
    """A failing seed is run again by ``pytest tests/simulation --seed N``."""
    chosen: list[int] | None = request.config.getoption("--seed", None)
    if chosen:
        for seed in chosen:
            simulate(seed)
        return
    number = request.config.getoption("--seeds", None) or SEEDS
    seeds = list(dict.fromkeys([*past_failures(), *range(number)]))
    faults: Counter[str] = Counter()
    failed: list[str] = []
    for outcome in try_seeds(seeds):
        faults += outcome.faults
        if outcome.violation:
            failed.append(f"pytest tests/simulation --seed {outcome.seed}   # {outcome.violation}")
    assert not failed, "\n" + "\n".join(failed)
    assert set(faults) == set(FAULTS), "a kind of fault that never strikes proves nothing"


def test_a_seed_is_the_same_every_time() -> None:
    first, second = simulate(3), simulate(3)

    assert first.log == second.log
    assert first.faults == second.faults


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("days", [pytest.param(31, id="a-month"), pytest.param(366, id="a-year")])
def test_a_long_time_with_every_fault(days: int) -> None:
    result = simulate(1, faults=frozenset(FAULTS), days=days)

    assert result.counts["run success"] > days / 10
