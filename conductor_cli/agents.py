"""`conductor-cli agents`: the processes that run commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conductor_cli.client import with_server
from conductor_cli.data import as_data, instant
from conductor_cli.output import format_option, joined, show_json, show_table

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2 import Agent
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub


SKEW_MAX_S = 2.0
"""What is less is the way of a message, or does no harm."""


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
            "clock": _clock,
            "running": lambda row: joined(
                f"{each.source} {each.running}/{each.capacity}" for each in row.sources
            ),
        },
        empty="no agents",
    )


def _clock(agent: Agent) -> str:
    """How far it is off, where that is too far; a dash where the agent does not tell."""
    if not agent.HasField("clock_skew"):
        return "-"
    seconds = agent.clock_skew.ToTimedelta().total_seconds()
    return "ok" if abs(seconds) <= SKEW_MAX_S else f"{seconds:+.1f} s"
