"""Slots that wait for very many parents are judged by what is in their way: an index finds that at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_ACTIVE = sa.text("state = 1")
_EXCEPTIONAL = sa.text("state NOT IN (0, 1, 2)")


def upgrade() -> None:
    op.create_table(
        "command_barrier",
        sa.Column("slot_id", Key, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["slot_id"], ["command_slot.id"], name="command_barrier_slot_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("slot_id", name="command_barrier_pkey"),
    )
    op.drop_index("command_slot_active_idx", "command_slot")
    op.create_index(
        "command_slot_active_idx",
        "command_slot",
        ["definition_id", "window_id"],
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_index(
        "command_slot_exceptional_idx",
        "command_slot",
        ["definition_id", "window_id"],
        sqlite_where=_EXCEPTIONAL,
        postgresql_where=_EXCEPTIONAL,
    )
