"""Definitions, their edges, and accounts, as messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_server.definitions.values import parse_token
from conductor_server.model.definition import Account, Retry
from conductor_server.model.errors import InvalidRequestError
from conductor_server.model.states import Condition, RetryKind
from conductor_server.policy.frequency import zone
from conductor_server.policy.retry import RetrySettings
from conductor_server.rpc import convert
from conductor_server.store.definition_pages import Edge, ShownDefinition
from conductor_server.store.members import StoredAccount


def definition(
    shown: ShownDefinition, counts: Mapping[Condition, int], settings: RetrySettings
) -> pb.Definition:
    return pb.Definition(
        name=shown.name,
        source=shown.source,
        frequency=shown.schedule,
        matrix=shown.matrix,
        start_policy=shown.start_policy.word,
        retry_policy=retry_in_words(shown.retry, settings),
        reads_from=shown.reads,
        writes_to=shown.writes,
        active=shown.active,
        priority=shown.priority,
        pools=shown.pools,
        source_token=shown.source_token,
        place=shown.place,
        description=f"set aside: {shown.fault}" if shown.fault else shown.description,
        starts_at=convert.timestamp(shown.starts_at),
        slots=convert.condition_counts(counts),
    )


def edge(between: Edge) -> pb.Dependency:
    return pb.Dependency(
        parent=between.parent,
        child=between.child,
        tables=between.tables,
        window_rule=between.window_rule.word,
    )


def retry_in_words(retry: Retry, settings: RetrySettings) -> str:
    """``exponential_backoff: up to 5 attempts, 1m × 2 up to 1h``."""
    word = retry.kind.word
    match retry.kind:
        case RetryKind.STANDARD:
            attempts = retry.attempts or settings.attempts_max
            return f"{word}: up to {attempts} attempts, {span(settings.delay)} apart"
        case RetryKind.STANDARD_EXTENDED:
            attempts = retry.attempts or settings.extended_attempts_max
            return f"{word}: up to {attempts} attempts, {span(settings.delay)} apart"
        case RetryKind.EXPONENTIAL_BACKOFF:
            attempts = retry.attempts or settings.attempts_max
            grows = f"{span(retry.base)} × {retry.factor:g} up to {span(retry.cap)}"
            jitter = f", jitter {retry.jitter:g}" if retry.jitter else ""
            return f"{word}: up to {attempts} attempts, {grows}{jitter}"
        case RetryKind.UNTIL_DEADLINE:
            return f"{word}: until {span(retry.deadline)} after the window, {span(settings.delay)} apart"


def span(value: dt.timedelta) -> str:
    """As people write durations: ``1h30m``, ``45s``."""
    seconds = value.total_seconds()
    parts = ((int(seconds // 3600), "h"), (int(seconds % 3600 // 60), "m"))
    text = "".join(f"{number}{unit}" for number, unit in parts if number)
    rest = seconds % 60
    return f"{text}{rest:g}s" if rest or not text else text


def account(stored: StoredAccount) -> pb.Account:
    return pb.Account(
        token=stored.token,
        timezone=stored.timezone,
        maintenance_until=convert.timestamp(stored.maintenance_until),
        starts_at=convert.timestamp(stored.starts_at),
        source_token=stored.source_token,
        max_running=stored.max_running or 0,
    )


def new_account(message: pb.Account) -> Account:
    """Raises InvalidRequestError for a token, a zone or a limit that cannot be."""
    try:
        parse_token(message.token)
    except ValueError as error:
        raise InvalidRequestError(str(error), field="account.token") from None
    try:
        zone(message.timezone or "UTC")
    except ValueError as error:
        raise InvalidRequestError(str(error), field="account.timezone") from None
    if message.max_running < 0:
        raise InvalidRequestError(
            f"a limit of {message.max_running} runs makes no sense: give 0 for none",
            field="account.max_running",
        )
    return Account(
        token=message.token,
        timezone=message.timezone or "UTC",
        starts_on=_optional(message, "starts_at"),
        maintenance_until=_optional(message, "maintenance_until"),
        max_running=message.max_running or None,
    )


def _optional(message: pb.Account, field: str) -> dt.datetime | None:
    if not message.HasField(field):  # type: ignore[arg-type]
        return None
    return convert.instant(getattr(message, field), field=f"account.{field}")
