"""One row from beginning to end: waves of work, a fault in each, recovery timed, promises checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from benchmarks.provenance import now, revision
from tests.faults import checks
from tests.faults.declaration import Fault
from tests.faults.results import Result
from tests.faults.stores import Store
from tests.faults.world import World, world_of


def inflict(
    fault: Fault, folder: Path, *, store: str, seed: int, make_store: Callable[[], Store], times: int = 0
) -> Result:
    """Inject a fault ``times`` times, each in a wave of its own."""
    began = time.monotonic()
    recoveries: list[float] = []
    with world_of(fault, folder, Random(f"{seed} {fault.name} {store}"), make_store) as world:
        try:
            found = _inflict(world, times or fault.times, recoveries)
        except (AssertionError, OSError) as error:
            found = [*world.wrong, f"{type(error).__name__}: {error}"[:600]]
        figures = world.figures
    return Result(
        fault=fault.name,
        store=store,
        recoveries_s=[round(each, 2) for each in recoveries],
        violations=found,
        figures={name: round(value, 2) for name, value in figures.items()},
        took_s=round(time.monotonic() - began, 1),
        seed=seed,
        revision=revision(),
        at=now(),
    )


def _inflict(world: World, times: int, recoveries: list[float]) -> list[str]:
    everything: list[str] = []
    for number in range(times):
        slots = world.wave(number)
        everything += slots
        world.in_load(slots)
        world.healed()  # unless the fault says when it is over, it counts from its beginning
        world.fault.inject(world)
        slots = [slot for slot in slots if slot.partition("@")[2].partition("/")[0] in world.accounts]
        world.until(lambda slots=slots: world.settled(slots), "the wave is decided")
        recoveries.append(time.monotonic() - world.healed_at)
        world.injected += 1
    everything = [slot for slot in everything if slot.partition("@")[2].partition("/")[0] in world.accounts]
    return checks.violations(world, everything)
