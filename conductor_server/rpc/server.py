"""The gRPC server around the services: credentials, limits, health and reflection."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from grpc_reflection.v1alpha._async import ReflectionServicer

from conductor_proto.v1 import agent_service_pb2, control_service_pb2
from conductor_proto.v1.agent_service_pb2_grpc import add_AgentServiceServicer_to_server
from conductor_proto.v1.control_service_pb2_grpc import add_ControlServiceServicer_to_server
from conductor_server.model.errors import ConductorError
from conductor_server.rpc.agent_service import AgentService
from conductor_server.rpc.authorization import check_all_served
from conductor_server.rpc.control_service import ControlService
from conductor_server.rpc.guard import Guard, GuardedServer

CALLS_AT_ONCE_MAX = 10_000

CALLS_OF_A_CONNECTION_MAX = 1_000
"""An agent has four, on two connections; somebody else's fleet may share one. No connection takes all there are."""

MESSAGE_BYTES_MAX = 32 * 1024 * 1024
"""An agent reports up to 64 runs in one message, each with a result and a checkpoint as large as they may be."""

METADATA_BYTES_MAX = 16 * 1024
"""Of a call, as HTTP/2 counts them: names, values, and 32 for each."""

PING_INTERVAL_MS = 10_000
"""Agents ping every 20 s to find half-open connections; what gRPC demands unless it is told closes such clients."""

EARLY_PINGS_MAX = 2

HANDSHAKE_MS = 10_000
"""Until a connection has shown its certificate, if it has to, and speaks HTTP/2."""

IDLE_MS = 30 * 60 * 1_000
"""Until a connection without calls is closed, and its place freed. Clients open another when they need one."""

CHANNEL_OPTIONS = [
    ("grpc.max_concurrent_streams", CALLS_OF_A_CONNECTION_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    # One limit, which is refused itself. Of what lies between two of them, gRPC would refuse some by chance.
    ("grpc.max_metadata_size", METADATA_BYTES_MAX + 1),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX + 1),
    ("grpc.so_reuseport", 0),  # a second server on the same port must fail, not share it
    ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_MS),
    ("grpc.http2.max_ping_strikes", EARLY_PINGS_MAX),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
    ("grpc.max_connection_idle_ms", IDLE_MS),
    # And we ping them: the stream of an agent whose machine is gone would be pushed runs for two hours.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
]

SERVICES = (
    agent_service_pb2.DESCRIPTOR.services_by_name["AgentService"].full_name,
    control_service_pb2.DESCRIPTOR.services_by_name["ControlService"].full_name,
    health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
    reflection.SERVICE_NAME,
)
"""What reflection tells."""

CONTROL_THREADS = 16
"""The control service's methods are synchronous: this many run at a time."""

DRAIN_S = 2.0
"""How long calls that are under way may take to end when the server stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files. With ``client_ca`` every client has to show a certificate of that authority."""

    certificate: str
    key: str
    client_ca: str = ""


class Server:
    """Both services, health and reflection on one port, each method behind the guard."""

    def __init__(self, agents: AgentService, control: ControlService, *, guard: Guard) -> None:
        """Raises ConductorError when nothing says who may call a method."""
        self._health = HealthServicer()
        self._server = grpc.aio.server(
            migration_thread_pool=ThreadPoolExecutor(CONTROL_THREADS, thread_name_prefix="control"),
            options=CHANNEL_OPTIONS,
            maximum_concurrent_rpcs=CALLS_AT_ONCE_MAX,
        )
        doors = GuardedServer(self._server, guard)
        guarded: Any = doors  # all that services need of a server
        add_AgentServiceServicer_to_server(agents, guarded)
        add_ControlServiceServicer_to_server(control, guarded)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, guarded)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(ReflectionServicer(SERVICES), guarded)
        check_all_served(doors.methods)

    async def start(self, addresses: Sequence[str], *, tls: TlsFiles | None) -> int:
        """Listen on all of them, and answer the real port. Raises ConductorError when that is not possible.

        Addresses are numbers, no names: those that were judged are those that are bound. Port 0 picks one for all.
        """
        credentials = _credentials(tls) if tls else None
        port = 0
        for address in addresses:
            host, _, wanted = address.rpartition(":")
            try:
                port = self._bind(f"{host}:{port or wanted}", credentials)
            except RuntimeError as error:
                raise ConductorError(
                    f"{address} cannot be listened on: is another server running? Choose another with --listen"
                ) from error
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        return port

    def _bind(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        if credentials is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, credentials)

    async def stop(self) -> None:
        """Say so, let calls end, and close. Agents dial again; their commands go on."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace=DRAIN_S)


def _credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Raises ConductorError for files that are not there, are no PEM, or do not belong together."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)  # gRPC would only say no
        pair = (Path(files.key).read_bytes(), Path(files.certificate).read_bytes())
    except OSError as error:
        raise ConductorError(f"the TLS certificate or key cannot be used: {error}") from error
    if not files.client_ca:
        return grpc.ssl_server_credentials([pair])
    try:
        context.load_verify_locations(files.client_ca)
        roots = Path(files.client_ca).read_bytes()
    except OSError as error:
        raise ConductorError(f"the client CA {files.client_ca} cannot be used: {error}") from error
    return grpc.ssl_server_credentials([pair], root_certificates=roots, require_client_auth=True)
