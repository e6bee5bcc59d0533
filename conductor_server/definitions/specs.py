"""What each built-in source needs to know of a command.

A definition carries its spec under a key named as its source; ``Definition.spec`` holds it as plain JSON,
with durations in seconds and sizes in bytes. Files and folders stay as they are written: the agent resolves
them against its own root. Further sources register a model under the entry point group
``conductor.command_sources``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, PlainValidator, model_validator
from pydantic import WithJsonSchema as Schema

from conductor_server.definitions.values import Argument, Duration, Shape, Size

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IDENTIFIER = r"[^\W\d][\w$]*"
_PROCEDURE = re.compile(rf"{_IDENTIFIER}(\.{_IDENTIFIER}){{0,1}}")
_CALLABLE = re.compile(rf"{_IDENTIFIER}(\.{_IDENTIFIER})*:{_IDENTIFIER}(\.{_IDENTIFIER})*")
_TYPE = re.compile(rf"{_IDENTIFIER}([. ]{_IDENTIFIER})*( ?\(\d+( ?, ?\d+)?\))?(\[\])*")


def _text(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("it is empty, or holds a NUL character")
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise ValueError(f"`{value}` is no name of an environment variable")
    return value


def _procedure(value: str) -> str:
    if not _PROCEDURE.fullmatch(value):
        raise ValueError(f"`{value}` is no name of a procedure; write procedure or schema.procedure")
    return value


def _callable(value: str) -> str:
    if not _CALLABLE.fullmatch(value):
        raise ValueError(f"`{value}` names no function; write package.module:function")
    return value


def _parameter(value: object) -> object:
    """A value to bind, or the type of what comes back."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case {"out": str() as kind, **others} if not others and _TYPE.fullmatch(kind):
            return value
        case {"inout": None | bool() | int() | float() | str(), "type": str() as kind, **others} if (
            not others and _TYPE.fullmatch(kind)
        ):
            return value
    raise ValueError(
        f"{value!r} is no parameter; write a value, {{out: integer}} or {{inout: 5, type: integer}}"
    )


Text = Annotated[str, AfterValidator(_text)]
Environment = dict[Annotated[str, AfterValidator(_variable)], Argument]
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
Parameter = Annotated[
    Any,
    PlainValidator(_parameter),
    Schema(
        {
            "anyOf": [
                _SCALAR,
                {
                    "type": "object",
                    "properties": {"out": {"type": "string"}},
                    "required": ["out"],
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "properties": {"inout": _SCALAR, "type": {"type": "string"}},
                    "required": ["inout", "type"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class CronSpec(Shape):
    """A management command of a Django project."""

    project: Text
    """The folder of ``manage.py``."""
    command: Text
    arguments: list[Argument] = Field(default_factory=list)
    settings: Text | None = None
    """The settings module; without it the project's own."""
    python: Text | None = None
    """The interpreter; without it the agent's."""
    environment: Environment = Field(default_factory=dict)


class StoredProcedureSpec(Shape):
    """A procedure of a PostgreSQL, MySQL or MariaDB database, called with parameters bound as data."""

    database: Text
    """A URL, or ``${env:NAME}`` on the agent."""
    procedure: Annotated[str, AfterValidator(_procedure)]
    parameters: dict[Text, Parameter] = Field(default_factory=dict)
    """By name, in the procedure's order: a value, ``{out: type}``, or ``{inout: value, type: type}``."""
    statement_timeout: Duration | None = None


class Limits(Shape):
    """What the operating system grants a process and its children."""

    memory: Size | None = None
    cpu_time: Duration | None = None
    open_files: int | None = Field(default=None, ge=3)
    file_size: Size | None = None


class MlCommandSpec(Shape):
    """A script, run by an interpreter on the agent's machine."""

    interpreter: Text
    """``python``, ``Rscript`` or a path."""
    script: Text
    arguments: list[Argument] = Field(default_factory=list)
    environment: Environment = Field(default_factory=dict)
    working_folder: Text | None = None
    limits: Limits | None = None


class ShellSpec(Shape):
    """A program with its arguments; or, where a shell is asked for, a script for ``sh -c``."""

    argv: list[Argument] | None = Field(default=None, min_length=1)
    script: Text | None = None
    environment: Environment = Field(default_factory=dict)
    working_folder: Text | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ShellSpec:
        if (self.argv is None) == (self.script is None):
            raise ValueError("a shell command has either `argv` or `script`")
        return self


class PythonSpec(Shape):
    """A function, called in a process of its own."""

    callable: Annotated[str, AfterValidator(_callable)]
    """``package.module:function``."""
    arguments: dict[Annotated[str, AfterValidator(_variable)], JsonValue] = Field(default_factory=dict)
    """Keyword arguments."""
    path: list[Text] = Field(default_factory=list)
    """Folders to import from; without any, the agent's root."""
    environment: Environment = Field(default_factory=dict)


class _ClusterSpec(Shape):
    callable: Annotated[str, AfterValidator(_callable)]
    """``package.module:function``, which the workers can import."""
    arguments: dict[Annotated[str, AfterValidator(_variable)], JsonValue] = Field(default_factory=dict)
    """Keyword arguments."""
    resources: dict[Text, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """What a worker must have free, by the cluster's own names."""


class DaskSpec(_ClusterSpec):
    """A function, called on a worker of the agent's Dask cluster."""


class RaySpec(_ClusterSpec):
    """A function, called on a worker of the agent's Ray cluster."""


class ManualSpec(Shape):
    """Nothing: a person does it, and says so."""
