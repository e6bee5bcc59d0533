"""The checker is checked: with a mistake in the product, a few seeds are enough to notice."""

from __future__ import annotations

import pytest

from tests.simulation.mutations import ABSORBED, MUTATIONS
from tests.simulation.scenario import FAULTS
from tests.simulation.simulation import simulate
from tests.support.history import Violation

SEEDS_MAX = 200
FIRST = 10_000
"""Seeds of their own, so that a mutation is not caught by a seed that was chosen for it."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mistake_is_caught(name: str) -> None:
    known = MUTATIONS[name]
    with known.mutation():
        caught = any(_is_caught(seed, known.faults) for seed in range(FIRST, FIRST + SEEDS_MAX))

    assert caught, f"{SEEDS_MAX} seeds did not notice: {known.mutation.__doc__}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ABSORBED)
def test_a_mistake_that_another_guard_absorbs(name: str) -> None:
    """When one of these is caught, its other guard has gone: then it belongs among the mutations."""
    known = ABSORBED[name]
    with known.mutation():
        caught = any(_is_caught(seed, frozenset(FAULTS)) for seed in range(FIRST, FIRST + 3))

    assert not caught, f"no longer absorbed by this: {known.guard}"


def _is_caught(seed: int, faults: frozenset[str]) -> bool:
    try:
        simulate(seed, faults=faults)
    except Violation:
        return True
    return False
