"""How a child program tells the agent its result: a Dagster Pipes message in the run's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conductor_agent import pipes


def result(messages: Path, values: Mapping[str, Any]) -> None:
    """Adds to the result of the run."""
    line = pipes.custom_message({"result": pipes.plain(values)})
    with messages.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
