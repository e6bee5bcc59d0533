"""``docs/reliability.md`` and its picture, made of the results (``make reliability``)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.provenance import ROOT
from tests.faults import results, rows
from tests.faults.declaration import FAULTS, Fault
from tests.faults.results import COMMITTED, LATEST, Result
from tests.faults.world import PROFILE

PAGE = ROOT / "docs" / "reliability.md"
PICTURE = ROOT / "docs" / "images" / "reliability.svg"

LEFT_OUT = {
    "a command that leaves its session (`setsid`)": "it escapes its process group, and nothing here would catch it "
    "but a control group for each run: [ADR 9](adr/0009-shell-shim-and-pidfds.md)",
    "delayed, repeated and reordered packets": "this kernel has no netem; [the simulator](explanation/simulation.md) "
    "does it to messages, a thousand nights at a time",
    "disks that answer with errors, or lie about having written": "this kernel injects no such faults; a file that "
    "is read back damaged is a row",
    "a machine that loses its power": "it would take a machine; `synchronous=FULL` and PostgreSQL's own log are "
    "relied upon",
}
"""What is not a row, and why."""


HOW = """\
## How it is done

`make soak` starts real `conductor-server` and `conductor-agent` processes on SQLite and on PostgreSQL, declares a wave
of eight small shell commands in two stages, waits until some of them run, breaks something at a random moment, and
mends it as a machine would: what has died is started again, nothing else is done by hand. Recovery is the time from the
end of the fault (or from the fault, where it has no end) until every slot of the wave is decided; it is nothing where
the wave was done before the fault was over. `control` is the same without a fault: what the work itself takes. Where a
server was gone, most of it is the pause after which an agent dials again: it is random, and grows with every attempt
in vain and with sessions that did not last, as they do not here, to 30 s.

Then it asks four witnesses, none of them Conductor:

- **The commands**: each writes a line before and after its work, with an fsync, to a file that Conductor does not know.
  Nothing may run after its success was recorded, no lease twice, nothing beside itself (except where its agent was out
  of reach); no success without a command that succeeded; whatever was finished is recorded, at the least as a late
  report.
- **The database**: triggers write down every change of a run or slot in the transaction that makes it. States only go
  forward, epochs only grow, one live run a slot, one success; no time-out and no failure that the fault does not
  explain; the database's own checks are clean.
- **The process table**: no command is left over.
- **The logs**: no server and no agent has died by itself, or shown a traceback.
"""


SETTINGS = """\
## The settings

A night in seconds: what is ten minutes by default is twelve seconds here. What is not a setting (pauses of up to 30 s
before an agent dials again, pings every 20 s, a minute of grace after an absence) is as it always is.

```
{settings}
```

`CONDUCTOR_FAULTS=server-killed,agent-frozen make soak ARGS=tests/faults` runs some rows, `CONDUCTOR_SOAK_SEED` picks
the moments, `CONDUCTOR_FAULTS_TIMES` how often; `make reliability` makes this page of what was found.
"""


def render(document: dict[str, Any]) -> str:
    """The page that these results give."""
    found = [each for each in map(_result, document["rows"]) if each.fault in FAULTS]
    done = [each for each in found if not each.left_out]
    return "\n".join(
        [
            "# Reliability: what was broken, and what came of it",
            "",
            "<!-- made by `make reliability` of reliability.json: change tests/faults/, not this page -->",
            "",
            *_summary(document["machine"], done),
            HOW,
            *_tables(done),
            *_meanings(done),
            *_figures(done),
            *_violations(done),
            *_left_out([each for each in found if each.left_out]),
            *_profile(),
        ]
    )


def _summary(machine: dict[str, Any], done: Sequence[Result]) -> Iterable[str]:
    faults = [each for each in done if not each.fault.startswith("control")]
    injected = sum(len(each.recoveries_s) for each in faults)
    bad = sum(len(each.violations) for each in done)
    kinds = len({each.fault for each in faults})
    seeds = ", ".join(map(str, sorted({each.seed for each in done})))
    revisions = ", ".join(f"`{each}`" for each in sorted({each.revision for each in done}))
    dates = sorted(each.at for each in done)
    yield f"**{kinds} kinds of fault, injected {injected} times into working servers, agents and databases:"
    yield f"{bad} violations of what [guarantees](explanation/guarantees.md) promises.**"
    yield ""
    yield f"Measured {dates[0]} to {dates[-1]} UTC on {machine['processors']} processors, {machine['memory_gib']} GiB,"
    yield f"{machine['system']}, Linux {machine['kernel']}, Python {machine['python']}; commit {revisions},"
    yield f"seed {seeds}. The machine was busy with other work all the while: recovery times are upper bounds."
    yield ""
    yield "![Recovery times](images/reliability.svg)"
    yield ""


def _tables(done: Sequence[Result]) -> Iterable[str]:
    yield "## Results"
    yield ""
    yield "| hit | fault | database | injected | recovery p50 | max | violations |"
    yield "|---|---|---|--:|--:|--:|--:|"
    for fault in FAULTS.values():
        for each in _of(done, fault):
            p50 = f"{median(each.recoveries_s):.1f} s" if each.recoveries_s else "–"
            most = f"{max(each.recoveries_s):.1f} s" if each.recoveries_s else "–"
            cells = [
                fault.component,
                f"[{fault.name}](#{fault.name})",
                each.store,
                str(len(each.recoveries_s)),
            ]
            yield f"| {' | '.join([*cells, p50, most, str(len(each.violations))])} |"
    yield ""


def _meanings(done: Sequence[Result]) -> Iterable[str]:
    yield "## What each fault is, and what has to follow"
    for fault in FAULTS.values():
        if not _of(done, fault):
            continue
        yield ""
        yield f"### {fault.name}"
        yield ""
        yield f"{_sentence(fault.how)} *{_sentence(fault.expected)}*"
    yield ""


def _figures(done: Sequence[Result]) -> Iterable[str]:
    if not any(each.figures for each in done):
        return
    yield "## Other figures"
    yield ""
    yield "| fault | database | figure | |"
    yield "|---|---|---|--:|"
    for each in done:
        for name, value in each.figures.items():
            yield f"| {each.fault} | {each.store} | {name} | {value:,.0f} |"
    yield ""


def _violations(done: Sequence[Result]) -> Iterable[str]:
    yield "## Violations"
    yield ""
    bad = [each for each in done if each.violations]
    if not bad:
        yield "None in these results. What was found on the way, and mended, is in [the changelog](../CHANGELOG.md)."
    for each in bad:
        for text in each.violations:
            yield f"- **{each.fault}** on {each.store}: {escape(text, quote=False)}"
    yield ""


def _left_out(rows_left: Sequence[Result]) -> Iterable[str]:
    yield "## Left out"
    yield ""
    yield "| fault | why |"
    yield "|---|---|"
    for each in rows_left:
        yield f"| {each.fault} on {each.store}: {FAULTS[each.fault].how} | {each.left_out} |"
    for what, why in LEFT_OUT.items():
        yield f"| {what} | {why} |"
    yield ""


def _profile() -> Iterable[str]:
    settings = "\n".join(f"{name}={value}" for name, value in PROFILE.items() if name != "CONDUCTOR_LISTEN")
    yield SETTINGS.format(settings=settings)


def draw(document: dict[str, Any]) -> str:
    """A bar for each row: the median, and a line to the longest."""
    done = [_result(row) for row in document["rows"]]
    bars = [each for fault in FAULTS.values() for each in _of(done, fault) if each.recoveries_s]
    scale_s = max([1.0, *(max(each.recoveries_s) for each in bars)])
    row, left, width = 17, 270, 420
    height = row * len(bars) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 60} {height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{left}" y="15" fill="#555">recovery in seconds: bar to the median, line to the longest '
        "(square root scale)</text>",
    ]
    for number, each in enumerate(bars):
        y = 24 + row * number
        middle = width * (median(each.recoveries_s) / scale_s) ** 0.5
        longest = width * (max(each.recoveries_s) / scale_s) ** 0.5
        colour = "#c0392b" if each.violations else "#2f6f9f" if each.store == "sqlite" else "#5b8c5a"
        parts += [
            f'<text x="{left - 6}" y="{y + 11}" text-anchor="end" fill="#222">{each.fault} · {each.store}</text>',
            f'<rect x="{left}" y="{y + 2}" width="{middle:.1f}" height="{row - 6}" fill="{colour}"/>',
            f'<path d="M{left} {y + 7.5}H{left + longest:.1f}" stroke="{colour}"/>',
            f'<text x="{left + longest + 5:.1f}" y="{y + 11}" fill="#555">{max(each.recoveries_s):.1f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _result(row: dict[str, Any]) -> Result:
    return Result(**row)


def _of(done: Sequence[Result], fault: Fault) -> list[Result]:
    order = {store: number for number, store in enumerate(fault.stores)}
    found = [each for each in done if each.fault == fault.name and each.store in order and not each.left_out]
    return sorted(found, key=lambda each: order[each.store])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def write(source: Path, page: Path, picture: Path) -> None:
    document = json.loads(source.read_text())
    page.write_text(render(document))
    picture.write_text(draw(document))


def main() -> None:
    """Take what was found last, and make the page of it; without anything new, of what is committed."""
    assert rows.__all__
    if LATEST.exists():
        shutil.copyfile(LATEST, COMMITTED)
    write(COMMITTED, PAGE, PICTURE)
    print(f"{PAGE.relative_to(ROOT)}: {len(results.load(COMMITTED))} rows")


if __name__ == "__main__":
    main()
