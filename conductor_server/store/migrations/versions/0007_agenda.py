"""What the engine is to look at, so that a pass costs what has changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "command_agenda",
        sa.Column("id", Key, nullable=False),
        sa.Column("slot_id", Key),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="command_agenda_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("command_agenda_at_idx", "command_agenda", ["at", "id"])
