"""One server of several runs the engine: its row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    leader = op.create_table(
        "command_leader",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("epoch", Key, nullable=False),
        sa.Column("renewals", Key, nullable=False),
        sa.PrimaryKeyConstraint("id", name="command_leader_pkey"),
    )
    op.bulk_insert(leader, [{"id": 1, "holder": "", "server": "", "epoch": 0, "renewals": 0}])
