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


def declared(db: sa.Connection) -> None:
    """Definitions have changed: the graph is to be inferred anew."""
    table = schema.graph_state
    db.execute(sa.update(table).where(_ROW).values(declared=table.c.declared + 1))


def linked(db: sa.Connection, *, changed: bool) -> None:
    """The graph is that of the definitions. Where it has ``changed``, slots and windows are to follow."""
    table = schema.graph_state
    reached = table.c.declared + (1 if changed else 0)
    behind = table.c.linked != reached
    db.execute(sa.update(table).where(_ROW, behind).values(declared=reached, linked=reached))


def planned(db: sa.Connection) -> None:
    """Slots and windows are those of the graph, unless that has to follow the definitions first."""
    table = schema.graph_state
    ready = (table.c.linked == table.c.declared) & (table.c.planned != table.c.linked)
    db.execute(sa.update(table).where(_ROW, ready).values(planned=table.c.linked))


def check(db: sa.Connection) -> None:
    """Raises ConflictError while the graph is half there."""
    table = schema.graph_state
    if not db.execute(sa.select(table.c.planned == table.c.declared).where(_ROW)).scalar_one():
        raise ConflictError(
            "definitions have changed, and the graph does not follow them yet: nothing is started"
        )
