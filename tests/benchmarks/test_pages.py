"""The pages of figures are what the committed results give."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import page, results, scale_page
from benchmarks.frame import Row
from benchmarks.results import COMMITTED, load
from benchmarks.rows import ALL

REMEDY = "run: make figures, or without measuring anew: .venv/bin/python -m benchmarks.page"


def test_the_pages_are_made_of_the_results() -> None:
    document = load(COMMITTED)

    assert page.PAGE.read_text() == page.render(document), REMEDY
    assert scale_page.PAGE.read_text() == scale_page.render(document), REMEDY
    assert scale_page.PICTURE.read_text() == scale_page.draw(document), REMEDY


def test_no_result_of_a_row_that_is_gone() -> None:
    assert {row["name"] for row in load(COMMITTED)["rows"]} <= {row.name for row in ALL}, REMEDY


def test_a_row_replaces_its_older_self(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    first, second = (each.name for each in ALL[:2])
    for name, value in ((second, 1.0), (first, 2.0), (second, 3.0)):
        results.record(_row(name, value), took_s=1, busy=0.25, file=file)

    rows = json.loads(file.read_text())["rows"]
    assert [(row["name"], row["value"], row["busy"]) for row in rows] == [
        (first, 2.0, 0.25),
        (second, 3.0, 0.25),
    ]


def test_missed_and_broken_rows_are_shown_as_such() -> None:
    document = load(COMMITTED)
    reached, missed, broken = (dict(document["rows"][0]) for _ in range(3))
    reached |= {"name": "a", "target": "ratio ≥ 1", "ok": True, "error": None}
    missed |= {"name": "b", "target": "ratio ≥ 1", "ok": False, "error": None}
    broken |= {
        "name": "c",
        "target": "ratio ≥ 1",
        "ok": False,
        "value": None,
        "ratio": None,
        "error": "no\nluck",
    }

    text = page.render(document | {"rows": [reached, missed, broken]})

    assert "of 3 targets 1 reached, 2 missed" in text
    assert text.count("**missed**") == 2
    assert "- `c`: no\n" in text


def _row(name: str, value: float) -> Row:
    return Row(
        name=name,
        value=value,
        unit="runs/s",
        baseline=None,
        ratio=None,
        target=None,
        ok=True,
        meaning="",
        error=None,
    )
