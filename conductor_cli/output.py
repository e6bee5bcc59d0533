"""What commands print: one JSON document, or tables for people.

Whatever comes from data is shown with its control characters escaped, so that a name or an error message can neither
steer the terminal nor turn around what is read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from conductor_server.drawing.letters import json_text, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

STYLES = {
    "failed": "red",
    "timeout": "red",
    "quarantined": "red",
    "blocked": "yellow",
    "retrying": "yellow",
    "running": "blue",
    "no_agent": "magenta",
    "queued": "cyan",
    "waiting": "cyan",
    "succeeded": "green",
    "success": "green",
}
"""Colours of the words for conditions and statuses; the others are dim."""

UNLIMITED_WIDTH = 100_000

format_option: Callable[[Command], Command] = click.option(
    "-o",
    "--format",
    "format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Tables for people, or one JSON document.",
)


def show_json(document: Any) -> None:
    """Prints one document."""
    click.echo(json_text(document, indent=2))


def show_json_line(document: Any) -> None:
    """Prints one document of a stream of them, on one line."""
    click.echo(json_text(document))


def say(text: str = "") -> None:
    """Prints a line for people."""
    click.echo("\n".join(map(printable, text.split("\n"))))


def show_table(
    rows: Sequence[T], columns: dict[str, Callable[[T], str]], *, empty: str = "", title: str = ""
) -> None:
    """Prints a row a thing; ``columns`` say what stands below each heading. Known words get their colour."""
    from rich.table import Table

    console = _console()
    if title:
        console.print(f"\n{title}", style="bold", markup=False, highlight=False)
    if not rows:
        console.print(empty, style="dim", markup=False, highlight=False)
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for number, heading in enumerate(columns):
        # The first columns say which thing it is, and are copied from; only the last may be long.
        last = number == len(columns) - 1
        table.add_column(heading.upper(), no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*(styled(cell(row)) for cell in columns.values()))
    console.print(table)


def show_facts(facts: dict[str, str]) -> None:
    """Prints what is known about one thing, a line each; what is empty is left out."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(name, styled(value))
    _console().print(table)


def show_truncation(*, truncated: bool, limit: int) -> None:
    """Says below a table that there is more."""
    if truncated:
        click.echo(f"only the first {limit}; more with --limit", err=True)


def styled(text: str) -> Text:
    """The text as it may be shown, in its colour if it is the word for a state."""
    from rich.text import Text

    return Text("\n".join(map(printable, text.split("\n"))), style=STYLES.get(text.replace(" ", "_"), ""))


def counts_in_words(counts: dict[str, int]) -> str:
    """``3 failed, 12 succeeded``."""
    return ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in counts.items())


def counted(number: int, noun: str) -> str:
    """``1 table``, ``2 tables``, ``no dependencies``."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number or 'no'} {noun if number == 1 else plural}"


def joined(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def _console() -> Console:
    """Writes where click writes. A file or a pipe gets lines of any length: nobody wants wrapped input for `grep`."""
    from rich.console import Console

    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else UNLIMITED_WIDTH, soft_wrap=False)
