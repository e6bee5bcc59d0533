"""`conductor-cli`: the group of all commands, each imported when it is asked for.

`--help` is part of the interface, and answers at once: no command module imports more than click at its top.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as release
from typing import Any

import click

from conductor_cli.client import Options

COMMANDS = {
    "graph": "conductor_cli.graph",
    "validate": "conductor_cli.validate",
    "schema": "conductor_cli.schema",
    "status": "conductor_cli.status",
    "doctor": "conductor_cli.doctor",
    "watch": "conductor_cli.watch",
    "definitions": "conductor_cli.definitions",
    "accounts": "conductor_cli.accounts",
    "slots": "conductor_cli.slots",
    "runs": "conductor_cli.runs",
    "rerun": "conductor_cli.rerun",
    "agents": "conductor_cli.agents",
    "tokens": "conductor_cli.tokens",
    "audit": "conductor_cli.audit",
    "completion": "conductor_cli.completion",
}
"""Modules by command; each has its command or group under the name ``command``."""


class LazyGroup(click.Group):
    """A group whose commands are named here and live in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"conductor-cli {release('conductor-orchestrator')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 the answer is no, or a mistake in what was given; 2 wrong usage; "
    "3 the server cannot be reached, or refuses.",
)
@click.option(
    "--server",
    metavar="HOST:PORT[,…]",
    envvar="CONDUCTOR_SERVER",
    show_envvar=True,
    help="The server, or several with commas between; by default the one of this user, else 127.0.0.1:7400.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False),
    help="A file with the token; by default $CONDUCTOR_TOKEN, else the token of this user's server.",
)
@click.option("--tls", is_flag=True, help="Encrypt, and trust the system's certificates.")
@click.option(
    "--ca",
    type=click.Path(dir_okay=False),
    envvar="CONDUCTOR_CA",
    show_envvar=True,
    help="Encrypt, and trust the certificates of this file.",
)
@click.option(
    "--client-certificate",
    type=click.Path(dir_okay=False),
    envvar="CONDUCTOR_CLIENT_CERTIFICATE",
    show_envvar=True,
    help="Who we are, for a server that asks: a PEM file. No token is looked for then.",
)
@click.option(
    "--client-key",
    type=click.Path(dir_okay=False),
    envvar="CONDUCTOR_CLIENT_KEY",
    show_envvar=True,
    help="The key of that certificate.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the release and exit.",
)
@click.pass_context
def cli(ctx: click.Context, /, **given: Any) -> None:
    """Everything an operator does with Conductor.

    Slots are named definition@member/window, such as update_sales@acme/2026-11-20.
    """
    ctx.obj = Options(**given)


def main() -> None:
    """The entry point of `conductor-cli`."""
    cli(prog_name="conductor-cli")
