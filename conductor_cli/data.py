"""Messages of the wire as plain data with stable keys: what `-o json` prints.

Keys are the proto's field names, and all of them are always there. Enums are lower-case words without their prefix,
instants are RFC 3339 in UTC, durations are seconds, counts by condition are one object, and what is absent is null.
"""

from __future__ import annotations

import datetime as dt
from base64 import b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from conductor_proto.v1.control_service_pb2 import ConditionCount


def as_data(message: Message) -> dict[str, Any]:
    """The message by its field names."""
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def instant(timestamp: Timestamp) -> str:
    """RFC 3339, to the second: ``2026-11-20T03:04:05Z``."""
    return timestamp.ToDatetime(tzinfo=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def counts(conditions: Iterable[ConditionCount]) -> dict[str, int]:
    """Slots by the word of their condition."""
    from conductor_proto.v1.control_service_pb2 import Condition

    return {word(Condition.DESCRIPTOR, each.condition): each.count for each in conditions}


def word(enum: Any, number: int) -> str:
    """``RUN_STATUS_WAITING`` is ``waiting``; a number that this release does not know stays a number."""
    prefix = str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")
    value = enum.values_by_number.get(number)
    return str(value.name).removeprefix(prefix).lower() if value else str(number)


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.is_repeated:
        if field.message_type is not None and field.message_type.name == "ConditionCount":
            return counts(value)
        return [_value(field, each) for each in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(field, value)


def _value(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return word(field.enum_type, value)
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if field.message_type is None:
        return value
    match field.message_type.full_name:
        case "google.protobuf.Timestamp":
            return instant(value)
        case "google.protobuf.Duration":
            return value.ToTimedelta().total_seconds()
        case "google.protobuf.Struct":
            from google.protobuf.json_format import MessageToDict

            return _whole(MessageToDict(value))
        case _:
            return as_data(value)


def _whole(value: Any) -> Any:
    """A Struct knows only floating point numbers (12.0 was 12 when it was written), and has no order."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_whole(each) for each in value]
        case dict():
            return {key: _whole(value[key]) for key in sorted(value)}
        case _:
            return value
