"""`conductor-cli tokens`: who may do what."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from conductor_cli import moments
from conductor_cli.client import with_server
from conductor_cli.data import as_data, instant, word
from conductor_cli.output import format_option, joined, say, show_json
from conductor_cli.paging import collect, limit_option, show_list

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2 import Token
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub

ROLES = ["viewer", "operator", "author", "admin", "agent"]


@click.group("tokens")
def command() -> None:
    """Issue, list and revoke tokens."""


@command.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it is good for.")
@click.option(
    "--agent", "agents", metavar="NAME", multiple=True, help="Of an agent: its name. Repeatable; else any."
)
@click.option(
    "--source", "sources", metavar="SOURCE", multiple=True, help="Of an agent: it may serve only these."
)
@click.option(
    "--account",
    "accounts",
    metavar="TOKEN",
    multiple=True,
    help="Of an agent, a viewer, an operator: only these. Repeatable; else all.",
)
@click.option("--expires-at", type=moments.instant, metavar="INSTANT", help="It ends by itself then.")
@click.option(
    "--expires-in", type=moments.duration, metavar="DURATION", help="It ends by itself after so long: 90d."
)
@format_option
@with_server
def create(
    server: ControlServiceStub,
    name: str,
    role: str,
    agents: tuple[str, ...],
    sources: tuple[str, ...],
    accounts: tuple[str, ...],
    expires_at: dt.datetime | None,
    expires_in: dt.timedelta | None,
    format: str,
) -> None:
    """Issue a token and print it. It is shown this once: a server keeps its hash only."""
    from conductor_proto.v1.control_service_pb2 import CreateTokenRequest, Role

    if expires_at is not None and expires_in is not None:
        raise click.UsageError("say one of --expires-at and --expires-in, or neither")
    if expires_in is not None:
        expires_at = dt.datetime.now(tz=dt.UTC) + expires_in
    answer = server.CreateToken(
        CreateTokenRequest(
            name=name,
            role=Role.Value(f"ROLE_{role.upper()}"),
            agents=agents,
            sources=sources,
            accounts=accounts,
            expires_at=moments.stamp(expires_at),
        )
    )
    if format == "json":
        show_json(as_data(answer))
        return
    say(answer.text)
    click.echo(f"{_words(answer.token)}; it is not shown again", err=True)


@command.command("list")
@limit_option
@format_option
@with_server
def list_tokens(server: ControlServiceStub, limit: int, format: str) -> None:
    """List tokens by name, revoked ones too."""
    from conductor_proto.v1.control_service_pb2 import ListTokensRequest

    show_list(
        "tokens",
        collect(server.ListTokens, ListTokensRequest(), "tokens", limit=limit),
        {
            "name": lambda row: row.name,
            "id": lambda row: row.id,
            "role": _role,
            "state": lambda row: "revoked" if row.HasField("revoked_at") else "",
            "expires at": lambda row: instant(row.expires_at) if row.HasField("expires_at") else "",
            "last used": lambda row: instant(row.last_used_at) if row.HasField("last_used_at") else "",
            "created by": lambda row: row.created_by,
            "bounds": _bounds,
        },
        format=format,
        limit=limit,
    )


@command.command("revoke")
@click.argument("name")
@format_option
@with_server
def revoke(server: ControlServiceStub, name: str, format: str) -> None:
    """End a token, named by its name or id; its open streams end within seconds."""
    from conductor_proto.v1.control_service_pb2 import RevokeTokenRequest

    answer = server.RevokeToken(RevokeTokenRequest(name=name))
    if format == "json":
        show_json(as_data(answer))
        return
    say(f"token {answer.token.name} ({answer.token.id}) is revoked since {instant(answer.token.revoked_at)}")


def _words(token: Token) -> str:
    until = f" until {instant(token.expires_at)}" if token.HasField("expires_at") else ""
    bounds = _bounds(token)
    return f"token {token.name} ({token.id}), role {_role(token)}{until}" + (f", {bounds}" if bounds else "")


def _role(token: Token) -> str:
    from conductor_proto.v1.control_service_pb2 import Role

    return word(Role.DESCRIPTOR, token.role)


def _bounds(token: Token) -> str:
    named = {"agent": token.agents, "source": token.sources, "account": token.accounts}
    return joined(f"{noun} {name}" for noun, names in named.items() for name in names)
