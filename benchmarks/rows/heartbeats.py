"""Heartbeats: what it costs a server to be told, every interval, that everything which is held is alive."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import psutil

from benchmarks.frame import Benchmark, Measured, Target
from benchmarks.laboratory import Kind, Laboratory
from benchmarks.noop_agents import Holders
from benchmarks.rows.claim_complete import DEFINITIONS, definitions

AGENTS = 200
INTERVALS = 3


def heartbeats(laboratory: Laboratory, *, kind: Kind) -> Measured:
    """Percent of one core that the server takes while 200 agents hold 100,000 runs.

    Raises ``TimeoutError`` when one is not answered, and so not committed, within an interval.
    """
    each = laboratory.scaled(500)
    runs = AGENTS * each
    with laboratory.server(
        kind, definitions=definitions(DEFINITIONS), accounts=runs // DEFINITIONS
    ) as server:
        server.wait_for_waiting_runs(runs)
        with Holders(server, agents=AGENTS, each=each) as holders:
            holders.beat(intervals=1)
            process = psutil.Process(server.pid)
            before = process.cpu_times()
            seconds = holders.beat(intervals=INTERVALS)
            after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return Measured(value=100 * used / seconds)


ROWS: Sequence[Benchmark] = tuple(
    Benchmark(
        name=f"heartbeats-{kind}",
        meaning="one core's share that the server takes for the heartbeats of 100,000 runs of 200 agents",
        unit="%",
        target=Target(of="value", at_most=30),
        measure=partial(heartbeats, kind=kind),
    )
    for kind in ("postgresql", "sqlite")
)
