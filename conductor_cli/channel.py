"""What every call to a server carries. Imports grpc: only the connection itself imports this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import grpc

SECONDS = 30.0
"""How long a unary call may take. Streams have no end."""


class _Details(NamedTuple):
    """What grpc wants of call details, which has no public class for them."""

    method: str
    timeout: float | None
    metadata: tuple[tuple[str, str], ...]
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class Authorization(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Sends the bearer token with every call, and gives unary calls a deadline."""

    def __init__(self, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return continuation(self._with_token(details, timeout=details.timeout or SECONDS), request)

    def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return continuation(self._with_token(details, timeout=details.timeout), request)

    def _with_token(self, details: Any, *, timeout: float | None) -> _Details:
        return _Details(
            method=details.method,
            timeout=timeout,
            metadata=(*(details.metadata or ()), *self._metadata),
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
            compression=details.compression,
        )
