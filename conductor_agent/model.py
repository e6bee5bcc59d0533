"""What the agent talks about inside: frozen data without a trace of the wire, the disk or the clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

CHECKPOINT_LIMIT = 64 * 1024
"""Bytes of one checkpoint; a larger one is not taken."""

RESULT_LIMIT = 256 * 1024
"""Bytes of one result, as JSON and on the wire; a larger one is replaced by a note."""

ERROR_LIMIT = 16 * 1024
"""Bytes of one error text; what is longer loses its middle."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Lease:
    """Ownership of one run. Its text, ``run-epoch``, names the journal's folder."""

    run_id: int
    epoch: int

    def __str__(self) -> str:
        return f"{self.run_id}-{self.epoch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The element of a matrix that a run is for; empty tokens under the default matrix."""

    matrix: str = "default"
    token: str = ""
    account: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One period, half open, in UTC."""

    start: dt.datetime
    end: dt.datetime
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A claimed run: everything that is needed to execute it. ``timeout`` is in seconds.

    One with a ``fault`` came in a shape that cannot be executed: it fails with that text, and nothing is started.
    """

    lease: Lease
    slot: str
    definition: str
    source: str
    attempt: int
    spec: Mapping[str, Json]
    member: Member
    window: Window
    timeout: float | None = None
    checkpoint: bytes = b""
    fault: str = ""


class Outcome(IntEnum):
    """What became of a run, with the integers of the wire."""

    SUCCEEDED = 1
    FAILED = 2
    TIMED_OUT = 3
    CANCELLED = 4
    RELEASED = 5

    @property
    def word(self) -> str:
        return self.name.lower()


class Verdict(IntEnum):
    """What the server wants of a run that is held, with the integers of the wire."""

    CONTINUE = 1
    CANCEL = 2
    LEASE_LOST = 3
    FORGET = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict on one run, with a sentence for people."""

    lease: Lease
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a command says it has come; ``fraction`` from 0 to 1, or ``None`` when it cannot tell."""

    fraction: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended. ``exit_code`` is 128 + n for signal n; ``ran_for`` is in seconds."""

    outcome: Outcome
    exit_code: int | None = None
    error: str = ""
    result: Mapping[str, Json] = field(default_factory=dict)
    checkpoint: bytes = b""
    ran_for: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The report of an ending. The id stays the same in every repetition; ``slot`` is the run's, as it was claimed."""

    lease: Lease
    completion_id: str
    ending: Ending
    slot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One run's sign of life, with what has changed since the last one of this session."""

    lease: Lease
    progress: Progress | None = None
    checkpoint: bytes | None = None
