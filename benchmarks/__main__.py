"""``make bench``: measure the rows and print them, as a table or as one JSON object a row.

Exit codes: 0 every target reached, 1 some missed, 2 wrong usage.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import click

from benchmarks.frame import Benchmark, Row
from benchmarks.laboratory import Laboratory
from benchmarks.rows import ALL


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", metavar="NAME", multiple=True, help="Measure this row; may be repeated.")
@click.option("--list", "listed", is_flag=True, help="Say what there is to measure, and measure nothing.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option(
    "--scale", type=float, default=1.0, help="Work of a sample; less than 1 is for trying things out."
)
def main(only: tuple[str, ...], listed: bool, output: str, scale: float) -> None:
    """Measure how fast Conductor is, beside raw limits in the same run."""
    chosen = _chosen(only)
    if listed:
        for benchmark in chosen:
            click.echo(f"{benchmark.name:<34} {benchmark.target!s:<16} {benchmark.meaning}")
        return
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
    for benchmark in chosen:
        print(f"measuring {benchmark.name} …", file=sys.stderr)
        yield benchmark.run(laboratory)


def _print_json(rows: Iterable[Row]) -> bool:
    """One object a row, as soon as it is measured. Answers whether all targets were reached."""
    reached = True
    for row in rows:
        click.echo(json.dumps(asdict(row)))
        reached &= row.ok
    return reached


def _print_table(rows: Iterable[Row]) -> bool:
    """Answers whether all targets were reached."""
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "value", "unit", "baseline", "ratio", "target", "ok")
    reached = True
    for row in rows:
        table.add_row(
            row.name,
            _number(row.value),
            row.unit,
            _number(row.baseline),
            "–" if row.ratio is None else f"{row.ratio:.2f}",
            row.target,
            "yes" if row.ok else "no",
        )
        reached &= row.ok
    Console().print(table)
    return reached


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
