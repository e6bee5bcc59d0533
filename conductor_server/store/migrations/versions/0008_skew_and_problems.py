"""How far agents' clocks are off, and what the server that runs the engine could not do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("command_agent", sa.Column("clock_skew_s", sa.Float(), nullable=True))
    op.add_column("command_leader", sa.Column("problems", Json, nullable=False, server_default="[]"))
