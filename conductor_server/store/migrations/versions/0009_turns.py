"""What a claim looks at stands on the run itself, with its account's turn; what bars or bounds claims is indexed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_WAITING = sa.text("status = 0")
_BARRED = sa.text("NOT active OR paused OR held <> ''")

_OF_LIVE_RUNS = """
UPDATE command_run SET
  definition_id = (SELECT slot.definition_id FROM command_slot AS slot WHERE slot.id = command_run.slot_id),
  account_id = COALESCE((SELECT member.account_id FROM command_slot AS slot JOIN command_member AS member
                         ON member.id = slot.member_id WHERE slot.id = command_run.slot_id), 0),
  turn = id
WHERE status IN (0, 1)
"""
"""Those that have ended need neither. Those that wait keep their order: it was that of their ids."""


def upgrade() -> None:
    for column in ("definition_id", "account_id", "turn"):
        op.add_column("command_run", sa.Column(column, Key, nullable=False, server_default="0"))
    op.execute(_OF_LIVE_RUNS)
    op.drop_index("command_run_waiting_idx", "command_run")
    op.create_index(
        "command_run_waiting_idx",
        "command_run",
        ["source_id", sa.text("priority DESC"), "turn", "id"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "command_run_backlog_idx",
        "command_run",
        ["account_id", "source_id", "priority", "turn"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "command_definition_barred_idx",
        "command_definition",
        ["id"],
        sqlite_where=_BARRED,
        postgresql_where=_BARRED,
    )
    for table, column in (
        ("command_definition", "max_running"),
        ("command_definition", "max_running_account"),
        ("command_member", "max_running"),
        ("command_member", "maintenance_until"),
    ):
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"{table}_{column}_idx", table, [column], sqlite_where=given, postgresql_where=given)
