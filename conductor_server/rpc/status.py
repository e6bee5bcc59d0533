"""The one table from our errors to gRPC's status codes, and the decorators that apply it at the services' edge."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import grpc
import structlog
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from conductor_server.model import errors

log = structlog.get_logger("rpc")

DOMAIN = "conductor"
"""Of the reasons in ``ErrorInfo``: programs switch on the reason, never on the text."""

CODES: dict[type[errors.ConductorError], int] = {
    errors.DefinitionError: code_pb2.INVALID_ARGUMENT,
    errors.DefinitionErrors: code_pb2.INVALID_ARGUMENT,
    errors.SourceUnavailableError: code_pb2.FAILED_PRECONDITION,
    errors.InvalidRequestError: code_pb2.INVALID_ARGUMENT,
    errors.NotFoundError: code_pb2.NOT_FOUND,
    errors.ConflictError: code_pb2.ABORTED,
    errors.AlreadyExistsError: code_pb2.ALREADY_EXISTS,
    errors.UnauthenticatedError: code_pb2.UNAUTHENTICATED,
    errors.PermissionDeniedError: code_pb2.PERMISSION_DENIED,
    errors.CapacityError: code_pb2.RESOURCE_EXHAUSTED,
    errors.InsecureError: code_pb2.FAILED_PRECONDITION,
    errors.StoreUnavailableError: code_pb2.UNAVAILABLE,
    errors.ConductorError: code_pb2.FAILED_PRECONDITION,
}
"""A subclass has its nearest base's code."""

F = TypeVar("F", bound=Callable[..., Any])


def status_of(error: errors.ConductorError) -> status_pb2.Status:
    """The status with its details: the error's class as the reason, and the field where there is one."""
    code = next(CODES[base] for base in type(error).__mro__ if base in CODES)
    reason = type(error).__name__.removesuffix("Error")
    details: list[Any] = [error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)]
    if isinstance(error, errors.InvalidRequestError) and error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=str(error))
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=str(error), details=packed)


def translated(method: F) -> F:
    """For synchronous unary methods: our errors become statuses, and any other ends as INTERNAL with a log line."""

    @functools.wraps(method)
    def guarded(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            refuse_nul(request)
            return method(self, request, context)
        except errors.ConductorError as error:
            abort(context, error)
        except Exception as error:
            log.exception("call failed", method=method.__name__)
            context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")

    return guarded  # type: ignore[return-value]


def refuse_nul(request: Message) -> None:
    """Raises InvalidRequestError for a text with NUL in it, which no name has and PostgreSQL does not take."""
    for field, value in request.ListFields():
        for each in value if field.is_repeated else (value,):
            if isinstance(each, str) and "\0" in each:
                raise errors.InvalidRequestError(f"{field.name} holds a NUL character", field=field.name)
            if isinstance(each, Message):
                refuse_nul(each)


def abort(context: grpc.ServicerContext, error: errors.ConductorError) -> NoReturn:
    """End a synchronous call with our error."""
    # Not `abort_with_status`: grpcio-testing has none, and this is all that it does.
    status = rpc_status.to_status(status_of(error))
    context.set_trailing_metadata(status.trailing_metadata)
    context.abort(status.code, status.details)
    raise AssertionError("unreachable: abort raises")


def translated_stream(method: F) -> F:
    """The same for asynchronous methods that answer with a stream."""

    @functools.wraps(method)
    async def guarded(
        self: Any, request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        try:
            async for answer in method(self, request, context):
                yield answer
        except errors.ConductorError as error:
            await context.abort_with_status(rpc_status.to_status(status_of(error)))

    return guarded  # type: ignore[return-value]


def translated_async(method: F) -> F:
    """The same for asynchronous unary methods."""

    @functools.wraps(method)
    async def guarded(self: Any, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        answer: Awaitable[Any] = method(self, request, context)
        try:
            return await answer
        except errors.ConductorError as error:
            await context.abort_with_status(rpc_status.to_status(status_of(error)))

    return guarded  # type: ignore[return-value]
