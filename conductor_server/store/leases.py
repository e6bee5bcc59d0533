"""A lease: a run that an agent holds, and the epoch that fences every write made under it.

A claim begins it (``store/claims.py``), heartbeats prolong it (``store/heartbeats.py``), a report ends it
(``store/completions.py``). Each is called with the requests of many agents at once: one transaction for all of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import RunStatus, SlotState
from conductor_server.store import schema

# Statements are built once and kept by what varies in them: building one takes longer than running it.
NOW: Any = sa.bindparam("now")  # stands for the instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A run, and the epoch under which it is held."""

    run_id: int
    epoch: int


def still(status: RunStatus) -> sa.ColumnElement[bool]:
    """Whether a run that is named by its id has that status.

    The sum keeps PostgreSQL from the partial index of that status: its statistics are always stale, and the planner
    would rather read all that wait than look up a hundred.
    """
    return schema.run.c.status + 0 == status


def cancel_as_asked(db: sa.Connection, run_ids: Collection[int], *, now: dt.datetime) -> None:
    """Where one of these runs was to be cancelled, its failure or return must not be answered with another run."""
    run, slot = schema.run, schema.slot
    asked = sa.select(run.c.slot_id).where(
        run.c.id.in_(run_ids),
        run.c.cancel_requested_at.is_not(None),
        run.c.status.in_((RunStatus.FAILED, RunStatus.RELEASED)),
    )
    db.execute(
        sa.update(slot)
        .where(slot.c.id.in_(asked), slot.c.state == SlotState.ACTIVE)
        .values(state=SlotState.CANCELLED, decided_at=now, reason="cancelled by an operator")
    )
