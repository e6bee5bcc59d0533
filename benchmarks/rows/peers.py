"""Claim → run → complete of no-op runs beside other people's queues, each drained by one worker in its own process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks.frame import Benchmark, Measured, Target, medians_in_turns, shared
from benchmarks.laboratory import Kind, Laboratory
from benchmarks.noop_agents import Fleet
from benchmarks.peers import Peer
from benchmarks.rows.claim_complete import SAMPLES, waiting

OURS = "conductor"
JOBS: Mapping[Kind, Mapping[str, int]] = {
    "postgresql": {"pgqueuer": 5_000, "procrastinate": 400},
    "sqlite": {"huey": 2_000},
}
"""Of a sample: as many as take about as long as our runs."""


@shared
def rates(laboratory: Laboratory, kind: Kind) -> Mapping[str, float]:
    """Runs per second of 4 of our agents that take many at once, and jobs per second of each peer."""
    runs = 4 * laboratory.scaled(1_250)
    with ExitStack() as stack:
        (server,) = stack.enter_context(waiting(laboratory, kind, runs=runs))
        fleet = stack.enter_context(Fleet(server, agents=4, capacity=200))
        candidates: dict[str, Callable[[], float]] = {OURS: partial(fleet.drain, runs)}
        for name, jobs in JOBS[kind].items():
            peer = stack.enter_context(Peer(name, stack.enter_context(laboratory.database(kind))))
            candidates[name] = partial(peer.drain, laboratory.scaled(jobs))
        for warm_up in candidates.values():
            warm_up()
        return medians_in_turns(candidates, samples=SAMPLES)


def _row(kind: Kind, peer: str, title: str, *, at_least: float) -> Benchmark:
    def measure(laboratory: Laboratory) -> Measured:
        measured = rates(laboratory, kind)
        return Measured(value=measured[OURS], baseline=measured[peer])

    return Benchmark(
        name=f"claim-complete-{kind}-vs-{peer}",
        meaning=f"claim, run, complete of no-op runs by 4 agents, beside no-op jobs of {title}",
        unit="runs/s",
        target=Target(of="ratio", at_least=at_least),
        measure=measure,
    )


ROWS: Sequence[Benchmark] = (
    _row("postgresql", "pgqueuer", "PgQueuer 1.6.0, batches of 100", at_least=1),
    _row("postgresql", "procrastinate", "Procrastinate 3.10.0", at_least=20),
    _row("sqlite", "huey", "huey 3.5.4, every commit on disk", at_least=4),
)
