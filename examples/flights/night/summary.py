"""What became of the night: a row per definition, and a row per kind of total that was checked."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1.run_pb2 import RUN_STATUS_FAILED, RUN_STATUS_TIMEOUT
from night.check import Comparison
from night.control import word


@dataclass(slots=True, kw_only=True)
class Line:
    """One definition: its slots by condition, its runs, how many of them failed, and the longest."""

    conditions: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    failed: int = 0
    longest: dt.timedelta = dt.timedelta(0)


def lines_of(slots: Iterable[pb.Slot], runs: Iterable[pb.Run]) -> dict[str, Line]:
    """Slots and runs, counted by definition."""
    lines: defaultdict[str, Line] = defaultdict(Line)
    for slot in slots:
        lines[slot.definition].conditions[word(slot.condition)] += 1
    for run in runs:
        line = lines[run.definition]
        line.runs += 1
        line.failed += run.status in (RUN_STATUS_FAILED, RUN_STATUS_TIMEOUT)
        if run.HasField("running_at") and run.HasField("ended_at"):
            line.longest = max(line.longest, run.ended_at.ToDatetime() - run.running_at.ToDatetime())
    return dict(sorted(lines.items()))


def night_table(lines: dict[str, Line]) -> Table:
    """Definition by condition, with runs, failed runs and the longest run."""
    conditions = sorted({condition for line in lines.values() for condition in line.conditions})
    table = Table(title="the night", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column("definition")
    for heading in [
        *(condition.replace("_", " ") for condition in conditions),
        "runs",
        "failed runs",
        "longest",
    ]:
        table.add_column(heading, justify="right")
    for name, line in lines.items():
        counts = [str(line.conditions[condition] or "") for condition in conditions]
        longest = f"{line.longest.total_seconds():.1f} s"
        table.add_row(name, *counts, str(line.runs), str(line.failed or ""), longest)
    table.add_section()
    totals = [str(sum(line.conditions[condition] for line in lines.values())) for condition in conditions]
    runs, failed = sum(line.runs for line in lines.values()), sum(line.failed for line in lines.values())
    table.add_row("all", *totals, str(runs), str(failed or ""), style="bold")
    return table


def check_table(comparisons: Sequence[Comparison]) -> Table:
    """What was compared with the records, and how that went."""
    table = Table(
        title="the warehouse against the records",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column("total")
    table.add_column("verdict")
    for comparison in comparisons:
        table.add_row(comparison.subject, comparison.verdict, style=None if comparison.agrees else "red")
    return table
