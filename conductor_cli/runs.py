"""`conductor-cli runs`: attempts at slots, and what they wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from getpass import getuser
from typing import TYPE_CHECKING, Any

import click

from conductor_cli.client import with_server
from conductor_cli.data import as_data, instant, word
from conductor_cli.output import format_option, say, show_facts, show_json
from conductor_cli.paging import collect, limit_option, show_list

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2 import Run
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub

STATUSES = ["waiting", "running", "timeout", "failed", "success", "cancelled", "released"]
"""The words of the proto's enum, which is not imported for `--help`; a test compares the two."""
INSTANTS = ["waiting_at", "running_at", "heartbeat_at", "cancel_requested_at", "ended_at"]


@click.group("runs")
def command() -> None:
    """List and show runs, read their logs, cancel them."""


@command.command("list")
@click.option("--definition", metavar="NAME", default="", help="Only this definition's.")
@click.option("--account", metavar="TOKEN", default="", help="Only this account's.")
@click.option("--slot", metavar="SLOT", default="", help="Only this slot's.")
@click.option(
    "--status", "statuses", type=click.Choice(STATUSES), multiple=True, help="Only these; repeatable."
)
@limit_option
@format_option
@with_server
def list_runs(
    server: ControlServiceStub,
    definition: str,
    account: str,
    slot: str,
    statuses: tuple[str, ...],
    limit: int,
    format: str,
) -> None:
    """List runs, the newest first."""
    from conductor_proto.v1.control_service_pb2 import ListRunsRequest
    from conductor_proto.v1.run_pb2 import RunStatus

    request = ListRunsRequest(
        definition=definition,
        account=account,
        slot=slot,
        statuses=[RunStatus.Value(f"RUN_STATUS_{each.upper()}") for each in statuses],
    )
    show_list(
        "runs",
        collect(server.ListRuns, request, "runs", limit=limit),
        RUN_COLUMNS,
        format=format,
        limit=limit,
    )


@command.command("show")
@click.argument("run", type=int)
@format_option
@with_server
def show(server: ControlServiceStub, run: int, format: str) -> None:
    """Show one run."""
    from conductor_proto.v1.control_service_pb2 import GetRunRequest

    answer = server.GetRun(GetRunRequest(id=run))
    if format == "json":
        show_json(as_data(answer))
        return
    show_facts(_facts(answer.run))


@command.command("logs")
@click.argument("run", type=int)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--stream", type=click.Choice(["stdout", "stderr", "agent"]), help="Only this stream.")
@format_option
@with_server
def logs(server: ControlServiceStub, run: int, follow: bool, stream: str | None, format: str) -> None:
    """Print what a run has written.

    On a terminal, control characters are escaped; a file or a pipe gets the bytes as they are. With `-o json`, each
    piece of output is a document on a line of its own.
    """
    from conductor_cli.logs import print_logs
    from conductor_proto.v1.control_service_pb2 import ReadRunLogsRequest

    request = ReadRunLogsRequest(run_id=run, stream=stream or "", follow=follow)
    print_logs(server.ReadRunLogs(request), format=format)


@command.command("cancel")
@click.argument("run", type=int)
@format_option
@with_server
def cancel(server: ControlServiceStub, run: int, format: str) -> None:
    """Stop a run: at once when it waits, through its agent when it runs."""
    from conductor_proto.v1.control_service_pb2 import CancelRunRequest

    answer = server.CancelRun(CancelRunRequest(id=run, actor=getuser()))
    if format == "json":
        show_json(as_data(answer))
        return
    now = status(answer.run)
    say(f"run {run} of {answer.run.slot} is {now}" + (", and is being stopped" if now == "running" else ""))


def status(run: Run) -> str:
    """The run's status in a word."""
    from conductor_proto.v1.run_pb2 import RunStatus

    return word(RunStatus.DESCRIPTOR, run.status)


def took(run: Run) -> str:
    """How long it ran, if it has ended."""
    if not (run.HasField("running_at") and run.HasField("ended_at")):
        return ""
    span: dt.timedelta = run.ended_at.ToDatetime() - run.running_at.ToDatetime()
    return str(dt.timedelta(seconds=round(span.total_seconds())))


RUN_COLUMNS: dict[str, Callable[[Any], str]] = {
    "run": lambda row: str(row.id),
    "slot": lambda row: row.slot,
    "attempt": lambda row: str(row.attempt),
    "status": status,
    "started": lambda row: instant(row.running_at) if row.HasField("running_at") else "",
    "took": took,
    "agent": lambda row: row.agent,
    "error": lambda row: row.error.split("\n")[0],
}
"""How runs are listed, here and below a slot."""


def _facts(run: Run) -> dict[str, str]:
    data = as_data(run)
    done = f"{run.progress.fraction:.0%}" if run.progress.HasField("fraction") else ""
    return {
        "run": str(run.id),
        "slot": run.slot,
        "source": run.source,
        "attempt": str(run.attempt),
        "status": status(run),
        "created by": run.created_by,
        "agent": run.agent,
        "epoch": str(run.epoch),
        **{name.removesuffix("_at").replace("_", " "): data[name] for name in INSTANTS if data[name]},
        "took": took(run),
        "progress": " ".join(filter(None, [done, run.progress.message])),
        "exit code": str(run.exit_code) if run.HasField("exit_code") else "",
        "error": run.error,
        **{f"result.{key}": str(value) for key, value in (data["result"] or {}).items()},
        "late reports": "\n".join(run.late_reports),
    }
