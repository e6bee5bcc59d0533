"""A small world: a store, a clock, what people have declared, an engine that a test ticks, and agents that it plays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TypeVar

import sqlalchemy as sa

from conductor_server.engine.reconciler import LOOK_AT_NEWS, Pass, Watch, reconcile_once
from conductor_server.engine.step import EngineSettings
from conductor_server.model.definition import Account, Declarations, Definition, Matrix
from conductor_server.model.states import Outcome, RunStatus, SlotState, Verdict
from conductor_server.store import (
    assignments,
    claims,
    completions,
    confirmations,
    heartbeats,
    matrices,
    readiness,
    runs,
    schema,
)
from conductor_server.store.claims import Claim
from conductor_server.store.completions import Recorded, Report
from conductor_server.store.database import Database, Work
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease
from conductor_server.store.slots import slot_name
from tests.support.build import DAY, at
from tests.support.clock import VirtualClock

T = TypeVar("T")

NOW = at("2026-11-20T12:00")
SETTINGS = EngineSettings(slots_create_extra=2 * DAY)


class World:
    """Drives the real steps over the real store. ``tick`` reads the sources anew only where something was declared."""

    def __init__(
        self, database: Database, *, now: dt.datetime = NOW, settings: EngineSettings = SETTINGS
    ) -> None:
        self.database = database
        self.clock = VirtualClock(now)
        self.settings = settings
        self.declared: dict[str, Declarations] = {}
        self._unread: set[str] = set()
        self._completions = count(1)
        self._watch: Watch | None = None
        database.write(lambda db: matrices.install(db, sources=(), timezone="UTC", now=now))

    # ---------------------------------------------------------------------------------------- what people do

    def declare(
        self,
        *definitions: Definition,
        accounts: Sequence[Account] | None = None,
        matrices: Sequence[Matrix] | None = None,
        pools: Mapping[str, int] | None = None,
        source: str = "files",
    ) -> None:
        """What a source lists from now on; what is not named stays as it was, but definitions are always named."""
        before = self.declared.get(source, Declarations(source_token=source))
        self.declared[source] = replace(
            before,
            definitions=definitions,
            accounts=before.accounts if accounts is None else tuple(accounts),
            matrices=before.matrices if matrices is None else tuple(matrices),
            pools=before.pools if pools is None else dict(pools),
        )
        self._unread.add(source)

    def set_accounts(self, *accounts: Account, source: str = "files") -> None:
        """What a source lists as accounts from now on."""
        self.declare(*self.declared[source].definitions, accounts=accounts, source=source)

    def read_again(self) -> None:
        """The next tick applies everything anew that was declared, as after a restart."""
        self._unread.update(self.declared)

    def consent(self, key: str, *, count: int) -> None:
        self.write(lambda db: confirmations.give(db, key, count=count))
        self.read_again()

    def rerun(self, slot: str) -> int | None:
        """An operator asks for another run."""
        number = self.slot_id(slot)
        return self.write(lambda db: runs.rerun(db, number, now=self.now))

    # ---------------------------------------------------------------------------------------- time and the engine

    @property
    def now(self) -> dt.datetime:
        return self.clock.now()

    def tick(self, *, after: dt.timedelta = dt.timedelta(0)) -> Pass:
        """Passes until there is no more to do, after so much time. No step may fail.

        They look at what has changed, as in the product; a full pass after them must not find anything they overlooked.
        """
        self.clock.advance(after)
        done = self.tick_once()
        while done.more:
            done = self.tick_once()
        if not done.full:
            full = reconcile_once(self.database, self.clock, self.settings)
            assert full.changed.keys().isdisjoint(LOOK_AT_NEWS), f"overlooked: {full.changed}"
        return done

    def meddle(self, work: Work[T]) -> T:
        """Somebody writes to the store behind the engine's back: only a full pass can see that, and the next is one."""
        self._watch = None
        return self.write(work)

    def tick_once(self, *, failing: Collection[str] = (), full: bool = False) -> Pass:
        readings = tuple(self.declared[source] for source in sorted(self._unread))
        self._unread.clear()
        watch = None if full else self._watch
        done = reconcile_once(self.database, self.clock, self.settings, readings, watch=watch)
        self._watch = done.watch
        assert done.failed == set(failing), done.problems
        return done

    def live(self, *, until: dt.datetime, every: dt.timedelta = dt.timedelta(seconds=50)) -> None:
        """Let time pass with the engine at work, so that there is no outage: held runs are not beaten."""
        while self.now < until:
            self.tick(after=min(every, until - self.now))

    # ---------------------------------------------------------------------------------------- agents

    def claim(self, count: int = 100, *, source: str = "shell", agent: str = "agent") -> dict[str, Lease]:
        """Claimed runs by the names of their slots, in the order in which they were given."""

        def work(db: sa.Connection) -> dict[str, Lease]:
            source_id = matrices.source_ids(db)[source]
            wish = Claim(agent=agent, session=1, source_id=source_id, runs=count)
            held = claims.claim(db, wish, now=self.now)
            return {given.slot: given.lease for given in assignments.of(db, held)}

        return self.write(work)

    def beat(self, *held: Lease, agent: str = "agent") -> list[Verdict]:
        def work(db: sa.Connection) -> list[Verdict]:
            verdicts = heartbeats.beat(db, agent, [Beat(lease=lease) for lease in held], now=self.now)
            return [verdicts[lease][0] for lease in held]

        return self.write(work)

    def finish(
        self,
        lease: Lease,
        outcome: Outcome = Outcome.SUCCEEDED,
        *,
        completion: str = "",
        agent: str = "agent",
        error: str = "",
    ) -> Recorded:
        """Report how a run ended; each call is a report of its own unless it names its ``completion``."""
        report = Report(
            agent=agent,
            lease=lease,
            completion_id=completion or f"completion-{next(self._completions)}",
            outcome=outcome,
            exit_code=None,
            error=error,
            result=None,
            checkpoint=None,
        )
        return self.write(lambda db: completions.complete(db, [report], now=self.now)[0])

    def run_all(self, outcome: Outcome = Outcome.SUCCEEDED, *, failing: Collection[str] = ()) -> list[str]:
        """Tick, claim and finish until nothing is left to do now. Answers the slots in the order of their runs.

        Slots in ``failing`` fail.
        """
        order: list[str] = []
        self.tick()
        while held := self.claim():
            for slot, lease in held.items():
                self.finish(lease, Outcome.FAILED if slot in failing else outcome)
            order += held
            self.tick()
        return order

    # ---------------------------------------------------------------------------------------- what there is to see

    def states(self, definition: str = "") -> dict[str, SlotState]:
        """Slots by name, in the order of their windows; all, or those of a definition."""
        slot, window = schema.slot, schema.window
        query = _named_slots().add_columns(slot.c.state).order_by(window.c.ends_at, slot.c.id)
        if definition:
            query = query.where(schema.definition.c.name == definition)
        rows = self.read(lambda db: db.execute(query).all())
        return {slot_name(*row[:3]): SlotState(row.state) for row in rows}

    def due_states(self, definition: str = "") -> dict[str, SlotState]:
        """Like ``states``, of windows that have closed."""
        closed = self.closed_slots()
        return {name: state for name, state in self.states(definition).items() if name in closed}

    def closed_slots(self) -> set[str]:
        query = _named_slots().where(schema.window.c.ends_at <= self.now)
        return {slot_name(*row[:3]) for row in self.read(lambda db: db.execute(query).all())}

    def state(self, slot: str) -> SlotState:
        return self.states()[slot]

    def windows(self, definition: str) -> dict[str, dt.datetime]:
        """When the windows of a definition's slots start, by label."""
        query = _named_slots().add_columns(schema.window.c.starts_at).order_by(schema.window.c.starts_at)
        rows = self.read(lambda db: db.execute(query).all())
        return {row.label: row.starts_at for row in rows if row.name == definition}

    def slot(self, name: str) -> sa.Row[*tuple[object, ...]]:
        """The row of a slot."""
        number = self.slot_id(name)
        return self.read(lambda db: db.execute(sa.select(schema.slot).filter_by(id=number)).one())

    def slot_id(self, name: str) -> int:
        query = _named_slots().add_columns(schema.slot.c.id)
        rows = self.read(lambda db: db.execute(query).all())
        number: int = next(row.id for row in rows if slot_name(*row[:3]) == name)
        return number

    def needs(self, slot: str) -> list[str]:
        """The parent slots that a slot requires, by definition and window; those that do not exist too."""
        child = sa.select(schema.slot).filter_by(id=self.slot_id(slot)).cte("child")
        needed = readiness.required_parents(child).subquery()
        definition, window, member = schema.definition, schema.window, schema.member
        query = (
            sa.select(definition.c.name, member.c.path, window.c.label)
            .select_from(needed)
            .join(definition, definition.c.id == needed.c.definition_id)
            .join(member, member.c.id == needed.c.member_id)
            .join(window, window.c.id == needed.c.window_id)
            .order_by(window.c.ends_at, needed.c.member_id)
        )
        return [slot_name(*row) for row in self.read(lambda db: db.execute(query).all())]

    def runs(self, slot: str) -> list[RunStatus]:
        """The statuses of a slot's runs, by attempt."""
        number, run = self.slot_id(slot), schema.run
        query = sa.select(run.c.status).where(run.c.slot_id == number).order_by(run.c.attempt)
        return [RunStatus(status) for status in self.read(lambda db: db.execute(query).scalars().all())]

    def count(self, table: sa.Table) -> int:
        query = sa.select(sa.func.count()).select_from(table)
        number: int = self.read(lambda db: db.execute(query).scalar_one())
        return number

    def events(self, kind: str) -> list[str]:
        """The messages of that kind, oldest first."""
        event = schema.event
        query = sa.select(event.c.message).where(event.c.kind == kind).order_by(event.c.id)
        return list(self.read(lambda db: db.execute(query).scalars().all()))

    # ---------------------------------------------------------------------------------------- underneath

    def write(self, work: Work[T]) -> T:
        return self.database.write(work)

    def read(self, work: Work[T]) -> T:
        return self.database.read(work)


def _named_slots() -> sa.Select[str, str, str]:
    definition, member, window, slot = schema.definition, schema.member, schema.window, schema.slot
    return (
        sa.select(definition.c.name, member.c.path, window.c.label)
        .select_from(slot)
        .join(definition, definition.c.id == slot.c.definition_id)
        .join(member, member.c.id == slot.c.member_id)
        .join(window, window.c.id == slot.c.window_id)
    )
