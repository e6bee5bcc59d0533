"""`conductor-cli audit`: who did what, and who was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conductor_cli.client import with_server
from conductor_cli.data import instant
from conductor_cli.output import format_option
from conductor_cli.paging import collect, limit_option, show_list

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub


@click.command("audit")
@click.option("--actor", metavar="NAME", default="", help="Only what this token did, or was refused.")
@click.option(
    "--kind", metavar="KIND", default="", help="Only this kind, such as token.created; or all of `token`."
)
@click.option("--subject", metavar="NAME", default="", help="Only what is about this slot, account, method …")
@click.option("--all", "everything", is_flag=True, help="Also what the engine did by itself.")
@limit_option
@format_option
@with_server
def command(
    server: ControlServiceStub,
    actor: str,
    kind: str,
    subject: str,
    everything: bool,
    limit: int,
    format: str,
) -> None:
    """List events, newest first: who did what, and who was refused."""
    from conductor_proto.v1.control_service_pb2 import ListEventsRequest

    request = ListEventsRequest(actor=actor, kind=kind, subject=subject, include_engine=everything)
    show_list(
        "events",
        collect(server.ListEvents, request, "events", limit=limit),
        {
            "at": lambda row: instant(row.at),
            "actor": lambda row: row.actor,
            "kind": lambda row: row.kind,
            "subject": lambda row: row.subject,
            "message": lambda row: row.message,
        },
        format=format,
        limit=limit,
    )
