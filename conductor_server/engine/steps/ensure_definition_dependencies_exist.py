"""The stored edges are those that the definitions' reads and writes demand."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.engine.steps.ensure_definitions_exist import stored_matrices
from conductor_server.model.states import MemberRule, WindowRule
from conductor_server.policy import graph
from conductor_server.store import definitions, graph_state, matrices
from conductor_server.store.definitions import StoredDependency


def ensure_definition_dependencies_exist(db: sa.Connection, _tick: Tick) -> StepResult:
    """Infer the graph from what is stored, and store its edges."""
    built = graph.build(definitions.declared(db), stored_matrices(db))
    ids, matrix_ids = definitions.ids_by_name(db), matrices.matrix_ids(db)
    edges = [
        StoredDependency(
            parent_id=ids[edge.parent],
            child_id=ids[edge.child],
            window_rule=edge.window,
            member_rule=edge.members,
            common_matrix_id=matrix_ids[edge.common],
            tables=edge.tables,
        )
        for edge in built.dependencies
    ]
    for name, rule in built.self_rules.items():
        if rule is WindowRule.PREVIOUS:
            definition = built.definitions[name]
            tables = definition.tables_read & frozenset(definition.writes_to)
            edges.append(
                StoredDependency(
                    parent_id=ids[name],
                    child_id=ids[name],
                    window_rule=rule,
                    member_rule=MemberRule.SAME,
                    common_matrix_id=matrix_ids[definition.matrix],
                    tables=tuple(sorted(tables)),
                )
            )
    serial = [ids[name] for name in built.self_rules]
    changed = definitions.set_dependencies(db, wanted=edges, serial=serial)
    graph_state.linked(db, changed=changed > 0)
    return StepResult(changed=changed)
