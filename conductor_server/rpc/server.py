"""The gRPC server around the services: credentials, limits, health and reflection."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from conductor_proto.v1 import agent_service_pb2, control_service_pb2
from conductor_proto.v1.agent_service_pb2_grpc import add_AgentServiceServicer_to_server
from conductor_proto.v1.control_service_pb2_grpc import add_ControlServiceServicer_to_server
from conductor_server.model.errors import ConductorError
from conductor_server.rpc.agent_service import AgentService
from conductor_server.rpc.authentication import TokenInterceptor
from conductor_server.rpc.control_service import ControlService

CHANNEL_OPTIONS = [
    # An agent reports up to 64 runs in one message, each with a result and a checkpoint as large as they may be.
    ("grpc.max_receive_message_length", 32 * 1024 * 1024),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.so_reuseport", 0),  # a second server on the same port must fail, not share it
    # Agents ping every 20 s to find half-open connections; the default policy closes such clients.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # And we ping them: the stream of an agent whose machine is gone would be pushed runs for two hours.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
]

CALLS_AT_ONCE_MAX = 10_000

CONTROL_THREADS = 16
"""The control service's methods are synchronous: this many run at a time."""

DRAIN_S = 2.0
"""How long calls that are under way may take to end when the server stops."""


class Server:
    """Both services on one port. Agents and clients need a token; health and reflection are open."""

    def __init__(self, agents: AgentService, control: ControlService, *, token: str) -> None:
        self._health = HealthServicer()
        self._server = grpc.aio.server(
            migration_thread_pool=ThreadPoolExecutor(CONTROL_THREADS, thread_name_prefix="control"),
            interceptors=[TokenInterceptor(token)],
            options=CHANNEL_OPTIONS,
            maximum_concurrent_rpcs=CALLS_AT_ONCE_MAX,
        )
        add_AgentServiceServicer_to_server(agents, self._server)
        add_ControlServiceServicer_to_server(control, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (
                agent_service_pb2.DESCRIPTOR.services_by_name["AgentService"].full_name,
                control_service_pb2.DESCRIPTOR.services_by_name["ControlService"].full_name,
                health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
                reflection.SERVICE_NAME,
            ),
            self._server,
        )

    async def start(self, listen: str, *, certificate: str, key: str) -> int:
        """Listen, and answer the real port. Raises ConductorError when that is not possible."""
        try:
            if certificate:
                port = self._server.add_secure_port(listen, _credentials(certificate, key))
            else:
                port = self._server.add_insecure_port(listen)
        except RuntimeError as error:
            raise ConductorError(
                f"{listen} cannot be listened on: is another server running? Choose another with --listen"
            ) from error
        except OSError as error:
            raise ConductorError(f"the TLS certificate or key cannot be used: {error}") from error
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        return port

    async def stop(self) -> None:
        """Say so, let calls end, and close. Agents dial again; their commands go on."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace=DRAIN_S)


def _credentials(certificate: str, key: str) -> grpc.ServerCredentials:
    """Raises OSError for files that are not there, are no PEM, or do not belong together."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)  # gRPC would only say no
    return grpc.ssl_server_credentials([(Path(key).read_bytes(), Path(certificate).read_bytes())])
