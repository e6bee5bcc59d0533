"""``conductor-server``: with no arguments it works; everything it can be told stands in ``--help``.

Exit codes: 0 stopped as asked, 1 it could not work (the reason is the last line), 2 wrong usage, 78 it would let in
whom it should not, and did not start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import click

EXIT_INSECURE = 78
"""``EX_CONFIG`` of sysexits.h: starting it again will not help, and service managers can be told so."""


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--database",
    metavar="URL",
    help="sqlite:///PATH or postgresql://…  [default: conductor.db in the home folder]",
)
@click.option(
    "--definitions",
    metavar="PATH",
    multiple=True,
    help="File or folder with definitions; re-read when changed.",
)
@click.option(
    "--definitions-timeout-seconds",
    type=float,
    metavar="SECONDS",
    help="A definition source that has not answered by then is passed over.",
)
@click.option("--listen", metavar="HOST:PORT", help="For agents and clients.  [default: 127.0.0.1:7400]")
@click.option(
    "--metrics-listen", metavar="HOST:PORT", help="For /metrics and /health.  [default: 127.0.0.1, any port]"
)
@click.option("--timezone", metavar="ZONE", help="Of slots that belong to no account.  [default: UTC]")
@click.option("--log-format", type=click.Choice(["console", "json"]), help="How log lines look.")
@click.option("--tls-certificate", metavar="FILE", help="PEM; needed to listen beyond this machine.")
@click.option("--tls-key", metavar="FILE", help="PEM; the certificate's key.")
@click.option(
    "--tls-client-ca", metavar="FILE", help="PEM; every client must show a certificate of this authority."
)
@click.option(
    "--restore-grace-seconds",
    type=float,
    metavar="SECONDS",
    help="After a restore nothing is claimed so long.",
)
@click.option(
    "--slots-create-extra-days", type=float, metavar="DAYS", help="How far ahead slots are created."
)
@click.option(
    "--timeout-duration-minutes", type=float, metavar="MINUTES", help="A silent run is given up after this."
)
@click.option(
    "--retries-standard-max-attempts", type=int, metavar="N", help="Failed runs in a row under standard."
)
@click.option(
    "--retries-standard-extended-max-attempts",
    type=int,
    metavar="N",
    help="The same under standard_extended.",
)
@click.option(
    "--retries-standard-delay-minutes",
    type=float,
    metavar="MINUTES",
    help="Between failure and next attempt.",
)
@click.option(
    "--heartbeat-interval-seconds", type=float, metavar="SECONDS", help="How often agents say they are alive."
)
@click.option(
    "--loop-interval-seconds", type=float, metavar="SECONDS", help="The engine looks at least this often."
)
@click.option(
    "--full-pass-interval-seconds",
    type=float,
    metavar="SECONDS",
    help="It looks at everything, not only at changes, this often.",
)
@click.option(
    "--retention-days", type=float, metavar="DAYS", help="Decided slots are deleted after this; 0 keeps them."
)
@click.option(
    "--leader-lease-seconds",
    type=float,
    metavar="SECONDS",
    help="Of several servers: one that leads and is silent this long is replaced.",
)
@click.option(
    "--leader-renew-seconds",
    type=float,
    metavar="SECONDS",
    help="How often the one that leads says it lives.",
)
@click.version_option(package_name="conductor-orchestrator")
@click.pass_context
def main(context: click.Context, /, definitions: tuple[str, ...], **flags: Any) -> None:
    """Run a Conductor server: the engine, the services for agents and clients, and metrics.

    Every flag is also a setting: in the environment, or in conductor.toml in the home folder
    (CONDUCTOR_HOME, default ~/.conductor). `conductor-server settings` lists them all.
    """
    context.obj = flags | {"definitions": list(definitions) or None}
    if context.invoked_subcommand is None:
        sys.exit(_serve(context.obj))


@main.command()
@click.pass_context
def settings(context: click.Context) -> None:
    """Print every setting, its name in the environment, its value and its meaning."""
    from conductor_server import config

    loaded = _or_exit(lambda: config.load(**context.obj))
    for name, field in config.Settings.model_fields.items():
        click.echo(f"{field.validation_alias}={getattr(loaded, name)!r:<24}  # {field.description}")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.pass_context
def backup(context: click.Context, file: str) -> None:
    """Copy the SQLite database into FILE, also while a server works on it.

    To restore, stop the server, put FILE in the database's place, and start it again. PostgreSQL has pg_dump for this.
    """

    def work() -> None:
        import secrets
        from pathlib import Path

        from conductor_server import config
        from conductor_server.engine.clock import SystemClock
        from conductor_server.store.backup import back_up

        back_up(
            config.load(**context.obj).database_url,
            Path(file),
            token=secrets.token_hex(8),
            now=SystemClock().now(),
        )

    _or_exit(work)


@main.command()
@click.pass_context
def restored(context: click.Context) -> None:
    """Say that the database was restored from a backup, before any server starts on it.

    Agents then report again what the backup has forgotten. Not needed after `conductor-server backup`: such a file
    says so itself. Needed after pg_restore and after any other copy.
    """

    def work() -> None:
        import secrets

        from conductor_server import config
        from conductor_server.engine.clock import SystemClock
        from conductor_server.store.backup import begin_again

        begin_again(
            config.load(**context.obj).database_url, token=secrets.token_hex(8), now=SystemClock().now()
        )

    _or_exit(work)
    click.echo("restored: agents will report again what they know")


def _serve(flags: dict[str, Any]) -> int:
    from conductor_server import app, config
    from conductor_server.log_lines import configure

    os.umask(0o077)  # the database and all else in the home folder is this user's alone
    loaded = _or_exit(lambda: config.load(**flags))
    configure(loaded.log_format)

    async def serve() -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await app.run_until(stopped, loaded)

    _or_exit(lambda: asyncio.run(serve()))
    return 0


def _or_exit(action: Any) -> Any:
    """What the action answers; a ConductorError becomes one line and an exit code."""
    from conductor_server.model.errors import ConductorError, InsecureError

    try:
        return action()
    except ConductorError as error:
        click.echo(f"conductor-server: {error}", err=True)
        sys.exit(EXIT_INSECURE if isinstance(error, InsecureError) else 1)
