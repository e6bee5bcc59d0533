"""Incarnations of the store: when it was restored from a backup, and which numbers that has made it forget."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from conductor_server.store.database import UtcDateTime

revision = "0006"
down_revision = "0005"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "command_incarnation",
        sa.Column("id", Key, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("began_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("served_at", UtcDateTime(timezone=True)),
        sa.Column("runs_from", Key),
        sa.Column("runs_until", Key),
        sa.Column("copied_at", UtcDateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="command_incarnation_pkey"),
    )
