"""What the matrix has found, a JSON file: rows replace their older selves, so that one can be run again alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.provenance import ROOT, machine

LATEST = ROOT / "build" / "faults.json"
COMMITTED = ROOT / "docs" / "reliability.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row on one database. ``recoveries_s``: seconds, one for each injection."""

    fault: str
    store: str
    recoveries_s: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    left_out: str = ""
    took_s: float = 0.0
    seed: int = 0
    revision: str = ""
    at: str = ""

    @property
    def key(self) -> str:
        return f"{self.fault} {self.store}"


def record(result: Result, file: Path = LATEST) -> None:
    """Keep it, with what the machine is like."""
    rows = {each.key: each for each in load(file)} | {result.key: result}
    document = {
        "machine": machine(),
        "rows": [asdict(rows[key]) for key in sorted(rows)],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    temporary.replace(file)


def load(file: Path) -> list[Result]:
    if not file.exists():
        return []
    return [Result(**row) for row in json.loads(file.read_text())["rows"]]
