"""Several servers on one PostgreSQL, and what a night costs each part: what the model of scale.md reckons with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.frame import Benchmark, Measured, medians_in_turns, shared
from benchmarks.laboratory import Laboratory
from benchmarks.meter import Cost, Meter
from benchmarks.noop_agents import Fleet
from benchmarks.rows.claim_complete import DEFINITIONS, SAMPLES, definitions, waiting

SERVERS = (1, 2, 4)
NIGHT = 100_000
SMALL_NIGHT = 20_000
SLICES = 20
"""A night is drained in so many parts, each with its guard against agents that hang."""

M = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many of the servers at work: runs per second, and what PostgreSQL needed for one."""

    per_second: float
    postgresql_cpu_s: float


@shared
def crowds(laboratory: Laboratory) -> Mapping[int, Crowd]:
    """By how many of the servers on the database 8 agents are connected to; the others stand by."""
    runs = 8 * laboratory.scaled(400)
    spent = dict.fromkeys(SERVERS, 0.0)

    def drain(fleet: Fleet, count: int) -> float:
        before = meter.read()
        rate = fleet.drain(runs)
        spent[count] += (meter.read() - before).per(runs).postgresql_cpu_s / SAMPLES
        return rate

    with ExitStack() as stack:
        servers = stack.enter_context(
            waiting(laboratory, "postgresql", runs=len(SERVERS) * runs, servers=max(SERVERS))
        )
        meter = Meter(servers)
        drains: dict[str, Callable[[], float]] = {}
        for count in SERVERS:
            fleet = stack.enter_context(Fleet(*servers[:count], agents=8, capacity=100, name=f"of-{count}"))
            fleet.drain(runs)
            drains[str(count)] = partial(drain, fleet, count)
        rates = medians_in_turns(drains, samples=SAMPLES)
    return {n: Crowd(per_second=rates[str(n)], postgresql_cpu_s=spent[n]) for n in SERVERS}


@shared
def night(laboratory: Laboratory, runs: int) -> Cost:
    """All that a night of so many slots costs one server, from when it listens until the last report is acknowledged.

    For each run, and of one run; a server at rest and its start are not in it.
    """
    accounts = 8 * laboratory.scaled(runs // DEFINITIONS // 8)  # slices and agents come out even
    runs = accounts * DEFINITIONS
    with laboratory.server("postgresql", definitions=definitions(DEFINITIONS), accounts=accounts) as server:
        meter = Meter([server])
        before = meter.read()
        server.wait_for_waiting_runs(runs)
        with Fleet(server, agents=4, capacity=200) as fleet:
            for _ in range(SLICES):
                fleet.drain(runs // SLICES)
        return (meter.read() - before).per(runs)


def _crowd(count: int, name: str, meaning: str, unit: str, of: Callable[[Crowd], float]) -> Benchmark:
    return Benchmark(
        name=f"servers-{count}{name}",
        meaning=f"{meaning}: 8 agents at {count} of {max(SERVERS)} servers on one PostgreSQL and machine, beside one",
        unit=unit,
        measure=lambda laboratory: Measured(
            value=of(crowds(laboratory)[count]), baseline=of(crowds(laboratory)[1])
        ),
    )


def _cost(name: str, meaning: str, unit: str, of: Callable[[Cost], float]) -> Benchmark:
    return Benchmark(
        name=f"night-{name}",
        meaning=f"{meaning}, from slot to report: a night of {NIGHT:,} on PostgreSQL, beside one of {SMALL_NIGHT:,}",
        unit=unit,
        measure=lambda laboratory: Measured(
            value=of(night(laboratory, NIGHT)), baseline=of(night(laboratory, SMALL_NIGHT))
        ),
    )


ROWS: Sequence[Benchmark] = (
    *(_crowd(n, "", "claim, run, complete", "runs/s", lambda each: each.per_second) for n in SERVERS),
    *(
        _crowd(
            n,
            "-postgresql-cpu",
            "PostgreSQL's processor time",
            "s/M runs",
            lambda each: each.postgresql_cpu_s * M,
        )
        for n in SERVERS
    ),
    _cost("rate", "runs of one server", "runs/s", lambda each: 1 / each.wall_s),
    _cost("server-cpu", "the server's processor time", "s/M runs", lambda each: each.servers_cpu_s * M),
    _cost(
        "postgresql-cpu", "PostgreSQL's processor time", "s/M runs", lambda each: each.postgresql_cpu_s * M
    ),
    _cost(
        "agents-cpu",
        "processor time of agents that do nothing",
        "s/M runs",
        lambda each: each.agents_cpu_s * M,
    ),
    _cost("wal", "PostgreSQL's log", "MB/M runs", lambda each: each.wal_bytes),
    _cost("disk", "space on disk", "MB/M runs", lambda each: each.disk_bytes),
)
