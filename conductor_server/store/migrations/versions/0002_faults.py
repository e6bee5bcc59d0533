"""Definitions that cannot be used as they are stored are set aside, and what reads from them is held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("fault", "held"):
        op.add_column("command_definition", sa.Column(name, sa.Text(), nullable=False, server_default=""))
