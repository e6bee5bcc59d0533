"""How far the engine has followed what was declared: definitions, then the graph, then slots and windows.

These are steps of their own, each with its transaction. Where several engines are at work, one may stand between the
second and the third while another starts runs by a graph that is half there. So the three are numbered, and nothing is
started by the graph unless all of them have got as far as the first. Steps of several engines take turns
(``dialect.lock_steps``), so nobody moves on within one.
"""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.model.errors import ConflictError
from conductor_server.store import schema

_ROW = schema.graph_state.c.id == 1
_IS_WHOLE = sa.select(schema.graph_state.c.planned == schema.graph_state.c.declared).where(_ROW)


def _linked(step: int) -> sa.Update:
    reached = schema.graph_state.c.declared + step
    behind = schema.graph_state.c.linked != reached
    return sa.update(schema.graph_state).where(_ROW, behind).values(declared=reached, linked=reached)


_DECLARED = sa.update(schema.graph_state).where(_ROW).values(declared=schema.graph_state.c.declared + 1)
_LINKED = {changed: _linked(1 if changed else 0) for changed in (False, True)}
_PLANNED = (
    sa.update(schema.graph_state)
    .where(
        _ROW,
        schema.graph_state.c.linked == schema.graph_state.c.declared,
        schema.graph_state.c.planned != schema.graph_state.c.linked,
    )
    .values(planned=schema.graph_state.c.linked)
)


def declared(db: sa.Connection) -> None:
    """Definitions have changed: the graph is to be inferred anew."""
    db.execute(_DECLARED)


def linked(db: sa.Connection, *, changed: bool) -> None:
    """The graph is that of the definitions. Where it has ``changed``, slots and windows are to follow."""
    db.execute(_LINKED[changed])


def planned(db: sa.Connection) -> None:
    """Slots and windows are those of the graph, unless that has to follow the definitions first."""
    db.execute(_PLANNED)


def check(db: sa.Connection) -> None:
    """Raises ConflictError while the graph is half there."""
    if not db.execute(_IS_WHOLE).scalar_one():
        raise ConflictError(
            "definitions have changed, and the graph does not follow them yet: nothing is started"
        )
