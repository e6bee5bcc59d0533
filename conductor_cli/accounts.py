"""`conductor-cli accounts`: the tenants."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from conductor_cli import moments
from conductor_cli.client import with_server
from conductor_cli.data import as_data, instant
from conductor_cli.output import counted, format_option, say, show_json
from conductor_cli.paging import collect, limit_option, show_list

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub


@click.group("accounts")
def command() -> None:
    """List, add and remove accounts, and put them into maintenance."""


@command.command("list")
@limit_option
@format_option
@with_server
def list_accounts(server: ControlServiceStub, limit: int, format: str) -> None:
    """List accounts by token."""
    from conductor_proto.v1.control_service_pb2 import ListAccountsRequest

    show_list(
        "accounts",
        collect(server.ListAccounts, ListAccountsRequest(), "accounts", limit=limit),
        {
            "token": lambda row: row.token,
            "timezone": lambda row: row.timezone,
            "starts at": lambda row: instant(row.starts_at) if row.HasField("starts_at") else "",
            "maintenance until": lambda row: (
                instant(row.maintenance_until) if row.HasField("maintenance_until") else ""
            ),
            "at once": lambda row: str(row.max_running or ""),
            "declared": lambda row: row.source_token,
        },
        format=format,
        limit=limit,
    )


@command.command("add")
@click.argument("token")
@click.option(
    "--timezone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="An IANA name, or an offset such as +05:30.",
)
@click.option(
    "--starts-at",
    type=moments.instant,
    metavar="INSTANT",
    help="From when on it has slots; by default from now on.",
)
@click.option(
    "--max-running", metavar="N", type=click.IntRange(min=0), default=0, help="At most so many runs at once."
)
@format_option
@with_server
def add(
    server: ControlServiceStub,
    token: str,
    timezone: str,
    starts_at: dt.datetime | None,
    max_running: int,
    format: str,
) -> None:
    """Add an account by hand, beside those of the account sources."""
    from conductor_proto.v1.control_service_pb2 import Account, AddAccountRequest

    account = Account(
        token=token, timezone=timezone, starts_at=moments.stamp(starts_at), max_running=max_running
    )
    answer = server.AddAccount(AddAccountRequest(account=account))
    if format == "json":
        show_json(as_data(answer))
        return
    say(f"account {answer.account.token} in {answer.account.timezone} added")


@command.command("remove")
@click.argument("token")
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option
@with_server
def remove(server: ControlServiceStub, token: str, yes: bool, format: str) -> None:
    """Remove an account that was added by hand, with all its slots and runs."""
    from conductor_proto.v1.control_service_pb2 import RemoveAccountRequest

    if not yes:
        click.confirm(f"remove the account {token} with all its slots and runs?", abort=True, err=True)
    answer = server.RemoveAccount(RemoveAccountRequest(token=token))
    if format == "json":
        show_json(as_data(answer))
        return
    slots, runs = counted(answer.slots, "slot"), counted(answer.running_runs, "run")
    say(f"account {token} removed, with {slots}; {runs} to be stopped")


@command.command("maintenance")
@click.argument("token")
@click.option("--until", type=moments.instant, metavar="INSTANT", help="Until this instant.")
@click.option(
    "--for",
    "duration",
    type=moments.duration,
    metavar="DURATION",
    help="For so long from now, such as 1h30m.",
)
@click.option("--end", is_flag=True, help="End it.")
@format_option
@with_server
def maintenance(
    server: ControlServiceStub,
    token: str,
    until: dt.datetime | None,
    duration: dt.timedelta | None,
    end: bool,
    format: str,
) -> None:
    """Start no new runs of an account for a while."""
    from conductor_proto.v1.control_service_pb2 import SetMaintenanceRequest

    if (until is not None) + (duration is not None) + end != 1:
        raise click.UsageError("say exactly one of --until, --for and --end")
    if duration is not None:
        until = dt.datetime.now(tz=dt.UTC) + duration
    answer = server.SetMaintenance(SetMaintenanceRequest(account=token, until=moments.stamp(until)))
    if format == "json":
        show_json(as_data(answer))
        return
    account = answer.account
    in_maintenance = account.HasField("maintenance_until")
    say(
        f"account {account.token} is in maintenance until {instant(account.maintenance_until)}"
        if in_maintenance
        else f"account {account.token} is not in maintenance"
    )
