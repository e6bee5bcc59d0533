"""Composes the larger answers of ControlService within one snapshot: with counts, conditions and explanations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

import conductor_server
from conductor_proto.v1 import control_service_pb2 as pb
from conductor_server.engine.clock import Clock
from conductor_server.engine.status import EngineStatus, problems
from conductor_server.engine.step import EngineSettings
from conductor_server.model.states import Condition
from conductor_server.policy.explain import explain
from conductor_server.rpc import convert, convert_definitions, convert_runs, convert_slots
from conductor_server.store import (
    agents,
    conditions,
    definition_pages,
    definitions,
    engine_state,
    leadership,
    lineage,
    overview,
    run_pages,
    slot_pages,
)
from conductor_server.store.conditions import Moment
from conductor_server.store.definition_pages import ShownDefinition
from conductor_server.store.run_pages import RunQuery
from conductor_server.store.sight import Sight

HEARTBEATS_MISSED = 3
"""An agent that was silent for so many intervals is not counted as alive."""

PARENTS_MAX = 1_000
RUNS_MAX = 100
"""How many parents and runs of one slot are shown with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presenter:
    """Answers to somebody who sees that much. Every method reads through the connection that it is given."""

    clock: Clock
    settings: EngineSettings
    sight: Sight

    def alive_since(self) -> dt.datetime:
        """Agents that were heard of since then are alive."""
        return self.clock.now() - HEARTBEATS_MISSED * self.settings.heartbeat_interval

    def moment(self, db: sa.Connection) -> Moment:
        return conditions.moment(
            db,
            now=self.clock.now(),
            alive_since=self.alive_since(),
            retries=self.settings.retries,
            sight=self.sight,
        )

    def status(
        self, db: sa.Connection, engine: EngineStatus, *, database: str, server: str
    ) -> pb.GetStatusResponse:
        counts = overview.all_together(overview.counts(db, self.moment(db)))
        totals = overview.totals(db, sight=self.sight)
        recorded, leader = engine_state.load(db), leadership.load(db)
        return pb.GetStatusResponse(
            version=conductor_server.__version__,
            database=database,
            engine_looped_at=convert.timestamp(
                engine.looped_at or (recorded.looped_at if recorded else None)
            ),
            engine_loop_duration=convert.duration(engine.loop_duration),
            problems=self._problems(problems(db, engine)),
            definitions=totals.definitions,
            accounts=totals.accounts,
            agents=sum(agent.heartbeat_at > self.alive_since() for agent in agents.all_agents(db)),
            slots=convert.condition_counts(counts),
            slots_not_due=counts[Condition.NOT_DUE],
            server=server,
            leads=engine.leads,
            leader=leader.server if leader.holder else "",
            leader_epoch=leader.epoch,
        )

    def _problems(self, found: Sequence[str]) -> Sequence[str]:
        """They name whatever they are about; who does not see everything is told how many there are."""
        if self.sight is None or not found:
            return found
        return [f"{len(found)} problems, which may be of other accounts: ask who sees all of them"]

    def graph(self, db: sa.Connection, *, window_label: str) -> pb.GetGraphResponse:
        shown, _ = definition_pages.page(db)
        counts = overview.counts(db, self.moment(db), window_label=window_label)
        return pb.GetGraphResponse(
            definitions=[self._definition(each, counts) for each in shown],
            dependencies=[convert_definitions.edge(edge) for edge in definition_pages.edges(db)],
            external_tables=definition_pages.external_tables(db),
        )

    def definitions(
        self, db: sa.Connection, *, name_contains: str, after: str, limit: int
    ) -> pb.ListDefinitionsResponse:
        shown, following = definition_pages.page(db, name_contains=name_contains, after=after, limit=limit)
        counts = overview.counts(db, self.moment(db), definition_ids=[each.id for each in shown])
        return pb.ListDefinitionsResponse(
            definitions=[self._definition(each, counts) for each in shown],
            next_page_token=convert.page_token([following] if following else None),
        )

    def definition(self, db: sa.Connection, name: str) -> pb.Definition:
        """Raises NotFoundError."""
        shown = definition_pages.named(db, name)
        return self._definition(shown, overview.counts(db, self.moment(db), definition_ids=[shown.id]))

    def whole_definition(self, db: sa.Connection, name: str) -> pb.GetDefinitionResponse:
        """With its spec and its neighbours. Raises NotFoundError."""
        shown = definition_pages.named(db, name)
        edges = definition_pages.edges(db, of=shown.id)
        return pb.GetDefinitionResponse(
            definition=self.definition(db, name),
            spec=convert.struct(definitions.specs(db, [shown.id])[shown.id]),
            parents=[convert_definitions.edge(edge) for edge in edges if edge.child == shown.name],
            children=[convert_definitions.edge(edge) for edge in edges if edge.parent == shown.name],
        )

    def slot(self, db: sa.Connection, slot_id: int) -> pb.Slot:
        [shown] = slot_pages.by_ids(db, self.moment(db), [slot_id])
        return convert_slots.slot(shown)

    def whole_slot(self, db: sa.Connection, slot_id: int) -> pb.GetSlotResponse:
        """With what holds it back, its parents and its runs."""
        moment = self.moment(db)
        [shown] = slot_pages.by_ids(db, moment, [slot_id])
        explanation = explain(slot_id, lambda ids: lineage.unmet(db, ids, sight=self.sight))
        on_their_way = [cause.need.id for cause in explanation.causes if cause.need.id and not cause.final]
        parents = lineage.parent_ids(db, slot_id, limit=PARENTS_MAX)
        runs, _ = run_pages.page(db, RunQuery(slot_id=slot_id, sight=self.sight), after=None, limit=RUNS_MAX)
        return pb.GetSlotResponse(
            slot=convert_slots.slot(shown),
            reasons=convert_slots.reasons(shown, explanation, slot_pages.collected(db, moment, on_their_way)),
            parents=[convert_slots.slot(each) for each in slot_pages.collected(db, moment, parents)],
            runs=[convert_runs.run(run) for run in runs],
        )

    def _definition(self, shown: ShownDefinition, counts: overview.CountsByDefinition) -> pb.Definition:
        return convert_definitions.definition(shown, counts.get(shown.id, {}), self.settings.retries)
