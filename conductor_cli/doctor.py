"""`conductor-cli doctor`: what is wrong with the installation, and what to do about it."""

from __future__ import annotations

import datetime as dt
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conductor_cli.client import Options, with_server
from conductor_cli.data import as_data
from conductor_cli.output import format_option, show_json, show_table

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2 import Finding, Severity
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub

SKEW_MAX_S = 5.0


@click.command("doctor")
@format_option
@with_server
def command(server: ControlServiceStub, format: str) -> None:
    """Look for what is wrong: engine, agents, sources, database, disk, clocks, tokens.

    Each finding says what to do about it. The exit code is 1 if there is one.
    """
    from conductor_proto.v1.control_service_pb2 import DiagnoseRequest

    asked = dt.datetime.now(dt.UTC)
    answer = server.Diagnose(DiagnoseRequest())
    answered = dt.datetime.now(dt.UTC)
    told = answer.server_time.ToDatetime(tzinfo=dt.UTC)
    options = click.get_current_context().find_object(Options) or Options()
    answer.findings.extend([*_of_the_clock(asked, told, answered), *_of_the_token(options)])
    if format == "json":
        show_json(as_data(answer))
    else:
        show_table(
            answer.findings,
            {
                "": lambda row: _word(row.severity),
                "check": lambda row: row.check,
                "found": lambda row: row.what,
                "remedy": lambda row: row.remedy,
            },
            empty="nothing is wrong",
        )
    if answer.findings:
        click.get_current_context().exit(1)


def _word(severity: Severity.ValueType) -> str:
    from conductor_proto.v1 import control_service_pb2

    return control_service_pb2.Severity.Name(severity).removeprefix("SEVERITY_").lower()


def _of_the_clock(asked: dt.datetime, told: dt.datetime, answered: dt.datetime) -> list[Finding]:
    """The answer was written between the two instants: what is beyond them is a difference of the clocks."""
    from conductor_proto.v1.control_service_pb2 import SEVERITY_WARNING, Finding

    seconds = max((asked - told).total_seconds(), (told - answered).total_seconds())
    if seconds <= SKEW_MAX_S:
        return []
    what = f"the clocks of this machine and the server differ by {seconds:.0f} s"
    return [Finding(severity=SEVERITY_WARNING, check="clock", what=what, remedy="let NTP keep both")]


def _of_the_token(options: Options) -> list[Finding]:
    """Whoever can read the token is whom it makes them."""
    from conductor_proto.v1.control_service_pb2 import SEVERITY_ERROR, Finding

    home = Path(os.environ.get("CONDUCTOR_HOME") or Path.home() / ".conductor")
    path = Path(options.token_file) if options.token_file else home / "token"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return []
    if not mode & 0o077:
        return []
    what = f"others can read the token in {path} (its mode is {mode:o})"
    return [Finding(severity=SEVERITY_ERROR, check="token", what=what, remedy=f"chmod 600 {path}")]
