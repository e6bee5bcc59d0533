"""Claim → run → complete of no-op runs, through real agent streams and a real server, beside the raw loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.frame import Benchmark, Measured, Target, in_turns
from benchmarks.laboratory import Kind, Laboratory
from benchmarks.noop_agents import Fleet
from benchmarks.raw_loop import RawLoop

SAMPLES = 5
DEFINITIONS = 10


def definitions(count: int) -> list[dict[str, Any]]:
    """Unrelated definitions that are due at once for every account."""
    return [
        {
            "name": f"noop_{number}",
            "source": "shell",
            "matrix": "account",
            "frequency": "one_off",
            "starts_on": "2020-01-01",
            "shell": {"argv": ["true"]},
        }
        for number in range(count)
    ]


def measured(
    laboratory: Laboratory, kind: Kind, *, agents: int, capacity: int, runs: int, samples: int = SAMPLES
) -> Measured:
    """Runs per second of a fleet, and of the raw loop on the same database; ``runs`` a sample, at scale 1."""
    accounts = laboratory.scaled(runs) // DEFINITIONS + 1
    each = accounts * DEFINITIONS
    warm_up = each // 2
    with laboratory.server(
        kind, definitions=definitions(DEFINITIONS), accounts=accounts * (samples + 1)
    ) as server:
        server.wait_for_waiting_runs(each * (samples + 1))
        raw = RawLoop(server.database)
        raw.fill(each * samples + warm_up)
        raw.drain(warm_up)
        with Fleet(server, agents=agents, capacity=capacity) as fleet:
            fleet.drain(warm_up)
            return in_turns(lambda: fleet.drain(each), lambda: raw.drain(each), samples=samples)


def _row(name: str, meaning: str, kind: Kind, *, agents: int, capacity: int, runs: int, ratio: float) -> Benchmark:
    return Benchmark(
        name=name,
        meaning=meaning,
        unit="runs/s",
        target=Target(of="ratio", at_least=ratio),
        measure=partial(measured, kind=kind, agents=agents, capacity=capacity, runs=runs),
    )


ROWS: Sequence[Benchmark] = (
    _row(
        "claim-complete-postgresql",
        "batches to 4 agents, beside the raw loop in batches of 100",
        "postgresql",
        agents=4,
        capacity=200,
        runs=6_000,
        ratio=0.5,
    ),
    _row(
        "claim-complete-sqlite",
        "the same, durable (synchronous=FULL)",
        "sqlite",
        agents=4,
        capacity=200,
        runs=6_000,
        ratio=0.4,
    ),
)
