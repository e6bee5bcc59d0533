"""Claim → run → complete of no-op runs, through real agent streams and a real server, beside the raw loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.frame import Benchmark, Measured, Target, in_turns
from benchmarks.laboratory import Kind, Laboratory, Server
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


@contextmanager
def waiting(laboratory: Laboratory, kind: Kind, *, runs: int, servers: int = 1) -> Iterator[Sequence[Server]]:
    """Servers on one database, with that many runs waiting for the warm-up and for every sample."""
    enough = runs * (SAMPLES + 1)
    accounts = math.ceil(enough / DEFINITIONS)
    with laboratory.servers(
        kind, definitions=definitions(DEFINITIONS), accounts=accounts, count=servers
    ) as started:
        started[0].wait_for_waiting_runs(enough)
        yield started


@contextmanager
def _loaded(laboratory: Laboratory, kind: Kind, *, runs: int) -> Iterator[tuple[Server, RawLoop]]:
    """A server and a raw queue beside it, each with enough to do."""
    with waiting(laboratory, kind, runs=runs) as (server,):
        raw = RawLoop(server.database)
        raw.fill(runs * (SAMPLES + 1))
        yield server, raw


def batches(laboratory: Laboratory, *, kind: Kind) -> Measured:
    """Runs per second of 4 agents that take many at once, beside the raw loop."""
    runs = 4 * laboratory.scaled(1_250)
    with (
        _loaded(laboratory, kind, runs=runs) as (server, raw),
        Fleet(server, agents=4, capacity=200) as fleet,
    ):
        raw.drain(runs)
        fleet.drain(runs)
        return in_turns(lambda: fleet.drain(runs), lambda: raw.drain(runs), samples=SAMPLES)


def singles(laboratory: Laboratory, *, kind: Kind) -> Measured:
    """Runs per second of 64 agents that take one run at a time, beside the same agents on the prototype."""
    runs = 64 * laboratory.scaled(30)
    with (
        _loaded(laboratory, kind, runs=runs) as (server, raw),
        laboratory.prototype(raw.database) as prototype,
        Fleet(server, agents=64, capacity=1) as fleet,
        Fleet(prototype, agents=64, capacity=1) as bare,
    ):
        bare.drain(runs)
        fleet.drain(runs)
        return in_turns(lambda: fleet.drain(runs), lambda: bare.drain(runs), samples=SAMPLES)


def _row(
    name: str, meaning: str, measure: Callable[..., Measured], *, kind: Kind, at_least: float
) -> Benchmark:
    return Benchmark(
        name=f"{name}-{kind}",
        meaning=meaning,
        unit="runs/s",
        target=Target(of="ratio", at_least=at_least),
        measure=partial(measure, kind=kind),
    )


_BATCHES = "claim, run, complete of no-op runs by 4 agents, beside the raw loop of 100 a transaction"
_SINGLES = "the same by 64 agents of one run at a time, beside the prototype"

ROWS: Sequence[Benchmark] = (
    _row("claim-complete", _BATCHES, batches, kind="postgresql", at_least=0.5),
    _row("claim-complete", _BATCHES, batches, kind="sqlite", at_least=0.4),
    _row("single-runs-64-streams", _SINGLES, singles, kind="postgresql", at_least=0.6),
    _row("single-runs-64-streams", _SINGLES, singles, kind="sqlite", at_least=0.6),
)
