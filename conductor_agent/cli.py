"""``conductor-agent``: claims runs of its sources from a server, and executes them on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from conductor_agent import __version__
from conductor_agent.errors import AgentError, RefusedError, UsageError

FAILED, WRONG_USAGE, REFUSED = 1, 2, 3

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = 366 * 24 * 3600.0


class Span(click.ParamType[float]):
    """A number of seconds, or one with a unit: ``500ms``, ``2s``, ``1.5m``."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        unit = next((unit for unit in _UNITS if text.endswith(unit)), "")
        try:
            seconds = float(text.removesuffix(unit)) * _UNITS.get(unit, 1.0)
        except ValueError:
            self.fail(f"{text!r} is not a span such as 2s", param, ctx)
        if not 0 <= seconds <= _LONGEST:
            self.fail(f"{text!r} is out of range", param, ctx)
        return seconds


_EPILOG = """\b
Exit codes: 0 stopped as asked, 1 failed, 2 started wrongly,
            3 refused by the server (token, protocol, source or name).
"""


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.option(
    "--source",
    "sources",
    multiple=True,
    required=True,
    metavar="NAME[=N]",
    help="A source to serve, and how many of its runs at once. Repeatable.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Runs at once of each source that does not say.",
)
@click.option("--name", help="Stable over restarts. [default: host name and sources]")
@click.option(
    "--server",
    envvar="CONDUCTOR_SERVER",
    metavar="HOST:PORT[,…]",
    help="Several with commas between: any will do. "
    "[default: what the server of this user wrote down, else 127.0.0.1:7400]",
)
@click.option(
    "--token-file",
    envvar="CONDUCTOR_TOKEN_FILE",
    type=click.Path(path_type=Path),
    help="Read at every connection. [default: $CONDUCTOR_TOKEN, else token in the home folder]",
)
@click.option("--tls", is_flag=True, help="Encrypt, and trust the system's certificates.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path),
    envvar="CONDUCTOR_CA",
    help="Encrypt, and trust the certificates of this file. [env: CONDUCTOR_CA]",
)
@click.option(
    "--client-certificate",
    type=click.Path(path_type=Path),
    envvar="CONDUCTOR_CLIENT_CERTIFICATE",
    help="Who the agent is, for a server that asks: a PEM file, read at every connection. "
    "No token is looked for then. [env: CONDUCTOR_CLIENT_CERTIFICATE]",
)
@click.option(
    "--client-key",
    type=click.Path(path_type=Path),
    envvar="CONDUCTOR_CLIENT_KEY",
    help="The key of that certificate. [env: CONDUCTOR_CLIENT_KEY]",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="The folder of the journal. [default: agents/NAME in the home folder]",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The folder that relative paths in definitions start from. [default: here]",
)
@click.option("--allow", type=click.Path(path_type=Path), help="A file that says what this agent may run.")
@click.option("--once", is_flag=True, help="Run what is ready, then exit.")
@click.option(
    "--idle-exit",
    type=Span(),
    default="2s",
    show_default=True,
    help="With --once: how long there must be nothing to do.",
)
@click.option(
    "--on-stop",
    type=click.Choice(["finish", "release", "leave"]),
    default="finish",
    show_default=True,
    help="On SIGTERM: wait for running commands; give them back; or leave them running for the next start. "
    "A second signal is sterner.",
)
@click.option(
    "--grace",
    type=Span(),
    default="10s",
    show_default=True,
    help="From TERM to KILL for a command to be stopped.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.version_option(__version__, prog_name="conductor-agent")
def main(**given: object) -> None:
    """Claims runs from a Conductor server and executes them here.

    Commands survive the agent: one that is killed and started again takes its running commands up and reports what has
    ended meanwhile. CONDUCTOR_HOME (default ~/.conductor) is the home folder.
    """
    # gRPC would watch for forks, which never happen here; it reads this when it is imported
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    from conductor_agent.compose import Options, run

    try:
        run(Options(**given))  # type: ignore[arg-type]  # click has made each of its declared type
    except UsageError as error:
        _fail(error, WRONG_USAGE)
    except RefusedError as error:
        _fail(error, REFUSED)
    except (AgentError, OSError) as error:
        _fail(error, FAILED)


def _fail(error: Exception, code: int) -> None:
    click.echo(f"conductor-agent: {error}", err=True)
    sys.exit(code)
