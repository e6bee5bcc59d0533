"""Every call carries a token: health and reflection need none, everything else is refused without it.

The token of the embedded default is made on the first start, in a file that only this user can read; agents and the
command line of the same user find it there.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc

from conductor_server.model.errors import ConductorError

OPEN_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.v1alpha.ServerReflection/")

_Handler = Any
_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]]


TOKEN_CHARACTERS_MIN = 16
"""A shorter one can be guessed; an empty one would be everybody's."""


def ensure_token(path: Path) -> str:
    """The token in that file, which is made if need be. Raises ConductorError when others can read or guess it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make_token(path)
    if path.stat().st_mode & 0o077:
        raise ConductorError(f"others can read the token in {path}: chmod 600 {path}")
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < TOKEN_CHARACTERS_MIN:
        raise ConductorError(
            f"the token in {path} is too short to be one: remove the file, and a new one is made"
        )
    return token


def _make_token(path: Path) -> None:
    """Whole or not at all: a server killed meanwhile leaves no empty token, and of two that start, one token stays."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"cdr_{secrets.token_urlsafe(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without the token, streams included, before anything of them is read."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> _Handler:
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or method.startswith(OPEN_SERVICES):
            return handler
        given = dict(handler_call_details.invocation_metadata or ()).get("authorization", "")
        presented = given if isinstance(given, bytes) else given.encode()
        if hmac.compare_digest(presented, self._expected):
            return handler
        return _refusing(handler, "no token" if not given else "a token that this server did not issue")


def _refusing(handler: _Handler, why: str) -> _Handler:
    """A handler of the same shape that ends every call with UNAUTHENTICATED."""
    message = f"{why}: send the content of the server's token file as 'authorization: Bearer …'"

    async def refuse(_request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, message)

    async def refuse_stream(_request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        yield await refuse(_request, context)  # never yields: it makes this an asynchronous generator

    shapes = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    shape = shapes[handler.request_streaming, handler.response_streaming]
    behaviour = refuse_stream if handler.response_streaming else refuse
    return shape(
        behaviour,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
