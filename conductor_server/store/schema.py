"""The tables. Enums are stored as their integers; instants are UTC; windows, slots and runs have bigint keys.

A run's history is its row: its status only moves forward, and each status has its instant. ``command_event`` holds what
the rows cannot tell.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from conductor_server.model.states import LIVE_RUNS, RunStatus, SlotState
from conductor_server.store.database import UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

# SQLite gives out row ids only for INTEGER PRIMARY KEY, which holds 64 bits there.
Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class State(sa.TypeDecorator[int]):
    """A state or status. Comparisons write it into the statement's text.

    A planner uses a partial index (``WHERE state = 0``) only where it can see that the condition implies the index's:
    of a bound parameter it cannot know that.
    """

    impl = sa.SmallInteger
    cache_ok = True

    class comparator_factory(sa.TypeDecorator.Comparator[int]):
        def operate(self, op: Any, *other: Any, **options: Any) -> Any:
            return super().operate(op, *map(_in_text, other), **options)


def _in_text(value: Any) -> Any:
    match value:
        case IntEnum():
            return sa.literal_column(str(int(value)), sa.SmallInteger)
        case tuple() | list() | set() | frozenset():
            return [_in_text(item) for item in value]
        case _:
            return value


def _key() -> sa.Column[int]:
    return sa.Column("id", Key, primary_key=True)


def _reference(
    name: str, target: str, *, nullable: bool = False, primary_key: bool = False
) -> sa.Column[int]:
    return sa.Column(
        name,
        Key,
        sa.ForeignKey(f"{target}.id", ondelete="CASCADE"),
        nullable=nullable and not primary_key,
        primary_key=primary_key,
    )


def _where_given(table: str, column: str) -> sa.Index:
    """An index of the few rows that have the column: every claim asks for them."""
    given = sa.text(f"{column} IS NOT NULL")
    return sa.Index(f"{table}_{column}_idx", column, sqlite_where=given, postgresql_where=given)


BARRED = sa.text("NOT active OR paused OR held <> ''")
"""Which definitions' runs nobody may claim, in the words of their index: a planner has to recognise them."""

# ------------------------------------------------------------------------------------------------ what is declared

source = sa.Table(
    "command_source",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)

matrix = sa.Table(
    "command_matrix",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("parent_id", sa.SmallInteger, sa.ForeignKey("command_matrix.id", ondelete="CASCADE")),
    sa.Column("source_token", sa.Text, nullable=False),
)

member = sa.Table(
    "command_member",
    metadata,
    _key(),
    sa.Column(
        "matrix_id", sa.SmallInteger, sa.ForeignKey("command_matrix.id", ondelete="CASCADE"), nullable=False
    ),
    _reference("parent_id", "command_member", nullable=True),
    _reference("account_id", "command_member", nullable=True),
    # The tokens from below `default` down to its own, joined by `:`; what stands between `@` and `/` in a slot's name.
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("starts_on", sa.Text, nullable=False, server_default=""),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("maintenance_until", UtcDateTime),
    sa.Column("max_running", sa.Integer),
    sa.Column("source_token", sa.Text, nullable=False),
    sa.Column("created", UtcDateTime, nullable=False),
    # Grows with every member that comes, or moves to another zone: plans know up to which one they have slots.
    sa.Column("arrival", Key, nullable=False),
    sa.UniqueConstraint("matrix_id", "path"),
    sa.Index("command_member_arrival_idx", "matrix_id", "timezone", "arrival"),
    sa.Index("command_member_parent_id_idx", "parent_id"),
    sa.Index("command_member_account_id_idx", "account_id"),
    _where_given("command_member", "max_running"),
    _where_given("command_member", "maintenance_until"),
)

member_ancestor = sa.Table(
    "command_member_ancestor",
    metadata,
    # A member has one ancestor in a matrix: with that as its key a planner knows that, and begins there.
    _reference("member_id", "command_member", primary_key=True),
    sa.Column("ancestor_matrix_id", sa.SmallInteger, primary_key=True, autoincrement=False),
    _reference("ancestor_id", "command_member"),
    sa.Column("member_matrix_id", sa.SmallInteger, nullable=False),
    sa.Index("command_member_ancestor_ancestor_idx", "ancestor_id", "member_matrix_id", "member_id"),
)

pool = sa.Table(
    "command_pool",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("places", sa.Integer, nullable=False),
    sa.Column("source_token", sa.Text, nullable=False),
)

definition = sa.Table(
    "command_definition",
    metadata,
    _key(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("source_id", sa.SmallInteger, sa.ForeignKey("command_source.id"), nullable=False),
    sa.Column("matrix_id", sa.SmallInteger, sa.ForeignKey("command_matrix.id"), nullable=False),
    sa.Column("source_token", sa.Text, nullable=False),
    sa.Column("frequency", sa.SmallInteger, nullable=False),
    # The cron expression, or a one-off's instant: with the frequency and a zone it makes a calendar.
    sa.Column("expression", sa.Text, nullable=False, server_default=""),
    sa.Column("start_policy", sa.SmallInteger, nullable=False),
    sa.Column("retry_kind", sa.SmallInteger, nullable=False),
    sa.Column("retry_parameters", Json, nullable=False),
    sa.Column("starts_on", sa.Text, nullable=False, server_default=""),
    sa.Column("ends_on", sa.Text, nullable=False, server_default=""),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("timeout_s", sa.Float),
    sa.Column("delay_s", sa.Float, nullable=False),
    sa.Column("max_running", sa.Integer),
    sa.Column("max_running_account", sa.Integer),
    sa.Column("catchup", sa.SmallInteger, nullable=False),
    sa.Column("catchup_max_age_s", sa.Float),
    # Own slots in order, one at a time: it reads a table that it writes.
    sa.Column("serial", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("created", UtcDateTime, nullable=False),
    # Why it cannot be used as it stands here, and why it starts nothing (``store/faults.py``); empty for neither.
    sa.Column("fault", sa.Text, nullable=False, server_default=""),
    sa.Column("held", sa.Text, nullable=False, server_default=""),
    sa.Index("command_definition_barred_idx", "id", sqlite_where=BARRED, postgresql_where=BARRED),
    _where_given("command_definition", "max_running"),
    _where_given("command_definition", "max_running_account"),
)

definition_reads = sa.Table(
    "command_definition_reads",
    metadata,
    _reference("definition_id", "command_definition", primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("window_rule", sa.SmallInteger, nullable=False),
)

definition_writes = sa.Table(
    "command_definition_writes",
    metadata,
    _reference("definition_id", "command_definition", primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
)

definition_pool = sa.Table(
    "command_definition_pool",
    metadata,
    _reference("definition_id", "command_definition", primary_key=True),
    sa.Column("pool_name", sa.Text, primary_key=True),
)


def _spec(name: str, *columns: sa.Column[object]) -> sa.Table:
    return sa.Table(
        f"command_{name}_spec",
        metadata,
        _reference("definition_id", "command_definition", primary_key=True),
        *columns,
    )


SPECS: dict[str, sa.Table] = {
    "cron": _spec(
        "cron",
        sa.Column("project", sa.Text),
        sa.Column("settings", sa.Text),
        sa.Column("command", sa.Text),
        sa.Column("arguments", Json),
        sa.Column("python", sa.Text),
        sa.Column("environment", Json),
    ),
    "stored_procedure": _spec(
        "stored_procedure",
        sa.Column("database", sa.Text),
        sa.Column("procedure", sa.Text),
        sa.Column("parameters", Json),
        sa.Column("statement_timeout", sa.Float),
    ),
    "ml_command": _spec(
        "ml_command",
        sa.Column("interpreter", sa.Text),
        sa.Column("script", sa.Text),
        sa.Column("arguments", Json),
        sa.Column("environment", Json),
        sa.Column("limits", Json),
        sa.Column("working_folder", sa.Text),
    ),
    "shell": _spec(
        "shell",
        sa.Column("argv", Json),
        sa.Column("script", sa.Text),
        sa.Column("environment", Json),
        sa.Column("working_folder", sa.Text),
    ),
    "python": _spec(
        "python",
        sa.Column("callable", sa.Text),
        sa.Column("arguments", Json),
        sa.Column("path", Json),
        sa.Column("environment", Json),
    ),
}
"""What each built-in source needs to execute, a table each. A column is a key of the source's schema."""

plugin_spec = _spec("plugin", sa.Column("spec", Json, nullable=False))

dependency = sa.Table(
    "command_definition_dependency",
    metadata,
    _reference("parent_id", "command_definition", primary_key=True),
    _reference("child_id", "command_definition", primary_key=True),
    sa.Column("window_rule", sa.SmallInteger, nullable=False),
    sa.Column("member_rule", sa.SmallInteger, nullable=False),
    # The matrix in which the two members meet.
    sa.Column(
        "common_matrix_id",
        sa.SmallInteger,
        sa.ForeignKey("command_matrix.id", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("table_names", Json, nullable=False),
    sa.Index("command_definition_dependency_child_id_idx", "child_id"),
)

# ------------------------------------------------------------------------------------------------ calendars and slots

calendar = sa.Table(
    "command_calendar",
    metadata,
    _key(),
    sa.Column("frequency", sa.SmallInteger, nullable=False),
    sa.Column("expression", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.UniqueConstraint("frequency", "expression", "timezone"),
)

window = sa.Table(
    "command_window",
    metadata,
    _key(),
    _reference("calendar_id", "command_calendar"),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.UniqueConstraint("calendar_id", "starts_at"),
    sa.Index("command_window_label_idx", "label"),
    sa.Index("command_window_ends_at_idx", "ends_at"),
)

window_relation = sa.Table(
    "command_window_relation",
    metadata,
    sa.Column("window_rule", sa.SmallInteger, primary_key=True),
    _reference("child_window_id", "command_window", primary_key=True),
    _reference("parent_window_id", "command_window", primary_key=True),
    sa.Index("command_window_relation_parent_window_id_idx", "parent_window_id"),
)

calendar_relation = sa.Table(
    "command_calendar_relation",
    metadata,
    sa.Column("window_rule", sa.SmallInteger, primary_key=True),
    _reference("child_calendar_id", "command_calendar", primary_key=True),
    _reference("parent_calendar_id", "command_calendar", primary_key=True),
    # The child's windows that start in [related_from, related_until) have all their rows in window_relation.
    sa.Column("related_from", UtcDateTime, nullable=False),
    sa.Column("related_until", UtcDateTime, nullable=False),
)

definition_calendar = sa.Table(
    "command_definition_calendar",
    metadata,
    _reference("definition_id", "command_definition", primary_key=True),
    _reference("calendar_id", "command_calendar", primary_key=True),
    # First instant at which a slot of this definition may start, in the calendar's zone, and first at which none may.
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime),
    # Slots exist for every window that starts before this, and for every member up to that arrival.
    sa.Column("slots_until", UtcDateTime, nullable=False),
    sa.Column("member_watermark", Key, nullable=False),
)

EXCEPTIONAL = sa.text(f"state NOT IN ({SlotState.OPEN:d}, {SlotState.ACTIVE:d}, {SlotState.SUCCEEDED:d})")
"""Slots that are done and have not succeeded, in the words of their index."""

slot = sa.Table(
    "command_slot",
    metadata,
    _key(),
    _reference("definition_id", "command_definition"),
    _reference("member_id", "command_member"),
    _reference("window_id", "command_window"),
    sa.Column("state", State, nullable=False),
    # Failed runs in a row, and agents lost in a row, of the present series.
    sa.Column("failures", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("losses", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed_at", UtcDateTime),
    sa.Column("ever_failed", sa.Boolean, nullable=False, server_default=sa.false()),
    # The run that succeeded last; the sum of the parents' when this one was started tells what it has consumed.
    sa.Column("success_run_id", Key),
    # -1: nobody has counted (``store/barriers.py``).
    sa.Column("consumed", Key, nullable=False, server_default="0"),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("definition_id", "window_id", "member_id"),
    sa.Index("command_slot_member_idx", "member_id", "definition_id"),
    # What the engine looks at: slots that have not been decided.
    sa.Index(
        "command_slot_undecided_idx",
        "window_id",
        "definition_id",
        sqlite_where=sa.text(f"state = {SlotState.OPEN:d}"),
        postgresql_where=sa.text(f"state = {SlotState.OPEN:d}"),
    ),
    sa.Index(
        "command_slot_active_idx",
        "definition_id",
        "window_id",
        sqlite_where=sa.text(f"state = {SlotState.ACTIVE:d}"),
        postgresql_where=sa.text(f"state = {SlotState.ACTIVE:d}"),
    ),
    sa.Index(
        "command_slot_skipped_idx",
        "definition_id",
        sqlite_where=sa.text(f"state = {SlotState.SKIPPED:d}"),
        postgresql_where=sa.text(f"state = {SlotState.SKIPPED:d}"),
    ),
    sa.Index(
        "command_slot_exceptional_idx",
        "definition_id",
        "window_id",
        sqlite_where=EXCEPTIONAL,
        postgresql_where=EXCEPTIONAL,
    ),
    sa.Index("command_slot_decided_at_idx", "decided_at"),
    postgresql_with={"fillfactor": 80},
)

# What the engine is to look at; a note without a slot asks for everything. No foreign key: notes of removed slots are
# found to be empty, and locking the slot for each would cost more.
agenda = sa.Table(
    "command_agenda",
    metadata,
    _key(),
    sa.Column("slot_id", Key),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("command_agenda_at_idx", "at", "id"),
    sqlite_autoincrement=True,  # a note is taken away by its number, which must not be another's by then
)

# Slots of `default` that wait for many parents, none of which is missing: as counted since the last full pass began.
barrier = sa.Table(
    "command_barrier",
    metadata,
    _reference("slot_id", "command_slot", primary_key=True),
)

_live = sa.text(f"status IN ({', '.join(str(int(status)) for status in LIVE_RUNS)})")
_waiting = sa.text(f"status = {RunStatus.WAITING:d}")
_running = sa.text(f"status = {RunStatus.RUNNING:d}")

run = sa.Table(
    "command_run",
    metadata,
    _key(),
    _reference("slot_id", "command_slot"),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("status", State, nullable=False),
    sa.Column("source_id", sa.SmallInteger, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    # What a claim asks of it, which so joins nothing. 0: it is of no account, or had ended before these were kept.
    sa.Column("definition_id", Key, nullable=False, server_default="0"),
    sa.Column("account_id", Key, nullable=False, server_default="0"),
    # Among runs of one source and priority accounts take turns: each has its own count, from where the queue stands.
    sa.Column("turn", Key, nullable=False, server_default="0"),
    sa.Column("created_by", sa.SmallInteger, nullable=False),
    sa.Column("epoch", Key, nullable=False, server_default="0"),
    sa.Column("agent", sa.Text),
    sa.Column("waiting_at", UtcDateTime, nullable=False),
    sa.Column("running_at", UtcDateTime),
    sa.Column("heartbeat_at", UtcDateTime),
    sa.Column("success_at", UtcDateTime),
    sa.Column("failed_at", UtcDateTime),
    sa.Column("timeout_at", UtcDateTime),
    sa.Column("cancelled_at", UtcDateTime),
    sa.Column("released_at", UtcDateTime),
    sa.Column("cancel_requested_at", UtcDateTime),
    sa.Column("exit_code", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("result", Json),
    sa.Column("progress", Json),
    sa.Column("checkpoint", sa.LargeBinary),
    sa.Column("completion_id", sa.Text),
    sa.UniqueConstraint("slot_id", "attempt"),
    sa.Index("command_run_live_idx", "slot_id", unique=True, sqlite_where=_live, postgresql_where=_live),
    sa.Index(
        "command_run_waiting_idx",
        "source_id",
        sa.desc("priority"),
        "turn",
        "id",
        sqlite_where=_waiting,
        postgresql_where=_waiting,
    ),
    sa.Index(
        "command_run_backlog_idx",
        "account_id",
        "source_id",
        "priority",
        "turn",
        sqlite_where=_waiting,
        postgresql_where=_waiting,
    ),
    sa.Index("command_run_running_idx", "agent", sqlite_where=_running, postgresql_where=_running),
    # Ids are never given out twice: an agent that still holds a removed run must not be taken for the new one's.
    sqlite_autoincrement=True,
    postgresql_with={"fillfactor": 70},
)

late_report = sa.Table(
    "command_late_report",
    metadata,
    _key(),
    _reference("run_id", "command_run"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("epoch", Key, nullable=False),
    sa.Column("completion_id", sa.Text, nullable=False),
    sa.Column("disposition", sa.Text, nullable=False),
    sa.Column("outcome", sa.SmallInteger, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("result", Json),
    sa.UniqueConstraint("run_id", "completion_id"),
)

log_chunk = sa.Table(
    "command_log_chunk",
    metadata,
    _reference("run_id", "command_run", primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("offset", Key, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

log_stream = sa.Table(
    "command_log_stream",
    metadata,
    _reference("run_id", "command_run", primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("size", Key, nullable=False),
    sa.Column("complete", sa.Boolean, nullable=False),
)

# ------------------------------------------------------------------------------------------------ around them

agent_session = sa.Table(
    "command_agent_session",
    metadata,
    _key(),
    sa.Column("agent", sa.Text, nullable=False),
    # The credential that opened it: nobody else may use it.
    sa.Column("credential", sa.Text, nullable=False, server_default=""),
    sa.Index("command_agent_session_agent_idx", "agent"),
    sqlite_autoincrement=True,  # numbers are never given out twice: an old session must not come to life again
)

agent = sa.Table(
    "command_agent",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("session", Key, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", Key, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("capacities", Json, nullable=False),
    sa.Column("registered_at", UtcDateTime, nullable=False),
    sa.Column("heartbeat_at", UtcDateTime, nullable=False),
    # The credential that registered it last: whoever has the name has the runs.
    sa.Column("credential", sa.Text, nullable=False, server_default=""),
    # Seconds by which its clock is ahead of ours; nothing where it does not tell.
    sa.Column("clock_skew_s", sa.Float),
)

_not_revoked = sa.text("revoked_at IS NULL")

token = sa.Table(
    "command_token",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.SmallInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),  # SHA-256 of the whole token
    # What an agent's token may do; NULL bounds nothing.
    sa.Column("agents", Json),
    sa.Column("sources", Json),
    sa.Column("accounts", Json),
    sa.Column("created", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("last_used_at", UtcDateTime),
    sa.Index(
        "command_token_name_idx",
        "name",
        unique=True,
        sqlite_where=_not_revoked,
        postgresql_where=_not_revoked,
    ),
)

event = sa.Table(
    "command_event",
    metadata,
    _key(),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Index("command_event_kind_idx", "kind", "id"),
    sqlite_autoincrement=True,
)

confirmation = sa.Table(
    "command_confirmation",
    metadata,
    sa.Column("source_token", sa.Text, primary_key=True),
    sa.Column("names", Json, nullable=False),
    sa.Column("confirmed", sa.Boolean, nullable=False),
)

engine_state = sa.Table(
    "command_engine_state",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    # When the engine last finished a loop.
    sa.Column("looped_at", UtcDateTime, nullable=False),
    # Until then nobody is given up: agents may just have been unable to reach us.
    sa.Column("grace_until", UtcDateTime, nullable=False),
    # After an outage, until that is seen to: what fell due since then was missed.
    sa.Column("missed_since", UtcDateTime),
)

leader = sa.Table(
    "command_leader",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    # The process that runs the engine; empty while nobody does. It is the row's only one, and always there.
    sa.Column("holder", sa.Text, nullable=False),
    # Its name, for people.
    sa.Column("server", sa.Text, nullable=False),
    # Grows with every change of the lead, and fences the transactions of leaders before.
    sa.Column("epoch", Key, nullable=False),
    # Grows with every sign of life: others see that the row changes, and need no clock of the leader's.
    sa.Column("renewals", Key, nullable=False),
    # What its last pass could not do, a sentence each: whichever server is asked can tell.
    sa.Column("problems", Json, nullable=False, server_default="[]"),
)

graph_state = sa.Table(
    "command_graph_state",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    # Grows with every change of definitions or of the graph; the others say how far these were followed.
    sa.Column("declared", Key, nullable=False),
    sa.Column("linked", Key, nullable=False),
    sa.Column("planned", Key, nullable=False),
)

incarnation = sa.Table(
    "command_incarnation",
    metadata,
    _key(),
    # Told to agents: where it is another than the last time, they report again what they know.
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("began_at", UtcDateTime, nullable=False),
    # When a server first worked on it.
    sa.Column("served_at", UtcDateTime),
    # Numbers of runs that may have been given out before the restore, and that the backup does not know.
    sa.Column("runs_from", Key),
    sa.Column("runs_until", Key),
    # Set in a backup: a server that starts on one knows by it that it was restored.
    sa.Column("copied_at", UtcDateTime),
)
