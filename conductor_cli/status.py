"""`conductor-cli status`: the server and its work at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conductor_cli.client import with_server
from conductor_cli.data import as_data, counts, instant
from conductor_cli.output import format_option, show_facts, show_json, show_table

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2 import GetStatusResponse
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub


@click.command("status")
@format_option
@with_server
def command(server: ControlServiceStub, format: str) -> None:
    """Show the server and its work at a glance."""
    from conductor_proto.v1.control_service_pb2 import GetStatusRequest

    status = server.GetStatus(GetStatusRequest())
    if format == "json":
        show_json(as_data(status))
        return
    show_facts(
        {
            "server": f"{status.version}, {status.server}, on {status.database}",
            "engine": _engine(status),
            "leader": _leader(status),
            "definitions": str(status.definitions),
            "accounts": str(status.accounts),
            "agents": str(status.agents),
            "not due yet": f"{status.slots_not_due} slots",
        }
    )
    show_table(
        list(counts(status.slots).items()),
        {"condition": lambda row: row[0].replace("_", " "), "slots": lambda row: str(row[1])},
        empty="no slot is due",
        title="due slots",
    )
    if status.problems:
        show_table(list(status.problems), {"problem": str}, title="problems")


def _engine(status: GetStatusResponse) -> str:
    if not status.HasField("engine_looped_at"):
        return "has not finished a loop yet"
    seconds = status.engine_loop_duration.ToTimedelta().total_seconds()
    return f"last loop {instant(status.engine_looped_at)}, {seconds:.3g} s"


def _leader(status: GetStatusResponse) -> str:
    if status.leads:
        return f"this server, epoch {status.leader_epoch}"
    return f"{status.leader or 'none at present'}, epoch {status.leader_epoch}; this server follows"
