"""Definitions and pools are those that the sources list. Nothing of a set that does not hold together is applied."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from conductor_server.engine.readings import each_reading
from conductor_server.engine.removal import Removal, held_back
from conductor_server.engine.step import StepResult, Tick
from conductor_server.model.definition import Declarations
from conductor_server.policy import graph
from conductor_server.policy.diff import Changes, diff, fingerprint
from conductor_server.policy.matrix import BUILT_IN, MatrixTree
from conductor_server.store import definitions, events, graph_state, matrices
from conductor_server.store.events import Event


def ensure_definitions_exist(db: sa.Connection, tick: Tick) -> StepResult:
    """Add, change and remove definitions, each source its own."""
    result = each_reading(db, tick, _apply)
    if result.changed:
        graph_state.declared(db)
    return result


def _apply(db: sa.Connection, reading: Declarations, *, now: dt.datetime) -> tuple[int, list[str]]:
    """What was changed, and what could not be done."""
    token = reading.source_token
    stored = definitions.fingerprints(db, source_token=token)
    desired = {definition.name: definition for definition in reading.definitions}
    if faults := _faults_with_others(db, reading, own=stored):
        return 0, [f"nothing of {token} was applied: {fault}" for fault in faults]
    changes = diff(stored=stored, desired={name: fingerprint(each) for name, each in desired.items()})
    problems = []
    removal = Removal(kind="definition", source_token=token, stored=len(stored), names=changes.removed)
    if refusal := held_back(db, removal, empty=not desired, now=now):
        problems.append(refusal)
        changes = Changes(added=changes.added, changed=changes.changed, removed=())
    definitions.remove(db, changes.removed)
    definitions.add(db, (desired[name] for name in changes.added), source_token=token, now=now)
    definitions.change(db, (desired[name] for name in changes.changed))
    pools = definitions.set_pools(db, reading.pools, source_token=token)
    events.append(db, _events(changes, token), now=now)
    return len(changes.added) + len(changes.changed) + len(changes.removed) + pools, problems


def _faults_with_others(db: sa.Connection, reading: Declarations, *, own: Mapping[str, str]) -> list[str]:
    """What is wrong with this source's definitions beside those of all the others."""
    if definitions.fingerprints(db).keys() <= own.keys():
        return []  # the source has checked its own set
    others = [each for each in definitions.declared(db) if each.name not in own]
    return [str(fault) for fault in graph.faults([*others, *reading.definitions], stored_matrices(db))]


def stored_matrices(db: sa.Connection) -> MatrixTree:
    """The tree of all matrices that the store knows."""
    return MatrixTree(parents={**BUILT_IN, **matrices.parents(db)})


def _events(changes: Changes, token: str) -> list[Event]:
    return [
        Event(kind=f"definition.{kind}", subject=name, message=f"definition {name} {kind}, as {token} says")
        for kind, names in (
            ("added", changes.added),
            ("changed", changes.changed),
            ("removed", changes.removed),
        )
        for name in names
    ]
