"""What both kinds of database have in common: how a call is described, made, and its output written."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_ROWS_SHOWN = 1000
_CANCEL_AGAIN_AFTER = 1.0  # seconds


class CallError(Exception):
    """The call cannot be made, or failed; the text is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """What a spec says about one parameter: its value, and whether it hands something back."""

    value: Any = None
    gives: bool = True
    returns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A procedure with its arguments; ``timeout`` is in seconds."""

    schema: str | None
    name: str
    arguments: Mapping[str, Argument]
    timeout: float | None

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Session(Protocol):
    """A connection to a database that can call a procedure."""

    def call(self, call: Call) -> dict[str, Any]:
        """Makes the call; what it hands back by name. Raises ``CallError``."""
        ...

    def cancel(self) -> None:
        """Stops the running statement on the server. Called from another thread, and again until it has stopped."""
        ...

    def close(self) -> None:
        """Takes leave of the server, if it still listens."""
        ...


def until_stopped(session: Session, finished: threading.Event) -> None:
    """Cancels again and again: a procedure with an exception handler may swallow it once."""
    while not finished.is_set():
        session.cancel()
        finished.wait(_CANCEL_AGAIN_AFTER)


def parse(spec: Mapping[str, Any]) -> Call:
    """The call that a filled spec describes. Raises ``CallError``."""
    parts = str(spec["procedure"]).split(".")
    if len(parts) > 2 or not all(parts):
        raise CallError(f"a procedure is written schema.name, not {spec['procedure']!r}")
    return Call(
        schema=parts[0] if len(parts) > 1 else None,
        name=parts[-1],
        arguments={name: _argument(value) for name, value in (spec.get("parameters") or {}).items()},
        timeout=spec.get("statement_timeout"),
    )


def _argument(value: Any) -> Argument:
    match value:
        case {"out": str()}:
            return Argument(gives=False, returns=True)
        case {"inout": given}:
            return Argument(value=given, returns=True)
        case _:
            return Argument(value=value)


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a result as tab-separated lines to the run's log, and counts what it does not show."""
    sys.stdout.write("\t".join(columns) + "\n")
    hidden = 0
    for number, row in enumerate(rows):
        if number < _ROWS_SHOWN:
            sys.stdout.write("\t".join("" if value is None else str(value) for value in row) + "\n")
        else:
            hidden += 1
    if hidden:
        sys.stdout.write(f"({hidden} more rows)\n")
    sys.stdout.flush()


def note(line: str) -> None:
    """Writes a notice to the run's log at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
