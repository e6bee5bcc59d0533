"""``docs/benchmarks.md`` and ``docs/explanation/scale.md``, made of what was measured last (``make figures``)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import results, scale_page
from benchmarks.frame import number
from benchmarks.provenance import ROOT, provenance
from benchmarks.results import COMMITTED, LATEST
from benchmarks.tables import table

TEMPLATE = Path(__file__).with_name("page_template.md")
PAGE = ROOT / "docs" / "benchmarks.md"


def render(document: dict[str, Any]) -> str:
    """The page that these results give."""
    rows: Sequence[dict[str, Any]] = document["rows"]
    aimed = [row for row in rows if row["target"]]
    reached = sum(row["ok"] for row in aimed)
    return TEMPLATE.read_text().format(
        count=len(rows),
        targets=len(aimed),
        reached=reached,
        missed=len(aimed) - reached,
        provenance=provenance(document["machine"], rows),
        minutes=f"{sum(row['took_s'] for row in rows) / 60:.0f}",
        rows=table(("row", "measured", "beside", "ratio", "target", ""), *map(_cells, rows)),
        failures=_failures(rows),
        meanings="\n".join(f"- `{row['name']}`: {row['meaning']}" for row in rows),
    )


def _cells(row: dict[str, Any]) -> Sequence[str]:
    return (
        f"`{row['name']}`",
        "failed" if row["error"] else f"{number(row['value'])} {row['unit']}",
        number(row["baseline"]),
        "–" if row["ratio"] is None else f"{row['ratio']:.2f}",
        row["target"] or "–",
        "" if not row["target"] else "reached" if row["ok"] else "**missed**",
    )


def _failures(rows: Sequence[dict[str, Any]]) -> str:
    failed = [f"- `{row['name']}`: {row['error'].splitlines()[0]}" for row in rows if row["error"]]
    return "\n".join(["## Not measured", "", *failed, "", ""]) if failed else ""


def main() -> None:
    """Take what was measured last, and make the pages of it; without anything new, of what is committed."""
    if LATEST.exists():
        shutil.copyfile(LATEST, COMMITTED)
    results.forget_old_rows(COMMITTED)
    document = results.load(COMMITTED)
    PAGE.write_text(render(document))
    scale_page.PAGE.write_text(scale_page.render(document))
    scale_page.PICTURE.write_text(scale_page.draw(document))
    for page in (PAGE, scale_page.PAGE, scale_page.PICTURE):
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
