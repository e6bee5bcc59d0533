"""The types of single values that people write, and the model that every mapping of them descends from.

Each turns what YAML or JSON can say into what Python means, and knows its JSON Schema. Their ``ValueError``
messages go to people as they are.
"""

from __future__ import annotations

import datetime as dt
import re
from enum import IntEnum
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
)
from pydantic import WithJsonSchema as Schema

from conductor_server.model.states import Frequency, Named
from conductor_server.policy import frequency

LISTED = "listed"
"""The field of a mapping in whose place a bare list may stand; it is never written itself."""


class Shape(BaseModel):
    """A mapping with these keys, of these types, and no others."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def keys(cls) -> list[str]:
        """The keys that people write."""
        return [key for key in cls.model_fields if key != LISTED]


MAX_NAME = 200

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_FORBIDDEN_IN_TOKEN = re.compile(r"[\x00-\x1f\x7f-\x9f/@:]")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_UNITS = {
    "ms": dt.timedelta(milliseconds=1),
    "s": dt.timedelta(seconds=1),
    "m": dt.timedelta(minutes=1),
    "h": dt.timedelta(hours=1),
    "d": dt.timedelta(days=1),
    "w": dt.timedelta(weeks=1),
}
_FREQUENCIES = tuple(each.word for each in Frequency if each is not Frequency.CRON)
_LONGEST = dt.timedelta(days=3660)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?")
_SIZES = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", start=1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", start=1)},
}


def parse_name(value: str) -> str:
    if not _NAME.fullmatch(value) or len(value) > MAX_NAME:
        raise ValueError(
            f"the name `{value[:MAX_NAME]}` must be 1 to {MAX_NAME} letters, digits, `_`, `.` or `-`, "
            "and start with a letter or `_`"
        )
    return value


def parse_token(value: str) -> str:
    if not value or len(value) > MAX_NAME or _FORBIDDEN_IN_TOKEN.search(value) or value != value.strip():
        raise ValueError(
            f"the token {value[:MAX_NAME]!r} must be 1 to {MAX_NAME} characters without `/`, `@`, `:`, "
            "control characters or space around it"
        )
    return value


def parse_table(value: str) -> str:
    if not (table := value.strip()):
        raise ValueError("the name of a table is empty")
    return table


def parse_duration(value: object) -> dt.timedelta:
    """``1h30m`` as a ``timedelta``. Raises ``ValueError``."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError(f"`{value}` is no duration; write 90s, 30m, 1h30m or 2d")
    try:
        parts = (float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(value))
        duration = sum(parts, start=dt.timedelta(0))
    except OverflowError:
        duration = dt.timedelta.max
    if duration > _LONGEST:
        raise ValueError(f"the duration `{value}` is longer than ten years")
    return duration


def parse_day(value: object) -> dt.date | dt.datetime:
    """A date, or a date and time with or without an offset. Raises ``ValueError``."""
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        return dt.date.fromisoformat(value)
    return parse_instant(value)


def parse_instant(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise ValueError(f"`{value}` is no date or time; write 2026-11-20 or 2026-11-20T06:00:00Z")
    return dt.datetime.fromisoformat(value)


def parse_zone(value: str) -> str:
    frequency.zone(value)
    return value


def parse_offset(value: int) -> int:
    if not -24 * 60 < value < 24 * 60:
        raise ValueError(f"the offset {value} is more than a day; it is minutes east of UTC")
    return value


def parse_schedule(value: str) -> str:
    """A frequency: a word, or a cron expression of five fields. Raises ``ValueError``."""
    if value in _FREQUENCIES:
        return value
    if " " not in value.strip():
        raise ValueError(
            f"there is no frequency `{value}`; use {', '.join(_FREQUENCIES)} or a cron expression"
        )
    frequency.validate_cron(value)
    return value


def parse_size(value: object) -> int:
    """``2GiB`` or a number of bytes, in bytes. Raises ``ValueError``."""
    size = _SIZE.fullmatch(str(value)) if isinstance(value, str | int) else None
    if not size:
        raise ValueError(f"`{value}` is no size; write 512MiB or 2GiB")
    return int(float(size[1]) * _SIZES[size[2] or "B"])


def parse_argument(value: object) -> str:
    """An argument of a command: text, or a number as JSON writes it."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"an argument must be text or a number, not {value!r}; put it in quotes")
    if "\0" in (text := str(value)):
        raise ValueError("an argument cannot hold a NUL character")
    return text


AnyNamed = TypeVar("AnyNamed", bound=Named)


def word_of(kind: type[AnyNamed], *, without: tuple[IntEnum, ...] = ()) -> Any:
    """The annotation of a member of the enum, written as its word."""
    words = {member.word: member for member in kind if member not in without}

    def parse(value: object) -> AnyNamed:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"`{value}` is none of {', '.join(words)}")
        return words[value]

    return Annotated[kind, PlainValidator(parse), Schema({"type": "string", "enum": list(words)})]


Name = Annotated[
    str,
    AfterValidator(parse_name),
    Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$", "maxLength": MAX_NAME}),
]
Token = Annotated[str, AfterValidator(parse_token)]
Table = Annotated[str, AfterValidator(parse_table)]
Schedule = Annotated[
    str,
    AfterValidator(parse_schedule),
    Field(
        description="hourly, daily, weekly, monthly, one_off, or a cron expression",
        examples=["daily", "*/15 * * * *"],
    ),
]
Duration = Annotated[
    dt.timedelta,
    PlainValidator(parse_duration),
    PlainSerializer(dt.timedelta.total_seconds, return_type=float),
    Schema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["30m", "1h30m"]}),
]
Day = Annotated[
    dt.date | dt.datetime,
    PlainValidator(parse_day),
    Schema({"type": "string", "examples": ["2026-11-20", "2026-11-20T06:00:00Z"]}),
]
Instant = Annotated[
    dt.datetime,
    PlainValidator(parse_instant),
    Schema({"type": "string", "examples": ["2026-11-20T06:00:00Z"]}),
]
Zone = Annotated[
    str,
    AfterValidator(parse_zone),
    Field(examples=["Europe/London", "+05:30"], description="IANA name or offset"),
]
OffsetMinutes = Annotated[int, AfterValidator(parse_offset), Field(description="minutes east of UTC")]
Size = Annotated[
    int,
    PlainValidator(parse_size),
    Schema({"type": ["string", "integer"], "pattern": f"^{_SIZE.pattern}$", "examples": ["2GiB"]}),
]
Argument = Annotated[
    str,
    BeforeValidator(parse_argument),
    Schema({"type": ["string", "number"], "description": "text or a number"}),
]
"""Numbers become text as JSON writes them."""
