"""`conductor-cli rerun`: a slot once more."""

from __future__ import annotations

from getpass import getuser
from typing import TYPE_CHECKING

import click

from conductor_cli.client import with_server
from conductor_cli.data import as_data
from conductor_cli.output import format_option, say, show_json

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub


@click.command("rerun")
@click.argument("slot")
@format_option
@with_server
def command(server: ControlServiceStub, slot: str, format: str) -> None:
    """Run a slot once more, whatever became of it.

    A new series of attempts begins.
    """
    from conductor_proto.v1.control_service_pb2 import RerunSlotRequest

    answer = server.RerunSlot(RerunSlotRequest(name=slot, actor=getuser()))
    if format == "json":
        show_json(as_data(answer))
        return
    say(
        f"run {answer.run.id} of {answer.run.slot} is waiting; see conductor-cli runs logs -f {answer.run.id}"
    )
