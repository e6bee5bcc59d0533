"""What runs have done lately, told from two looks at them.

A run's history is its row, so no event is written when it starts or ends. Who watches keeps the live runs of the last
look and compares: new ones, those whose status has changed, and those that have ended. What happens between two looks
is told as one transition, to where the run stands now. Time-outs are left out: they have events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from conductor_server.model.states import LIVE_RUNS, RunStatus
from conductor_server.store import schema
from conductor_server.store.run_pages import ENDED_AT
from conductor_server.store.slots import slot_name

LIVE_MAX = 5_000
"""So many live runs are kept in view; beyond it the oldest waiting ones are told only when they come into view."""

_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The last look: live runs with their status, and the newest run of all."""

    live: Mapping[int, RunStatus] = field(default_factory=dict)
    newest_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A run that has come to stand somewhere else."""

    run_id: int
    slot: str
    attempt: int
    status: RunStatus
    at: dt.datetime
    agent: str
    error: str

    @property
    def message(self) -> str:
        on = f" on {self.agent}" if self.agent else ""
        error = f": {self.error}" if self.error else ""
        return f"run {self.run_id}, attempt {self.attempt}{on}{error}"


def first_look(db: sa.Connection) -> View:
    """Where everything stands before anything is told."""
    run = schema.run
    newest = db.execute(sa.select(sa.func.coalesce(sa.func.max(run.c.id), 0))).scalar_one()
    rows = db.execute(
        sa.select(run.c.id, run.c.status)
        .where(run.c.status.in_(LIVE_RUNS))
        .order_by(run.c.status.desc(), run.c.id.desc())
        .limit(LIVE_MAX)
    )
    return View(live={row.id: RunStatus(row.status) for row in rows}, newest_id=newest)


def look(db: sa.Connection, before: View) -> tuple[list[Transition], View]:
    """What has changed since, by run, and the new view. Bounded; the rest comes with the next look."""
    run = schema.run
    known = list(before.live)
    rows: list[Any] = []
    for begin in range(0, len(known), _BATCH):
        rows += db.execute(_rows().where(run.c.id.in_(known[begin : begin + _BATCH]))).all()
    rows += db.execute(_rows().where(run.c.id > before.newest_id).order_by(run.c.id).limit(_BATCH)).all()
    changed = [row for row in rows if before.live.get(row.id) != row.status]
    live = {row.id: RunStatus(row.status) for row in rows if row.status in LIVE_RUNS}
    newest = max((row.id for row in rows), default=0)
    return (
        _transitions(row for row in changed if row.status != RunStatus.TIMEOUT),
        View(live=_kept(live), newest_id=max(before.newest_id, newest)),
    )


def _kept(live: dict[int, RunStatus]) -> dict[int, RunStatus]:
    """At most as many as are kept in view: running ones first, then the newest."""
    if len(live) <= LIVE_MAX:
        return live
    order = sorted(live, key=lambda number: (live[number] is RunStatus.RUNNING, number), reverse=True)
    return {number: live[number] for number in order[:LIVE_MAX]}


def _rows() -> sa.Select[Any]:
    run, slot, definition, member = schema.run, schema.slot, schema.definition, schema.member
    at = sa.func.coalesce(*ENDED_AT.values(), run.c.running_at, run.c.waiting_at)
    return (
        sa.select(
            run.c.id,
            run.c.attempt,
            run.c.status,
            run.c.agent,
            run.c.error,
            at.label("at"),
            definition.c.name,
            member.c.path,
            schema.window.c.label,
        )
        .join(slot, slot.c.id == run.c.slot_id)
        .join(definition, definition.c.id == slot.c.definition_id)
        .join(member, member.c.id == slot.c.member_id)
        .join(schema.window, schema.window.c.id == slot.c.window_id)
    )


def _transitions(rows: Iterable[Any]) -> list[Transition]:
    return sorted(
        (
            Transition(
                run_id=row.id,
                slot=slot_name(row.name, row.path, row.label),
                attempt=row.attempt,
                status=RunStatus(row.status),
                at=row.at,
                agent=row.agent or "",
                error=row.error or "",
            )
            for row in rows
        ),
        key=lambda transition: (transition.at, transition.run_id),
    )
