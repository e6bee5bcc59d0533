"""The shape of a declaration file, key by key. What each key means is in ``model.definition``.

Two fields are open to plugins, account sources and command sources, so that ``file_shape`` and
``definition_shape`` are made once the plugins are known.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, RootModel, create_model, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from conductor_server.definitions import registry
from conductor_server.definitions.databases import SqlQuery
from conductor_server.definitions.values import (
    LISTED,
    Day,
    Duration,
    Instant,
    Name,
    OffsetMinutes,
    Schedule,
    Shape,
    Table,
    Token,
    Zone,
    word_of,
)
from conductor_server.model.definition import DEFAULT_MATRIX
from conductor_server.model.states import Catchup, StartPolicy, WindowRule


class Shorthand(Shape):
    """A mapping that may be written as the bare value of its key ``short``."""

    short: ClassVar[str]
    short_type: ClassVar[type]

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return {cls.short: value} if isinstance(value, cls.short_type) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        bare = schema["properties"][cls.short]
        bare = next((each for each in bare.get("anyOf", ()) if each != {"type": "null"}), bare)
        whole = dict(schema)
        whole["properties"] = {key: value for key, value in whole["properties"].items() if key != LISTED}
        schema.clear()
        schema["anyOf"] = [bare, whole]
        return schema


class OneOf(Shape):
    """A mapping that has exactly one of its keys."""

    @model_validator(mode="after")
    def _exactly_one(self) -> OneOf:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"exactly one of {', '.join(self.keys())} is needed")
        return self


class AccountShape(Shape):
    """A tenant."""

    token: Token
    timezone: Zone | None = None
    timezone_offset: OffsetMinutes | None = None
    """Instead of ``timezone``, where the clocks never change."""
    starts_on: Day | None = None
    """The first day or instant of its slots; without it, when it was added."""
    maintenance_until: Instant | None = None
    """No run starts before; without an offset: by the account's own clock."""
    max_running: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_clock(self) -> AccountShape:
        if self.timezone is not None and self.timezone_offset is not None:
            raise ValueError("an account has either a `timezone` or a `timezone_offset`")
        return self


class AccountsShape(OneOf, Shorthand):
    """Accounts: a list, or a mapping of one account source to what it needs."""

    short: ClassVar[str] = LISTED
    short_type: ClassVar[type] = list

    listed: list[AccountShape] | None = None


class MemberShape(Shape):
    """An element of a matrix."""

    token: Token
    parent: Token | None = None
    account: Token | None = None
    """Another word for ``parent`` where that is an account."""


class MembersShape(OneOf, Shorthand):
    """The members of a matrix: a list, a CSV file with a header, or a query."""

    short: ClassVar[str] = LISTED
    short_type: ClassVar[type] = list

    listed: list[MemberShape] | None = None
    csv: str | None = None
    sql: SqlQuery | None = None


class MatrixShape(Shape):
    """A set over which definitions are repeated."""

    name: Name
    parent: Name = DEFAULT_MATRIX
    members: MembersShape | None = None


class ReadShape(Shorthand):
    """A table that is read."""

    short: ClassVar[str] = "table"
    short_type: ClassVar[type] = str

    table: Table
    window: word_of(WindowRule, without=(WindowRule.AUTO,)) = WindowRule.AUTO  # type: ignore[valid-type]


class AttemptsShape(Shape):
    """A standard policy, with its own bound."""

    attempts: int | None = Field(default=None, ge=1)
    """Failed runs in a row; without it the server's setting."""


class BackoffShape(Shape):
    """Delays that grow: base, base × factor, base × factor² … up to cap."""

    attempts: int = Field(default=10, ge=1)
    base: Duration = dt.timedelta(minutes=1)
    factor: float = Field(default=2.0, ge=1)
    cap: Duration = dt.timedelta(hours=1)
    jitter: float = Field(default=0.0, ge=0, le=1)
    """The part of each delay that is left to chance, from 0 to 1."""


class RetryShape(OneOf):
    """What happens after a failed run: a word, or a mapping of that word to its parameters."""

    standard: AttemptsShape | None = None
    standard_extended: AttemptsShape | None = None
    exponential_backoff: BackoffShape | None = None
    until_deadline: Duration | None = None
    """For so long after the end of the window."""

    _words: ClassVar[tuple[str, ...]] = ("standard", "standard_extended", "exponential_backoff")

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value == "until_deadline":
            raise ValueError("`until_deadline` needs a duration; write {until_deadline: 6h}")
        if value not in cls._words:
            raise ValueError(f"`{value}` is none of {', '.join(cls.model_fields)}")
        return {value: {}}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        whole = dict(schema)
        schema.clear()
        schema["anyOf"] = [{"type": "string", "enum": list(cls._words)}, whole]
        return schema


class ConcurrencyShape(Shape):
    """Bounds on runs of one definition at a time."""

    definition: int | None = Field(default=None, ge=1)
    account: int | None = Field(default=None, ge=1)


class DefaultsShape(Shape):
    """What each definition of the file says unless it says something else."""

    source: Name = ""
    frequency: Schedule = "daily"
    matrix: Name = DEFAULT_MATRIX
    start_policy: word_of(StartPolicy) = StartPolicy.AFTER_SUCCESS  # type: ignore[valid-type]
    retry_policy: RetryShape = RetryShape(standard=AttemptsShape())
    starts_on: Day | None = None
    """The first day (local to each member) or instant; without it, when it was added."""
    ends_on: Day | None = None
    """The first day or instant without a slot."""
    active: bool = True
    priority: int = Field(default=0, ge=-1_000_000, le=1_000_000)
    """Higher goes first."""
    timeout: Duration | None = None
    """Of each run; the agent ends it."""
    delay: Duration = dt.timedelta(0)
    """From the end of a window to when its slot is due."""
    pools: list[Name] = Field(default_factory=list)
    concurrency: ConcurrencyShape = ConcurrencyShape()
    catchup: word_of(Catchup) = Catchup.ALL  # type: ignore[valid-type]
    catchup_max_age: Duration | None = None


class DefinitionShape(DefaultsShape):
    """A declared piece of work. One more key, named as its source, says what to run."""

    name: Name
    source: Name
    reads_from: list[ReadShape] = Field(default_factory=list)
    writes_to: list[Table] = Field(default_factory=list)
    description: str = ""


class PoolsShape(RootModel[dict[Name, Annotated[int, Field(ge=0)]]]):
    """How many runs each pool has room for."""

    model_config = ConfigDict(strict=True)


class FileShape(Shape):
    """A declaration file."""

    version: Literal[1]
    accounts: Any = None
    matrices: Any = None
    pools: Any = None
    defaults: Any = None
    definitions: Any = None


@cache
def definition_shape() -> type[DefinitionShape]:
    """A definition, with a key for the spec of each command source."""
    specs: dict[str, Any] = {
        name: (schema | None, Field(default=None, description=f"What to run, where the source is {name}."))
        for name, schema in registry.command_sources().items()
    }
    return create_model("Definition", __base__=DefinitionShape, __doc__=DefinitionShape.__doc__, **specs)


@cache
def accounts_shape() -> type[AccountsShape]:
    """A list of accounts, or one of the account sources."""
    sources: dict[str, Any] = {
        name: (source | None, None) for name, source in registry.account_sources().items()
    }
    return create_model("Accounts", __base__=AccountsShape, __doc__=AccountsShape.__doc__, **sources)


@cache
def file_shape() -> type[FileShape]:
    """The whole file, for editors; ``reading`` takes it section by section, to get further after a fault."""
    sections: dict[str, Any] = {
        "accounts": (accounts_shape(), None),
        "matrices": (list[MatrixShape], None),
        "pools": (PoolsShape, None),
        "defaults": (DefaultsShape, None),
        "definitions": (list[definition_shape()], None),  # type: ignore[misc]
    }
    return create_model("File", __base__=FileShape, __doc__=FileShape.__doc__, **sections)
