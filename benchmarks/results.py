"""What was measured last, a JSON file: rows replace their older selves, so that one can be measured again alone."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.frame import Row
from benchmarks.provenance import ROOT, machine, now, revision
from benchmarks.rows import ALL

LATEST = ROOT / "build" / "benchmarks.json"
COMMITTED = ROOT / "docs" / "benchmarks.json"


def record(row: Row, *, took_s: float, busy: float, file: Path = LATEST) -> None:
    """Keep it in the table's order, with when, how long and on what; rows that are no more are forgotten.

    ``busy``: the part of the machine that others used just before, 1 for all of it.
    """
    rows = {each["name"]: each for each in load(file)["rows"]} if file.exists() else {}
    took = {"took_s": round(took_s, 1), "busy": round(busy, 2), "revision": revision(), "at": now()}
    rows[row.name] = asdict(row) | took
    _write(file, machine(), rows)


def forget_old_rows(file: Path) -> None:
    """Those that are no more in the table."""
    document = load(file)
    _write(file, document["machine"], {each["name"]: each for each in document["rows"]})


def _write(file: Path, machine: dict[str, Any], rows: dict[str, dict[str, Any]]) -> None:
    document = {"machine": machine, "rows": [rows[each.name] for each in ALL if each.name in rows]}
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    temporary.replace(file)


def load(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text()))
