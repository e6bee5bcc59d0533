"""Following the pages of a listing until there is enough of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from conductor_cli.data import as_data
from conductor_cli.output import show_json, show_table, show_truncation

Command = TypeVar("Command", bound=Callable[..., Any])

LARGEST_PAGE = 1000

limit_option: Callable[[Command], Command] = click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Show at most so many; 0 for all.",
)


def collect(call: Callable[[Any], Any], request: Any, key: str, *, limit: int) -> tuple[list[Any], bool]:
    """What stands under ``key`` on the pages of a listing, at most ``limit`` (0 for all), and whether there is more."""
    found: list[Any] = []
    while True:
        request.page_size = min(limit - len(found), LARGEST_PAGE) if limit else LARGEST_PAGE
        answer = call(request)
        found += getattr(answer, key)
        request.page_token = answer.next_page_token
        if not answer.next_page_token or (limit and len(found) >= limit):
            more = bool(answer.next_page_token) or (limit > 0 and len(found) > limit)
            return found[:limit] if limit else found, more


def show_list(
    key: str,
    things: tuple[Sequence[Any], bool],
    columns: dict[str, Callable[[Any], str]],
    *,
    format: str,
    limit: int,
) -> None:
    """Prints a listing: ``{<key>: […], "truncated": …}``, or a table."""
    rows, truncated = things
    if format == "json":
        show_json({key: [as_data(row) for row in rows], "truncated": truncated})
        return
    show_table(rows, columns, empty=f"no {key}")
    show_truncation(truncated=truncated, limit=limit)
