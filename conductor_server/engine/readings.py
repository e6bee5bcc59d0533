"""What definition sources say, applied one source after another: one whose declarations cannot be stops only itself."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

import sqlalchemy as sa
import structlog

from conductor_server.engine.step import StepResult, Tick
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import ConductorError

log = structlog.get_logger("engine")


class Apply(Protocol):
    """Applies what one source says. Answers what it changed, and what it could not do."""

    def __call__(
        self, db: sa.Connection, reading: Declarations, /, *, now: dt.datetime
    ) -> tuple[int, list[str]]: ...


def each_reading(db: sa.Connection, tick: Tick, apply: Apply) -> StepResult:
    """Each within a savepoint: a plugin may declare what no file could, and what no database takes."""
    changed, problems = 0, []
    for reading in tick.readings:
        try:
            with db.begin_nested():
                done, problem = apply(db, reading, now=tick.now)
        except (ConductorError, sa.exc.OperationalError, sa.exc.InterfaceError):
            raise  # not about this source, or said already
        except Exception as error:  # the boundary of a source
            log.exception("declarations cannot be applied", source=reading.source_token)
            problems.append(f"nothing of {reading.source_token} was applied: {type(error).__name__}: {error}")
            continue
        changed += done
        problems += problem
    return StepResult(changed=changed, problems=tuple(problems))
