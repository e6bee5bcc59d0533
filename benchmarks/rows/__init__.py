"""Every row of the table, in the order in which it is printed."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.frame import Benchmark
from benchmarks.rows import claim_complete, commands, ready_latency

ALL: Sequence[Benchmark] = (*claim_complete.ROWS, *commands.ROWS, *ready_latency.ROWS)
