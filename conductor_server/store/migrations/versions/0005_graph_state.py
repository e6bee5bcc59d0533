"""How far the engine has followed what was declared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    state = op.create_table(
        "command_graph_state",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("declared", Key, nullable=False),
        sa.Column("linked", Key, nullable=False),
        sa.Column("planned", Key, nullable=False),
        sa.PrimaryKeyConstraint("id", name="command_graph_state_pkey"),
    )
    # A full pass makes them equal, and the first one after an upgrade is full.
    op.bulk_insert(state, [{"id": 1, "declared": 1, "linked": 0, "planned": 0}])
