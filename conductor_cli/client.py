"""The connection to a server: where it is, who we are, and what its refusals mean in words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Concatenate, ParamSpec

import click

from conductor_server.drawing.letters import printable

if TYPE_CHECKING:
    import grpc

    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub

P = ParamSpec("P")

DEFAULT_ADDRESS = "127.0.0.1:7400"

REACHED_WITHIN_S = 2.0
"""So long is each of several servers waited for before the next is tried."""

ANSWERS = frozenset(
    {"NOT_FOUND", "INVALID_ARGUMENT", "ABORTED", "ALREADY_EXISTS", "FAILED_PRECONDITION", "OUT_OF_RANGE"}
)
"""Status codes by which a server answers a question, rather than refusing to."""


class Failure(click.ClickException):
    """Ends the command with a sentence: the answer is no, or something that was given is wrong."""

    exit_code = 1

    def show(self, file: object = None) -> None:
        click.echo(f"error: {self.format_message()}", err=True)


class Refusal(Failure):
    """Ends the command with a sentence: the server cannot be reached, or does not serve us."""

    exit_code = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about the server."""

    server: str | None = None
    token_file: str | None = None
    tls: bool = False
    ca: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server and the token for it; ``token_origin`` says where that was found, for messages.

    ``address`` may name several servers of one database, with commas between them.

    With ``tls`` the call is encrypted, and ``roots`` are the certificates to trust: ``None`` for the system's.
    ``certificate`` and ``key`` are shown to a server that asks for them.
    """

    address: str
    token: str = field(repr=False)
    token_origin: str
    tls: bool = False
    roots: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)


def find_target(options: Options, environ: Mapping[str, str]) -> Target:
    """The server to talk to. Raises ``Failure`` for a file that is named and cannot be read."""
    home = Path(environ.get("CONDUCTOR_HOME") or Path.home() / ".conductor")
    if bool(options.client_certificate) != bool(options.client_key):
        raise Failure("a client certificate and its key belong together: give both, or neither")
    token, origin = _token(options, environ, home)
    return Target(
        address=options.server or _own_server(home),
        token=token,
        token_origin=origin,
        tls=options.tls or options.ca is not None or options.client_certificate is not None,
        roots=_content(options.ca, "the certificates"),
        certificate=_content(options.client_certificate, "the client certificate"),
        key=_content(options.client_key, "the client key"),
    )


@contextmanager
def connect() -> Iterator[ControlServiceStub]:
    """A stub for the server that the command line names. Refusals end the command as a ``Failure``."""
    import grpc

    from conductor_cli.channel import Authorization
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub

    options = click.get_current_context().find_object(Options) or Options()
    target = find_target(options, os.environ)
    try:
        with _channel(_reachable(target)) as channel:
            yield ControlServiceStub(grpc.intercept_channel(channel, Authorization(target.token)))
    except grpc.RpcError as error:
        raise explain(error, target) from None


def _reachable(target: Target) -> Target:
    """The first of several servers that can be reached; the last one is taken unseen, and so is the only one."""
    addresses = [each.strip() for each in target.address.split(",") if each.strip()]
    for address in addresses[:-1]:
        found = replace(target, address=address)
        with _channel(found) as channel:
            if _is_ready(channel):
                return found
    return replace(target, address=addresses[-1]) if addresses else target


def _is_ready(channel: grpc.Channel) -> bool:
    """Whether a connection can be made: it is known as soon as one try has failed."""
    import grpc

    states: SimpleQueue[grpc.ChannelConnectivity] = SimpleQueue()
    channel.subscribe(states.put, try_to_connect=True)
    tried = {grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE}
    with suppress(Empty):
        while (state := states.get(timeout=REACHED_WITHIN_S)) not in tried:
            pass
        return state is grpc.ChannelConnectivity.READY
    return False


def _channel(target: Target) -> grpc.Channel:
    import grpc

    if not target.tls:
        return grpc.insecure_channel(target.address, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=target.roots, private_key=target.key, certificate_chain=target.certificate
    )
    return grpc.secure_channel(target.address, credentials, options=_OPTIONS)


_OPTIONS = [("grpc.max_receive_message_length", 64 * 1024 * 1024)]
"""A graph of 10,000 definitions with 100,000 edges has 11 MiB; gRPC's own limit is 4."""


def with_server(command: Callable[Concatenate[ControlServiceStub, P], None]) -> Callable[P, None]:
    """Gives the command a stub as its first argument, within ``connect``."""

    @wraps(command)
    def connected(*args: P.args, **kwargs: P.kwargs) -> None:
        with connect() as server:
            command(server, *args, **kwargs)

    return connected


def explain(error: grpc.RpcError, target: Target) -> Failure:
    """The refusal in one sentence, with what to do about it."""
    from grpc_status import rpc_status

    code, said = error.code().name, printable(_said(error))
    match code:
        case _ if code in ANSWERS:
            return Failure(said)
        case "UNAVAILABLE" if rpc_status.from_call(error):
            message = f"the server at {target.address} cannot do this now: {said}; try again"
        case "UNAVAILABLE":
            message = (
                f"no server answers at {target.address}; start one with `conductor-server`, "
                "or name another with --server"
            )
            if "certificate" in said.lower() or "ssl" in said.lower() or "tls" in said.lower():
                message = (
                    f"the server at {target.address} cannot be trusted: {said}; "
                    "name the certificates to trust with --ca"
                )
        case "UNAUTHENTICATED":
            message = (
                f"the server at {target.address} does not accept the token ({target.token_origin}): {said}; "
                "give another with --token-file or CONDUCTOR_TOKEN"
            )
        case "DEADLINE_EXCEEDED":
            message = f"the server at {target.address} took too long to answer; try again"
        case "UNIMPLEMENTED":
            message = f"the server at {target.address} is too old for this command; upgrade it"
        case _:
            message = f"the server at {target.address} refuses: {said} ({code.lower()})"
    return Refusal(message)


def _said(error: grpc.RpcError) -> str:
    """The message of the error; its google.rpc.Status adds the fields at fault."""
    from google.rpc.error_details_pb2 import BadRequest
    from grpc_status import rpc_status

    message = error.details() or error.code().name.lower().replace("_", " ")
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        bad = BadRequest()
        if detail.Unpack(bad):
            fields = [one.field for one in bad.field_violations if one.field and one.field not in message]
            message += f" (in {', '.join(fields)})" if fields else ""
    return message


def _own_server(home: Path) -> str:
    """The address that a server of this user has left in its home."""
    try:
        return str(json.loads((home / "server.json").read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return DEFAULT_ADDRESS


def _content(path: str | None, what: str) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Failure(f"{what} {path} cannot be read: {error}") from None


def _token(options: Options, environ: Mapping[str, str], home: Path) -> tuple[str, str]:
    if options.token_file:
        try:
            return Path(options.token_file).read_text(encoding="utf-8").strip(), f"of {options.token_file}"
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"the token file {options.token_file} cannot be read: {error}") from None
    if token := environ.get("CONDUCTOR_TOKEN"):
        return token.strip(), "of CONDUCTOR_TOKEN"
    if options.client_certificate:
        return "", f"none: {options.client_certificate} says who we are"
    try:
        return (home / "token").read_text(encoding="utf-8").strip(), f"of {home / 'token'}"
    except (OSError, UnicodeDecodeError):
        return "", "none was found"
