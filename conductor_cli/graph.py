"""`conductor-cli graph`: the dependency graph, from files or from a server, in every format."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conductor_cli.client import Failure, connect

if TYPE_CHECKING:
    from conductor_server.drawing.formats import Format
    from conductor_server.drawing.picture import Picture

FORMATS = ["text", "dot", "mermaid", "json", "graphml", "svg", "png", "html"]
"""The words of ``drawing.formats``, which is not imported for `--help`; a test compares the two."""


@click.command("graph")
@click.option(
    "--definitions",
    "paths",
    metavar="PATH",
    multiple=True,
    help="Draw these files or folders, without a server; repeatable.",
)
@click.option(
    "-o",
    "--format",
    "format",
    type=click.Choice(FORMATS),
    help="By default what the suffix of --output says, else text.",
)
@click.option("--output", type=click.Path(dir_okay=False), help="Write to this file.")
@click.option(
    "--select",
    metavar="EXPRESSION",
    help="Only a part: name, +name with ancestors, name+ with descendants, 2+name+1 so many steps.",
)
@click.option("--tables", is_flag=True, help="Show the tables between the definitions.")
@click.option("--window", metavar="LABEL", default="", help="Count only slots of this window: 2026-11-20.")
@click.option("--title", metavar="TEXT", default="", help="Stands above the picture.")
def command(
    paths: tuple[str, ...],
    format: str | None,
    output: str | None,
    select: str | None,
    tables: bool,
    window: str,
    title: str,
) -> None:
    """Draw the dependency graph.

    With --definitions the picture is made from files alone. Otherwise it comes from the server, with what the slots
    of each definition are doing.
    """
    from conductor_server.drawing.picture import with_tables

    if paths and window:
        raise click.UsageError("--window asks about slots, which only a server has; leave out --definitions")
    wanted = _format(format, output)
    picture = _of_files(paths, title=title) if paths else _of_server(window, title=title)
    if select:
        picture = _selected(picture, select)
    if tables:
        picture = with_tables(picture)
    _write(picture, wanted, output)


def _format(format: str | None, output: str | None) -> Format:
    from conductor_server.drawing.formats import Format, guess

    if format:
        return Format(format)
    if not output:
        return Format.TEXT
    if not (guessed := guess(output)):
        raise click.UsageError(f"the name {output} does not say which format; add --format")
    return guessed


def _of_files(paths: tuple[str, ...], *, title: str) -> Picture:
    from conductor_cli.declarations import read_valid
    from conductor_cli.pictures import of_graph

    return of_graph(read_valid(paths).graph, title=title or Path(paths[0]).stem)


def _of_server(window: str, *, title: str) -> Picture:
    from conductor_cli.pictures import of_answer
    from conductor_proto.v1.control_service_pb2 import GetGraphRequest

    with connect() as server:
        answer = server.GetGraph(GetGraphRequest(window_label=window))
    return of_answer(answer, title=title or window)


def _selected(picture: Picture, expression: str) -> Picture:
    from conductor_server.drawing.picture import forward, only
    from conductor_server.model.errors import ConductorError
    from conductor_server.policy.selection import choose

    order, _ = forward(picture)
    links = [(edge.parent, edge.child) for edge in picture.edges if not edge.loose]
    try:
        return only(picture, choose(order, links, expression))
    except ConductorError as error:
        raise Failure(str(error)) from None


def _write(picture: Picture, format: Format, output: str | None) -> None:
    from conductor_server.drawing import formats, text

    if output:
        try:
            Path(output).write_bytes(formats.render(picture, format))
        except OSError as error:
            raise Failure(f"{output} cannot be written: {error.strerror}") from None
    elif not sys.stdout.isatty():
        sys.stdout.buffer.write(formats.render(picture, format))
    elif format is formats.Format.TEXT:
        colour = "NO_COLOR" not in os.environ
        click.echo(text.render(picture, width=shutil.get_terminal_size().columns, colour=colour), nl=False)
    elif format is formats.Format.PNG:
        raise Failure("a PNG would garble the terminal; name a file with --output")
    else:
        click.echo(formats.render(picture, format).decode(), nl=False)
