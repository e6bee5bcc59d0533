"""Which colour and which order the words of a picture have: one answer for every format."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from conductor_server.model.states import Condition

SOURCES = {
    "cron": "#0ea5e9",
    "stored_procedure": "#8b5cf6",
    "ml_command": "#f59e0b",
    "shell": "#64748b",
    "python": "#14b8a6",
    "manual": "#ec4899",
}
PLUGINS = ("#84cc16", "#06b6d4", "#a855f7", "#f97316", "#e11d48", "#0d9488")

CONDITIONS: Mapping[Condition, str] = {
    Condition.FAILED: "#dc2626",
    Condition.QUARANTINED: "#9d174d",
    Condition.BLOCKED: "#f97316",
    Condition.RETRYING: "#eab308",
    Condition.RUNNING: "#2563eb",
    Condition.NO_AGENT: "#c026d3",
    Condition.QUEUED: "#38bdf8",
    Condition.WAITING_FOR_CAPACITY: "#818cf8",
    Condition.WAITING_FOR_INPUTS: "#94a3b8",
    Condition.PAUSED: "#a8a29e",
    Condition.MAINTENANCE: "#a16207",
    Condition.CANCELLED: "#57534e",
    Condition.SKIPPED: "#78716c",
    Condition.SUCCEEDED: "#16a34a",
    Condition.NOT_DUE: "#cbd5e1",
}
"""Every condition with its colour, what needs a person first."""

TERMINAL: Mapping[Condition, str] = {
    Condition.FAILED: "31",
    Condition.QUARANTINED: "31",
    Condition.BLOCKED: "33",
    Condition.RETRYING: "33",
    Condition.RUNNING: "34",
    Condition.NO_AGENT: "35",
    Condition.QUEUED: "36",
    Condition.SUCCEEDED: "32",
}
"""The terminal's colour of a condition, as an SGR code; the others are dim."""

DIM = "2"


def source_colour(source: str) -> str:
    """The colour of a source; a plugin's follows from its name, so that it stays the same everywhere."""
    return SOURCES.get(source) or PLUGINS[zlib.crc32(source.encode()) % len(PLUGINS)]


def by_urgency(slots: Mapping[Condition, int]) -> list[tuple[Condition, int]]:
    """The conditions that have slots, what needs a person first."""
    return [(condition, slots[condition]) for condition in CONDITIONS if slots.get(condition)]


def words(condition: Condition) -> str:
    return condition.value.replace("_", " ")
