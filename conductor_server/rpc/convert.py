"""Between messages and our own values, where they are of no particular noun: instants, spans, pages, counts."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_server.model.errors import InvalidRequestError
from conductor_server.model.states import Condition
from conductor_server.policy.diagnosis import Finding, Severity

PAGE_DEFAULT = 100
PAGE_MAX = 1_000

CONDITIONS: Mapping[Condition, pb.Condition.ValueType] = {
    condition: pb.Condition.Value(f"CONDITION_{condition.name}") for condition in Condition
}
_CONDITION_OF = {number: condition for condition, number in CONDITIONS.items()}


def timestamp(value: dt.datetime | None) -> timestamp_pb2.Timestamp | None:
    if value is None:
        return None
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(value)
    return message


def instant(message: timestamp_pb2.Timestamp, *, field: str) -> dt.datetime:
    """Raises InvalidRequestError for one that no calendar has."""
    try:
        return message.ToDatetime(tzinfo=dt.UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequestError(f"the instant of {field} is none: {error}", field=field) from None


def duration(value: dt.timedelta | None) -> duration_pb2.Duration | None:
    if value is None:
        return None
    message = duration_pb2.Duration()
    message.FromTimedelta(value)
    return message


def struct(value: Mapping[str, Any] | None) -> struct_pb2.Struct | None:
    if value is None:
        return None
    message = struct_pb2.Struct()
    message.update(value)
    return message


def page_size(asked: int) -> int:
    """Raises InvalidRequestError for less than none."""
    if asked < 0:
        raise InvalidRequestError(f"a page of {asked} makes no sense", field="page_size")
    return min(asked or PAGE_DEFAULT, PAGE_MAX)


def page_token(key: list[str | int] | None) -> str:
    """Where the next page begins, in a form that nobody is tempted to take apart; empty after the last."""
    return "" if key is None else base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def page_key(token: str, *types: type) -> list[Any] | None:
    """What ``page_token`` was given. Raises InvalidRequestError for anything else."""
    if not token:
        return None
    try:
        key = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except ValueError:
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(types):
        raise InvalidRequestError("the page token is not from the answer before", field="page_token")
    return key


def name_key(token: str) -> str:
    """The key of a listing by name: the last name of the page before, empty for the first page."""
    key = page_key(token, str)
    return key[0] if key else ""


def condition(number: pb.Condition.ValueType) -> Condition:
    """Raises InvalidRequestError for one that this server does not know."""
    try:
        return _CONDITION_OF[number]
    except KeyError:
        raise InvalidRequestError(f"the condition {number} is unknown", field="conditions") from None


def condition_counts(counts: Mapping[Condition, int]) -> list[pb.ConditionCount]:
    """In the order of the enum; slots that are not due are counted elsewhere."""
    return [
        pb.ConditionCount(condition=number, count=counts[condition])
        for condition, number in CONDITIONS.items()
        if condition is not Condition.NOT_DUE and counts.get(condition)
    ]


_SEVERITIES = {Severity.WARNING: pb.SEVERITY_WARNING, Severity.ERROR: pb.SEVERITY_ERROR}


def finding(found: Finding) -> pb.Finding:
    return pb.Finding(
        severity=_SEVERITIES[found.severity], check=found.check, what=found.what, remedy=found.remedy
    )
