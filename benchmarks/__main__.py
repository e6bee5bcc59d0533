"""``make bench``: measure the rows and print them, as a table or as one JSON object a row.

What was measured at full scale is also kept in ``build/benchmarks.json``, of which ``make figures`` makes the pages.

Exit codes: 0 every target reached, 1 some missed or not measured, 2 wrong usage.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click
import psutil
import structlog

from benchmarks import results
from benchmarks.frame import Benchmark, Row, number
from benchmarks.laboratory import Laboratory
from benchmarks.rows import ALL

WIDTH = 120
"""Of the table, at the least: a log is wider than the terminal that there is not."""

LOOK_SECONDS = 0.5
"""Before each row, to see how busy others keep the machine."""

ROW_SECONDS_MAX = 300
"""A measurement that takes longer hangs, or has become too slow to be waited for: its row says so."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", metavar="NAME", multiple=True, help="Measure this row; may be repeated.")
@click.option("--list", "listed", is_flag=True, help="Say what there is to measure, and measure nothing.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option(
    "--scale", type=float, default=1.0, help="Work of a sample; less than 1 is for trying things out."
)
def main(only: tuple[str, ...], listed: bool, output: str, scale: float) -> None:
    """Measure how fast Conductor is, beside raw limits and peers in the same run."""
    chosen = _chosen(only)
    if listed:
        for benchmark in chosen:
            click.echo(f"{benchmark.name:<34} {benchmark.target or '–'!s:<16} {benchmark.meaning}")
        return
    # Some rows have an engine in this process: its lines are no rows.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else servers and databases would be left behind
    with Laboratory(scale=scale) as laboratory:
        rows = _measured(chosen, laboratory)
        reached = _print_json(rows) if output == "json" else _print_table(rows)
    sys.exit(0 if reached else 1)


def _chosen(names: Sequence[str]) -> Sequence[Benchmark]:
    """In the table's order. Raises ``click.UsageError`` for a name that there is not."""
    known = {benchmark.name for benchmark in ALL}
    for name in names:
        if name not in known:
            raise click.UsageError(f"there is no row {name!r}: `--list` names them all")
    return [benchmark for benchmark in ALL if not names or benchmark.name in names]


def _measured(chosen: Sequence[Benchmark], laboratory: Laboratory) -> Iterable[Row]:
    """Each row as soon as it is measured; progress goes to stderr."""
    began = time.monotonic()
    for place, benchmark in enumerate(chosen, start=1):
        print(f"{place}/{len(chosen)} {benchmark.name} …", end=" ", file=sys.stderr, flush=True)
        busy, row_began = psutil.cpu_percent(interval=LOOK_SECONDS) / 100, time.monotonic()
        with _at_most(ROW_SECONDS_MAX):
            row = benchmark.run(laboratory)
        took_s = time.monotonic() - row_began
        print(f"{_said(row)} ({took_s:.0f} s)", file=sys.stderr)
        if laboratory.scale == 1:
            results.record(row, took_s=took_s, busy=busy)
        yield row
    print(f"{len(chosen)} rows in {(time.monotonic() - began) / 60:.1f} min", file=sys.stderr)


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """Raises ``TimeoutError`` in the midst of what takes longer."""

    def give_up(*_: Any) -> None:
        raise TimeoutError(f"not measured within {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _said(row: Row) -> str:
    if row.error is not None:
        return f"FAILED: {row.error}"
    ratio = "" if row.ratio is None else f", {row.ratio:.2f} of {number(row.baseline)}"
    reached = "" if row.target is None else f", {row.target} {'reached' if row.ok else 'MISSED'}"
    return f"{number(row.value)} {row.unit}{ratio}{reached}"


def _print_json(rows: Iterable[Row]) -> bool:
    """One object a row, as soon as it is measured. Answers whether all targets were reached."""
    reached = True
    for row in rows:
        click.echo(json.dumps(asdict(row), ensure_ascii=False))
        reached &= row.ok
    return reached


def _print_table(rows: Iterable[Row]) -> bool:
    """Answers whether all targets were reached."""
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("name", no_wrap=True), "value", "unit", "baseline", "ratio", "target", "ok")
    reached = True
    for row in rows:
        table.add_row(
            row.name,
            number(row.value),
            row.unit,
            number(row.baseline),
            "–" if row.ratio is None else f"{row.ratio:.2f}",
            row.target or "–",
            ("yes" if row.ok else "no") if row.error is None else "failed",
        )
        reached &= row.ok
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table)
    return reached


if __name__ == "__main__":
    main()
