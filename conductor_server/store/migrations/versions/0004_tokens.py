"""Tokens, and the credentials that agents and their sessions belong to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"

Instant = sa.DateTime(timezone=True)
Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "command_token",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("agents", Json),
        sa.Column("sources", Json),
        sa.Column("accounts", Json),
        sa.Column("created", Instant, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", Instant),
        sa.Column("revoked_at", Instant),
        sa.Column("last_used_at", Instant),
        sa.PrimaryKeyConstraint("id", name="command_token_pkey"),
    )
    op.create_index(
        "command_token_name_idx",
        "command_token",
        ["name"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("command_event_kind_idx", "command_event", ["kind", "id"])
    for table in ("command_agent", "command_agent_session"):
        op.add_column(table, sa.Column("credential", sa.Text(), nullable=False, server_default=""))
