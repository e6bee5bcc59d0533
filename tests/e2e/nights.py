"""What the nights of these tests declare, and what their commands leave behind to be checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.support.processes import Home, seen

ACCOUNTS = ("acme", "globex", "initech")

WITNESS = 'echo "$CONDUCTOR_SLOT $CONDUCTOR_ATTEMPT" >> witness; '
"""Every execution leaves a line. Appending one is atomic, so that no two mix, and none is lost to a signal."""

DECIDED = {"succeeded", "failed", "blocked", "skipped", "cancelled", "quarantined"}


def declare(file: Path, definitions: Sequence[Mapping[str, Any]], accounts: Sequence[str] = ()) -> None:
    """Shell commands of one window each, long due; of every account unless they say otherwise."""
    document = {
        "version": 1,
        "accounts": [{"token": token, "timezone": "UTC", "starts_on": "2026-01-01"} for token in accounts],
        "defaults": {
            "source": "shell",
            "frequency": "one_off",
            "starts_on": "2026-01-01",
            "matrix": "account" if accounts else "default",
        },
        "definitions": list(definitions),
    }
    temporary = file.with_suffix(".new")
    temporary.write_text(yaml.safe_dump(document))
    temporary.replace(file)


def script(text: str) -> dict[str, Any]:
    """A shell command that leaves its line and does this."""
    return {"script": WITNESS + text}


def chain(work: str = "true", *, first: str = "") -> list[dict[str, Any]]:
    """Load and count for every account, and a report of all at the end."""
    return [
        {"name": "load", "writes_to": ["raw"], "shell": script(first or work)},
        {"name": "count", "reads_from": ["raw"], "writes_to": ["agg"], "shell": script(work)},
        {"name": "report", "matrix": "default", "reads_from": ["agg"], "shell": script(work)},
    ]


def slots_of(accounts: Sequence[str] = ACCOUNTS) -> set[str]:
    """Of such a chain."""
    return {f"{name}@{account}/once" for name in ("load", "count") for account in accounts} | {"report/once"}


def conditions(home: Home) -> dict[str, str]:
    """Every slot's condition, by name."""
    return {slot["name"]: slot["condition"] for slot in home.json("slots", "list", "--limit", "0")["slots"]}


def until_decided(home: Home, slots: set[str]) -> dict[str, str]:
    """Wait until these are all there is, and all of it is decided."""
    return seen(
        lambda: conditions(home), lambda found: found.keys() == slots and set(found.values()) <= DECIDED
    )


def executions(home: Home) -> Counter[str]:
    """How often every slot was executed, by the lines that its commands left."""
    file = home.path.parent / "witness"
    return Counter(line.split()[0] for line in file.read_text().splitlines()) if file.exists() else Counter()


def successes(home: Home) -> Counter[str]:
    """How many successes of every slot are recorded."""
    runs = home.json("runs", "list", "--limit", "0", "--status", "success")["runs"]
    return Counter(run["slot"] for run in runs)
