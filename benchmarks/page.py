"""``docs/benchmarks.md`` and ``docs/explanation/scale.md``, made of what was measured last (``make figures``)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import results, scale_page
from benchmarks.frame import number
from benchmarks.provenance import ROOT, provenance
from benchmarks.results import COMMITTED, LATEST

PAGE = ROOT / "docs" / "benchmarks.md"

HOW = """\
## How it is done

`make bench` measures every row in one run, on real servers in processes of their own, with the embedded PostgreSQL and
its durable defaults, and with SQLite's `synchronous=FULL`; clients, servers and databases share the processors.
`CONDUCTOR_BENCH_PG_URL` names another PostgreSQL. What is compared is sampled in turns, so that a noisy machine is
noisy to both, and figures are medians. `make bench ARGS="--only NAME"` measures one row, `ARGS="-o json"` prints an
object a row, `ARGS=--list` says what there is. `make figures` measures everything and makes this page and
[scale](explanation/scale.md) of it.

- **Our agents** in the claim rows speak the real wire and execute nothing. Slots, limits, leases with epochs, tokens
  and reports that are durable before they are acknowledged are all there.
- **The raw loop** is one client that claims and completes 100 a transaction in one table through the same library, and
  knows nothing else. **The prototype** is the least server that speaks the same messages.
- **Peers** are drained of no-op jobs by one worker in a process of its own on the same kind of database, set up as
  their documentation recommends for speed: PgQueuer 1.6.0 (asyncpg, uvloop, batches of 100), Procrastinate 3.10.0
  (asynchronous tasks, 5 at a time), huey 3.5.4 (SQLite, every commit on disk; it deletes a task as it takes it, so one
  commit does for both, and a task that its worker dies with is gone). None of them knows windows, order or accounts.
- **Peers that are too big to run beside us** were measured once, on a machine like it (2 processors, SQLite, their
  defaults), in isolated pieces of work a second: Airflow 3.3.2 7.9, Dagster 1.13.27 0.67 (a run for each partition) to
  5.2 (steps of one run), Prefect 3.8.8 0.4; from the end of one task to the start of the next: 0.97 s, 1.2 to 20 s,
  7 s.
"""


def render(document: dict[str, Any]) -> str:
    """The page that these results give."""
    rows: Sequence[dict[str, Any]] = document["rows"]
    return "\n".join(
        [
            "# Benchmarks: how fast, and beside what",
            "",
            "<!-- made by `make figures` of benchmarks.json: change benchmarks/, not this page -->",
            "",
            *_summary(document["machine"], rows),
            *_table(rows),
            *_failures(rows),
            *_meanings(rows),
            HOW,
        ]
    )


def _summary(machine: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    aimed = [row for row in rows if row["target"]]
    reached = sum(row["ok"] for row in aimed)
    yield f"**{len(rows)} rows; of {len(aimed)} targets {reached} reached, {len(aimed) - reached} missed.**"
    yield ""
    yield f"{provenance(machine, rows)} They took {sum(row['took_s'] for row in rows) / 60:.0f} minutes."
    yield ""


def _table(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    yield "| row | measured | beside | ratio | target | |"
    yield "|---|--:|--:|--:|---|---|"
    for row in rows:
        measured = "failed" if row["error"] else f"{number(row['value'])} {row['unit']}"
        ratio = "–" if row["ratio"] is None else f"{row['ratio']:.2f}"
        verdict = "" if not row["target"] else "reached" if row["ok"] else "**missed**"
        cells = [f"`{row['name']}`", measured, number(row["baseline"]), ratio, row["target"] or "–", verdict]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _failures(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    failed = [row for row in rows if row["error"]]
    if failed:
        yield "## Not measured"
        yield ""
        for row in failed:
            yield f"- `{row['name']}`: {row['error'].splitlines()[0]}"
        yield ""


def _meanings(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    yield "## What each row is"
    yield ""
    for row in rows:
        yield f"- `{row['name']}`: {row['meaning']}"
    yield ""


def main() -> None:
    """Take what was measured last, and make the pages of it; without anything new, of what is committed."""
    if LATEST.exists():
        shutil.copyfile(LATEST, COMMITTED)
    document = results.load(COMMITTED)
    PAGE.write_text(render(document))
    scale_page.PAGE.write_text(scale_page.render(document))
    scale_page.PICTURE.write_text(scale_page.draw(document))
    for page in (PAGE, scale_page.PAGE, scale_page.PICTURE):
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
