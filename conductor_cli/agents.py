"""`conductor-cli agents`: the processes that run commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conductor_cli.client import with_server
from conductor_cli.data import as_data, instant
from conductor_cli.output import format_option, joined, show_json, show_table

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub


@click.group("agents")
def command() -> None:
    """List agents."""


@command.command("list")
@format_option
@with_server
def list_agents(server: ControlServiceStub, format: str) -> None:
    """List agents by name, with what they are doing."""
    from conductor_proto.v1.control_service_pb2 import ListAgentsRequest

    answer = server.ListAgents(ListAgentsRequest())
    if format == "json":
        show_json(as_data(answer))
        return
    show_table(
        answer.agents,
        {
            "name": lambda row: row.name,
            "alive": lambda row: "yes" if row.alive else "no",
            "host": lambda row: row.host,
            "pid": lambda row: str(row.pid),
            "version": lambda row: row.version,
            "heartbeat": lambda row: instant(row.heartbeat_at) if row.HasField("heartbeat_at") else "",
            "running": lambda row: joined(
                f"{each.source} {each.running}/{each.capacity}" for each in row.sources
            ),
        },
        empty="no agents",
    )
