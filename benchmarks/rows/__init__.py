"""Every row of the table, in the order in which it is printed."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.frame import Benchmark
from benchmarks.rows import (
    claim_complete,
    commands,
    graph,
    heartbeats,
    peers,
    readiness,
    ready_latency,
    servers,
    tick,
)

ALL: Sequence[Benchmark] = (
    *claim_complete.ROWS,
    *heartbeats.ROWS,
    *peers.ROWS,
    *ready_latency.ROWS,
    *tick.ROWS,
    *readiness.ROWS,
    *commands.ROWS,
    *servers.ROWS,
    *graph.ROWS,
)
