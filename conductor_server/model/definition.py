"""What people declare: definitions, accounts, matrices and pools, and where each of them stands.

Definition sources build these; ``policy/diff`` compares them with what is stored; ``store/definitions`` applies the
difference. They hold nothing that a database made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from conductor_server.model.states import Catchup, Frequency, RetryKind, StartPolicy, WindowRule

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

DEFAULT_MATRIX = "default"
ACCOUNT_MATRIX = "account"
KEYWORD_MATRIX = "keyword"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where a thing was declared: a file with line and column from 1, or any other origin with line 0."""

    origin: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.origin}:{self.line}:{self.column}" if self.line else self.origin


NOWHERE = Place(origin="<code>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A retry policy with its parameters; which of them count depends on the kind.

    ``attempts`` bounds failed runs in a row; ``None`` takes the setting's bound (standard policies only).
    """

    kind: RetryKind = RetryKind.STANDARD
    attempts: int | None = None
    base: dt.timedelta = dt.timedelta(minutes=1)
    factor: float = 2.0
    cap: dt.timedelta = dt.timedelta(hours=1)
    jitter: float = 0.0
    deadline: dt.timedelta = dt.timedelta(0)


class Read(NamedTuple):
    """A table that a definition reads, and which windows of its writers it needs.

    There may be a hundred thousand: a tuple is made fastest.
    """

    table: str
    window: WindowRule = WindowRule.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """Bounds on runs of one definition at a time: altogether, and of each account."""

    definition: int | None = None
    account: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A declared piece of work.

    ``cron`` is the expression when ``frequency`` is ``CRON``, else empty. A ``starts_on`` that is a date means local
    midnight in each member's zone; ``ends_on`` is the first instant or date without a window. ``starts_on`` of
    ``None`` means when it was added.
    """

    name: str
    source: str
    spec: Mapping[str, Json] = field(default_factory=dict)
    frequency: Frequency = Frequency.DAILY
    cron: str = ""
    matrix: str = DEFAULT_MATRIX
    start_policy: StartPolicy = StartPolicy.AFTER_SUCCESS
    retry: Retry = field(default_factory=Retry)
    reads_from: tuple[Read, ...] = ()
    writes_to: tuple[str, ...] = ()
    starts_on: dt.date | dt.datetime | None = None
    ends_on: dt.date | dt.datetime | None = None
    active: bool = True
    priority: int = 0
    timeout: dt.timedelta | None = None
    delay: dt.timedelta = dt.timedelta(0)
    pools: tuple[str, ...] = ()
    concurrency: Concurrency = field(default_factory=Concurrency)
    catchup: Catchup = Catchup.ALL
    catchup_max_age: dt.timedelta | None = None
    description: str = ""
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def tables_read(self) -> frozenset[str]:
        return frozenset(read.table for read in self.reads_from)

    @property
    def schedule(self) -> str:
        """The frequency as people write it: its word, or the cron expression."""
        return self.cron if self.frequency is Frequency.CRON else self.frequency.word


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A tenant. ``timezone`` is an IANA name or an offset such as ``+05:30``."""

    token: str
    timezone: str = "UTC"
    starts_on: dt.date | dt.datetime | None = None
    maintenance_until: dt.datetime | None = None
    max_running: int | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDeclaration:
    """An element of a declared matrix: its own token and the token of its parent member (empty under default)."""

    token: str
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A declared matrix. ``members`` may be read again and again, and need not fit into memory."""

    name: str
    parent: str = DEFAULT_MATRIX
    members: Iterable[MemberDeclaration] = ()
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """Everything that one definition source yields, read at one moment.

    ``source_token`` marks what the source owns: it adds and removes only its own.
    """

    source_token: str
    definitions: tuple[Definition, ...] = ()
    accounts: tuple[Account, ...] = ()
    matrices: tuple[Matrix, ...] = ()
    pools: Mapping[str, int] = field(default_factory=dict)
