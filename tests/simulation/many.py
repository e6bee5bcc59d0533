"""Many seeds on all processors: each seed is one thread of one process, and owes nothing to the others."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import structlog

from tests.simulation.simulation import simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a seed came by; ``violation`` is empty where everything held."""

    seed: int
    violation: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


def try_seed(seed: int) -> Outcome:
    try:
        result = simulate(seed)
    except Exception as error:
        return Outcome(seed=seed, violation=f"{type(error).__name__}: {error}")
    return Outcome(seed=seed, counts=result.counts, faults=result.faults)


def try_seeds(seeds: Iterable[int]) -> Iterator[Outcome]:
    """In the order of the seeds."""
    # spawned, not forked: the test process may have threads, and a fork copies whatever locks they hold
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=_silence) as pool:
        yield from pool.map(try_seed, seeds, chunksize=4)


def _silence() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
