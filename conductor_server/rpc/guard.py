"""Stands before every method: nobody is answered, and nothing of a request is read, before it is known who calls.

A method is wrapped when its service is added to the server; the registry of ``rpc/authorization`` decides how, and one
that it does not know keeps the server from starting. While streams are open their tokens are looked at again and again:
one that is revoked, on this server or another, or expires, ends them.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import structlog
from grpc_status import rpc_status

from conductor_server.engine.clock import Clock
from conductor_server.model.credentials import NOBODY, Credential, Role
from conductor_server.model.errors import (
    ConductorError,
    InvalidRequestError,
    PermissionDeniedError,
    StoreUnavailableError,
    UnauthenticatedError,
)
from conductor_server.rpc import authorization
from conductor_server.rpc.authentication import Authenticator
from conductor_server.rpc.caller import set_caller
from conductor_server.rpc.denials import ANONYMOUS, Denial, Denials
from conductor_server.rpc.status import abort, status_of
from conductor_server.store import tokens
from conductor_server.store.database import Database

log = structlog.get_logger("access")

LOOK_EVERY_S = 1.0
"""Between two looks at the tokens of open streams: a revoked one has ended all of its streams soon after."""

_Handler = Any  # grpc.RpcMethodHandler, whose attributes have no types
_Context = Any
_DENIED = {
    code
    for status in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    for code in (status, status.value[0])  # the asynchronous contexts answer with the number
}


@dataclass(slots=True, eq=False)
class _Call:
    """A call that is under way."""

    credential: Credential
    task: asyncio.Task[Any] | None
    ended: str = ""


class Guard:
    """Lets calls in, and puts them out again. One for each server; ``run`` works until it is cancelled."""

    def __init__(
        self, database: Database, clock: Clock, authenticator: Authenticator, denials: Denials
    ) -> None:
        self._database = database
        self._clock = clock
        self._authenticator = authenticator
        self._denials = denials
        self._streams: set[_Call] = set()
        self._used: set[str] = set()

    def guarded(self, method: str, handler: _Handler) -> _Handler:
        """The handler of a method, for those who may call it. Raises ConductorError for an unknown method."""
        access = authorization.access_to(method)
        if access == authorization.OPEN:
            return handler
        return _Door(self, method, access, handler).handler()

    async def run(self) -> None:
        """End streams whose tokens have ended, and write down what has gathered."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                self._denials.flush()
                await asyncio.to_thread(self._note_used)
                await self._end_streams()
            except StoreUnavailableError as error:
                log.warning("tokens could not be looked at", error=str(error))

    # --- for the doors

    def identify(self, context: _Context) -> Credential:
        """Raises UnauthenticatedError, StoreUnavailableError."""
        credential = self._authenticator.identify(
            context.invocation_metadata() or (), context.auth_context() or {}
        )
        if credential.stored:
            self._used.add(credential.id)
        return credential

    def opened(self, call: _Call) -> None:
        if call.credential.stored:
            self._streams.add(call)

    def closed(self, call: _Call) -> None:
        self._streams.discard(call)

    def denied(self, context: _Context, method: str, credential: Credential, why: str) -> None:
        denial = Denial(actor=credential.name or ANONYMOUS, method=method.rpartition("/")[2], why=why)
        self._denials.record(denial, peer=context.peer())

    # --- in the background

    def _note_used(self) -> None:
        used = frozenset(self._used)  # threads go on adding
        if used:
            self._database.write(lambda db: tokens.used(db, used, now=self._clock.now()))
            self._used -= used

    async def _end_streams(self) -> None:
        ids = {call.credential.id for call in self._streams}
        if not ids:
            return
        now = self._clock.now()
        ended = await asyncio.to_thread(self._database.read, lambda db: tokens.ended(db, ids, now=now))
        for call in list(self._streams):
            if (why := ended.get(call.credential.id)) and not call.ended and call.task is not None:
                call.ended = f"{why}: ask an administrator for another"
                call.task.cancel()


class _Door:
    """One method behind the guard, in the shape that its handler has."""

    def __init__(self, guard: Guard, method: str, needed: Role, handler: _Handler) -> None:
        self._guard = guard
        self._method = method
        self._needed = needed
        self._handler = handler

    def handler(self) -> _Handler:
        handler = self._handler
        match handler.request_streaming, handler.response_streaming:
            case False, False:
                is_async = inspect.iscoroutinefunction(handler.unary_unary)
                behaviour = self._unary if is_async else self._in_thread
                return self._shaped(grpc.unary_unary_rpc_method_handler, behaviour)
            case False, True if inspect.isasyncgenfunction(handler.unary_stream):
                return self._shaped(grpc.unary_stream_rpc_method_handler, self._stream)
            case True, True if inspect.isasyncgenfunction(handler.stream_stream):
                return self._shaped(grpc.stream_stream_rpc_method_handler, self._stream)
        raise ConductorError(f"{self._method} has a shape that the guard does not know")

    def _shaped(self, shape: Any, behaviour: Any) -> _Handler:
        # A lone request arrives as bytes, and is parsed when it is known who sent it.
        streaming = self._handler.request_streaming
        return shape(
            behaviour,
            request_deserializer=self._handler.request_deserializer if streaming else None,
            response_serializer=self._handler.response_serializer,
        )

    def _in_thread(self, request: bytes, context: _Context) -> Any:
        credential = NOBODY
        try:
            credential = self._guard.identify(context)
            authorization.require(credential, self._needed, self._method)
            message = self._parsed(request)
        except ConductorError as error:
            if isinstance(error, UnauthenticatedError | PermissionDeniedError):
                self._guard.denied(context, self._method, credential, str(error))
            abort(context, error)
        set_caller(credential)
        return self._handler.unary_unary(message, context)

    async def _unary(self, request: bytes, context: _Context) -> Any:
        call = _Call(NOBODY, asyncio.current_task())
        try:
            await self._let_in(call, context)
            return await self._handler.unary_unary(self._parsed(request), context)
        except ConductorError as error:
            await _abort(context, error)
        finally:
            self._over(call, context)

    async def _stream(self, request: Any, context: _Context) -> AsyncIterator[Any]:
        call, handler = _Call(NOBODY, asyncio.current_task()), self._handler
        try:
            await self._let_in(call, context)
            self._guard.opened(call)
            answering = (
                handler.stream_stream(request, context)
                if handler.request_streaming
                else handler.unary_stream(self._parsed(request), context)
            )
            async with aclosing(answering) as answers:
                async for answer in answers:
                    yield answer
        except asyncio.CancelledError:
            if not call.ended:
                raise
            assert call.task is not None
            call.task.uncancel()
            await _abort(context, UnauthenticatedError(call.ended))
        except ConductorError as error:
            await _abort(context, error)
        finally:
            self._guard.closed(call)
            self._over(call, context)

    async def _let_in(self, call: _Call, context: _Context) -> None:
        call.credential = await asyncio.to_thread(self._guard.identify, context)
        authorization.require(call.credential, self._needed, self._method)
        set_caller(call.credential)

    def _over(self, call: _Call, context: _Context) -> None:
        """A refusal is written down, also one that the service itself has made."""
        if context.code() in _DENIED:
            self._guard.denied(context, self._method, call.credential, context.details())

    def _parsed(self, request: bytes) -> Any:
        try:
            return self._handler.request_deserializer(request)
        except Exception as error:  # protobuf raises one class in C++, and another in Python
            raise InvalidRequestError("the request cannot be read: it is none of this method") from error


async def _abort(context: _Context, error: ConductorError) -> NoReturn:
    await context.abort_with_status(rpc_status.to_status(status_of(error)))
    raise AssertionError("unreachable: abort raises")


class GuardedServer:
    """What services are added to instead of the server: each of their methods gets its door."""

    def __init__(self, server: grpc.aio.Server, guard: Guard) -> None:
        self._server = server
        self._guard = guard
        self.methods: set[str] = set()

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        """The same methods come once more, by their names; these would bypass the guard."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, _Handler]) -> None:
        names = {name: f"/{service}/{name}" for name in handlers}
        self.methods.update(names.values())
        self._server.add_registered_method_handlers(
            service, {name: self._guard.guarded(names[name], handler) for name, handler in handlers.items()}
        )
