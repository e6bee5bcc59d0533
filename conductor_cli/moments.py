"""Instants and durations as people type them."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def instant(value: str) -> dt.datetime:
    """RFC 3339, or a date for its midnight; UTC where no offset is given. Raises ``click.BadParameter``."""
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no instant: write 2026-11-22T06:00:00Z or 2026-11-22"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def duration(value: str) -> dt.timedelta:
    """Days, hours, minutes and seconds: ``1h30m``. Raises ``click.BadParameter``."""
    found = _DURATION.fullmatch(value)
    if not found or not any(found.groups()):
        raise click.BadParameter(f"{value!r} is no duration: write 30m or 1h30m")
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def stamp(moment: dt.datetime | None) -> Timestamp | None:
    """The same for the wire; ``None`` stays absent."""
    from google.protobuf.timestamp_pb2 import Timestamp

    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment.astimezone(dt.UTC))
    return timestamp
