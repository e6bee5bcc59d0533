"""`conductor-cli watch`: events as they happen, and below them a summary that is kept up to date."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from conductor_cli.client import with_server
from conductor_cli.data import as_data, counts, instant
from conductor_cli.output import format_option, say, show_json_line, styled

if TYPE_CHECKING:
    from rich.text import Text

    from conductor_proto.v1.control_service_pb2 import GetStatusResponse, WatchEventsResponse
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub

SUMMARY_SECONDS = 1.0
"""The summary is asked for at most so often, however many events there are."""


@click.command("watch")
@click.option(
    "--after",
    metavar="ID",
    type=click.IntRange(min=0),
    default=0,
    help="Begin after this event; by default with the next.",
)
@format_option
@with_server
def command(server: ControlServiceStub, after: int, format: str) -> None:
    """Print events as they happen, until Ctrl-C.

    On a terminal a summary of all slots stands below them. With `-o json`, each event is a document on a line of its
    own.
    """
    from conductor_proto.v1.control_service_pb2 import WatchEventsRequest

    events = server.WatchEvents(WatchEventsRequest(after_event_id=after))
    try:
        if format == "json":
            for event in events:
                show_json_line(as_data(event))
        elif sys.stdout.isatty():
            _print_with_summary(server, events)
        else:
            for event in events:
                say(_line(event))
    except KeyboardInterrupt:
        click.echo(err=True)


def _print_with_summary(server: ControlServiceStub, events: Iterator[WatchEventsResponse]) -> None:
    from rich.live import Live

    from conductor_proto.v1.control_service_pb2 import GetStatusRequest

    with Live(_summary(server.GetStatus(GetStatusRequest())), auto_refresh=False) as live:
        asked = time.monotonic()
        for event in events:
            live.console.print(styled(_line(event)))
            if time.monotonic() - asked >= SUMMARY_SECONDS:
                live.update(_summary(server.GetStatus(GetStatusRequest())))
                asked = time.monotonic()
            live.refresh()


def _line(event: WatchEventsResponse) -> str:
    return f"{instant(event.at)}  {event.kind:<22}  {event.subject}  {event.message}".rstrip()


def _summary(status: GetStatusResponse) -> Text:
    from rich.text import Text

    parts = [Text(f"{status.agents} agents", style="dim")]
    for word, count in counts(status.slots).items():
        shown = styled(word.replace("_", " "))
        parts.append(Text(f"{count} ").append_text(shown))
    return Text(" · ", style="dim").join(parts)
