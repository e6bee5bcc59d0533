"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)
Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "command_agent",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("session", Key, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", Key, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("capacities", Json, nullable=False),
        sa.Column("registered_at", Instant, nullable=False),
        sa.Column("heartbeat_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="command_agent_pkey"),
    )
    op.create_table(
        "command_agent_session",
        sa.Column("id", Key, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="command_agent_session_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("command_agent_session_agent_idx", "command_agent_session", ["agent"], unique=False)
    op.create_table(
        "command_calendar",
        sa.Column("id", Key, nullable=False),
        sa.Column("frequency", sa.SmallInteger(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="command_calendar_pkey"),
        sa.UniqueConstraint(
            "frequency", "expression", "timezone", name="command_calendar_frequency_expression_timezone_key"
        ),
    )
    op.create_table(
        "command_confirmation",
        sa.Column("source_token", sa.Text(), nullable=False),
        sa.Column("names", Json, nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source_token", name="command_confirmation_pkey"),
    )
    op.create_table(
        "command_engine_state",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("looped_at", Instant, nullable=False),
        sa.Column("grace_until", Instant, nullable=False),
        sa.Column("missed_since", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="command_engine_state_pkey"),
    )
    op.create_table(
        "command_event",
        sa.Column("id", Key, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="command_event_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "command_matrix",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.SmallInteger(), nullable=True),
        sa.Column("source_token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["command_matrix.id"], name="command_matrix_parent_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="command_matrix_pkey"),
        sa.UniqueConstraint("name", name="command_matrix_name_key"),
    )
    op.create_table(
        "command_pool",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("source_token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="command_pool_pkey"),
    )
    op.create_table(
        "command_source",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="command_source_pkey"),
        sa.UniqueConstraint("name", name="command_source_name_key"),
    )
    op.create_table(
        "command_calendar_relation",
        sa.Column("window_rule", sa.SmallInteger(), nullable=False),
        sa.Column("child_calendar_id", Key, nullable=False),
        sa.Column("parent_calendar_id", Key, nullable=False),
        sa.Column("related_from", Instant, nullable=False),
        sa.Column("related_until", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["child_calendar_id"],
            ["command_calendar.id"],
            name="command_calendar_relation_child_calendar_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_calendar_id"],
            ["command_calendar.id"],
            name="command_calendar_relation_parent_calendar_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "window_rule", "child_calendar_id", "parent_calendar_id", name="command_calendar_relation_pkey"
        ),
    )
    op.create_table(
        "command_definition",
        sa.Column("id", Key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column("matrix_id", sa.SmallInteger(), nullable=False),
        sa.Column("source_token", sa.Text(), nullable=False),
        sa.Column("frequency", sa.SmallInteger(), nullable=False),
        sa.Column("expression", sa.Text(), server_default="", nullable=False),
        sa.Column("start_policy", sa.SmallInteger(), nullable=False),
        sa.Column("retry_kind", sa.SmallInteger(), nullable=False),
        sa.Column("retry_parameters", Json, nullable=False),
        sa.Column("starts_on", sa.Text(), server_default="", nullable=False),
        sa.Column("ends_on", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("timeout_s", sa.Float(), nullable=True),
        sa.Column("delay_s", sa.Float(), nullable=False),
        sa.Column("max_running", sa.Integer(), nullable=True),
        sa.Column("max_running_account", sa.Integer(), nullable=True),
        sa.Column("catchup", sa.SmallInteger(), nullable=False),
        sa.Column("catchup_max_age_s", sa.Float(), nullable=True),
        sa.Column("serial", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["matrix_id"], ["command_matrix.id"], name="command_definition_matrix_id_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["command_source.id"], name="command_definition_source_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="command_definition_pkey"),
        sa.UniqueConstraint("name", name="command_definition_name_key"),
    )
    op.create_table(
        "command_member",
        sa.Column("id", Key, nullable=False),
        sa.Column("matrix_id", sa.SmallInteger(), nullable=False),
        sa.Column("parent_id", Key, nullable=True),
        sa.Column("account_id", Key, nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("maintenance_until", Instant, nullable=True),
        sa.Column("max_running", sa.Integer(), nullable=True),
        sa.Column("source_token", sa.Text(), nullable=False),
        sa.Column("created", Instant, nullable=False),
        sa.Column("arrival", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["command_member.id"], name="command_member_account_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["matrix_id"], ["command_matrix.id"], name="command_member_matrix_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["command_member.id"], name="command_member_parent_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="command_member_pkey"),
        sa.UniqueConstraint("matrix_id", "path", name="command_member_matrix_id_path_key"),
    )
    op.create_index("command_member_account_id_idx", "command_member", ["account_id"], unique=False)
    op.create_index(
        "command_member_arrival_idx", "command_member", ["matrix_id", "timezone", "arrival"], unique=False
    )
    op.create_index("command_member_parent_id_idx", "command_member", ["parent_id"], unique=False)
    op.create_table(
        "command_window",
        sa.Column("id", Key, nullable=False),
        sa.Column("calendar_id", Key, nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["command_calendar.id"],
            name="command_window_calendar_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="command_window_pkey"),
        sa.UniqueConstraint("calendar_id", "starts_at", name="command_window_calendar_id_starts_at_key"),
    )
    op.create_index("command_window_ends_at_idx", "command_window", ["ends_at"], unique=False)
    op.create_index("command_window_label_idx", "command_window", ["label"], unique=False)
    op.create_table(
        "command_cron_spec",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=True),
        sa.Column("command", sa.Text(), nullable=True),
        sa.Column("arguments", Json, nullable=True),
        sa.Column("python", sa.Text(), nullable=True),
        sa.Column("environment", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_cron_spec_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", name="command_cron_spec_pkey"),
    )
    op.create_table(
        "command_definition_calendar",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("calendar_id", Key, nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=True),
        sa.Column("slots_until", Instant, nullable=False),
        sa.Column("member_watermark", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["command_calendar.id"],
            name="command_definition_calendar_calendar_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_definition_calendar_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", "calendar_id", name="command_definition_calendar_pkey"),
    )
    op.create_table(
        "command_definition_dependency",
        sa.Column("parent_id", Key, nullable=False),
        sa.Column("child_id", Key, nullable=False),
        sa.Column("window_rule", sa.SmallInteger(), nullable=False),
        sa.Column("member_rule", sa.SmallInteger(), nullable=False),
        sa.Column("common_matrix_id", sa.SmallInteger(), nullable=False),
        sa.Column("table_names", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["child_id"],
            ["command_definition.id"],
            name="command_definition_dependency_child_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["common_matrix_id"],
            ["command_matrix.id"],
            name="command_definition_dependency_common_matrix_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["command_definition.id"],
            name="command_definition_dependency_parent_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("parent_id", "child_id", name="command_definition_dependency_pkey"),
    )
    op.create_index(
        "command_definition_dependency_child_id_idx",
        "command_definition_dependency",
        ["child_id"],
        unique=False,
    )
    op.create_table(
        "command_definition_pool",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("pool_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_definition_pool_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", "pool_name", name="command_definition_pool_pkey"),
    )
    op.create_table(
        "command_definition_reads",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("window_rule", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_definition_reads_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", "table_name", name="command_definition_reads_pkey"),
    )
    op.create_table(
        "command_definition_writes",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_definition_writes_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", "table_name", name="command_definition_writes_pkey"),
    )
    op.create_table(
        "command_member_ancestor",
        sa.Column("member_id", Key, nullable=False),
        sa.Column("ancestor_matrix_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ancestor_id", Key, nullable=False),
        sa.Column("member_matrix_id", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ancestor_id"],
            ["command_member.id"],
            name="command_member_ancestor_ancestor_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["command_member.id"],
            name="command_member_ancestor_member_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "ancestor_matrix_id", name="command_member_ancestor_pkey"),
    )
    op.create_index(
        "command_member_ancestor_ancestor_idx",
        "command_member_ancestor",
        ["ancestor_id", "member_matrix_id", "member_id"],
        unique=False,
    )
    op.create_table(
        "command_ml_command_spec",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("interpreter", sa.Text(), nullable=True),
        sa.Column("script", sa.Text(), nullable=True),
        sa.Column("arguments", Json, nullable=True),
        sa.Column("environment", Json, nullable=True),
        sa.Column("limits", Json, nullable=True),
        sa.Column("working_folder", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_ml_command_spec_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", name="command_ml_command_spec_pkey"),
    )
    op.create_table(
        "command_plugin_spec",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_plugin_spec_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", name="command_plugin_spec_pkey"),
    )
    op.create_table(
        "command_python_spec",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("callable", sa.Text(), nullable=True),
        sa.Column("arguments", Json, nullable=True),
        sa.Column("path", Json, nullable=True),
        sa.Column("environment", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_python_spec_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", name="command_python_spec_pkey"),
    )
    op.create_table(
        "command_shell_spec",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("argv", Json, nullable=True),
        sa.Column("script", sa.Text(), nullable=True),
        sa.Column("environment", Json, nullable=True),
        sa.Column("working_folder", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_shell_spec_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", name="command_shell_spec_pkey"),
    )
    op.create_table(
        "command_slot",
        sa.Column("id", Key, nullable=False),
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("member_id", Key, nullable=False),
        sa.Column("window_id", Key, nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("losses", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_at", Instant, nullable=True),
        sa.Column("ever_failed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("success_run_id", Key, nullable=True),
        sa.Column("consumed", Key, server_default="0", nullable=False),
        sa.Column("decided_at", Instant, nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_slot_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["command_member.id"], name="command_slot_member_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["window_id"], ["command_window.id"], name="command_slot_window_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="command_slot_pkey"),
        sa.UniqueConstraint(
            "definition_id",
            "window_id",
            "member_id",
            name="command_slot_definition_id_window_id_member_id_key",
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "command_slot_active_idx",
        "command_slot",
        ["definition_id"],
        unique=False,
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_index("command_slot_decided_at_idx", "command_slot", ["decided_at"], unique=False)
    op.create_index("command_slot_member_idx", "command_slot", ["member_id", "definition_id"], unique=False)
    op.create_index(
        "command_slot_skipped_idx",
        "command_slot",
        ["definition_id"],
        unique=False,
        sqlite_where=sa.text("state = 4"),
        postgresql_where=sa.text("state = 4"),
    )
    op.create_index(
        "command_slot_undecided_idx",
        "command_slot",
        ["window_id", "definition_id"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_table(
        "command_stored_procedure_spec",
        sa.Column("definition_id", Key, nullable=False),
        sa.Column("database", sa.Text(), nullable=True),
        sa.Column("procedure", sa.Text(), nullable=True),
        sa.Column("parameters", Json, nullable=True),
        sa.Column("statement_timeout", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["command_definition.id"],
            name="command_stored_procedure_spec_definition_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("definition_id", name="command_stored_procedure_spec_pkey"),
    )
    op.create_table(
        "command_window_relation",
        sa.Column("window_rule", sa.SmallInteger(), nullable=False),
        sa.Column("child_window_id", Key, nullable=False),
        sa.Column("parent_window_id", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["child_window_id"],
            ["command_window.id"],
            name="command_window_relation_child_window_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_window_id"],
            ["command_window.id"],
            name="command_window_relation_parent_window_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "window_rule", "child_window_id", "parent_window_id", name="command_window_relation_pkey"
        ),
    )
    op.create_index(
        "command_window_relation_parent_window_id_idx",
        "command_window_relation",
        ["parent_window_id"],
        unique=False,
    )
    op.create_table(
        "command_run",
        sa.Column("id", Key, nullable=False),
        sa.Column("slot_id", Key, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", Key, server_default="0", nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("waiting_at", Instant, nullable=False),
        sa.Column("running_at", Instant, nullable=True),
        sa.Column("heartbeat_at", Instant, nullable=True),
        sa.Column("success_at", Instant, nullable=True),
        sa.Column("failed_at", Instant, nullable=True),
        sa.Column("timeout_at", Instant, nullable=True),
        sa.Column("cancelled_at", Instant, nullable=True),
        sa.Column("released_at", Instant, nullable=True),
        sa.Column("cancel_requested_at", Instant, nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", Json, nullable=True),
        sa.Column("progress", Json, nullable=True),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=True),
        sa.Column("completion_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["slot_id"], ["command_slot.id"], name="command_run_slot_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="command_run_pkey"),
        sa.UniqueConstraint("slot_id", "attempt", name="command_run_slot_id_attempt_key"),
        postgresql_with={"fillfactor": 70},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "command_run_live_idx",
        "command_run",
        ["slot_id"],
        unique=True,
        sqlite_where=sa.text("status IN (0, 1)"),
        postgresql_where=sa.text("status IN (0, 1)"),
    )
    op.create_index(
        "command_run_running_idx",
        "command_run",
        ["agent"],
        unique=False,
        sqlite_where=sa.text("status = 1"),
        postgresql_where=sa.text("status = 1"),
    )
    op.create_table(
        "command_late_report",
        sa.Column("id", Key, nullable=False),
        sa.Column("run_id", Key, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("epoch", Key, nullable=False),
        sa.Column("completion_id", sa.Text(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["command_run.id"], name="command_late_report_run_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="command_late_report_pkey"),
        sa.UniqueConstraint("run_id", "completion_id", name="command_late_report_run_id_completion_id_key"),
    )
    op.create_table(
        "command_log_chunk",
        sa.Column("run_id", Key, nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("offset", Key, autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["command_run.id"], name="command_log_chunk_run_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "stream", "offset", name="command_log_chunk_pkey"),
    )
    op.create_table(
        "command_log_stream",
        sa.Column("run_id", Key, nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("size", Key, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["command_run.id"], name="command_log_stream_run_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "stream", name="command_log_stream_pkey"),
    )
    op.create_index(
        "command_run_waiting_idx",
        "command_run",
        ["source_id", sa.text("priority DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("status = 0"),
        postgresql_where=sa.text("status = 0"),
    )
