"""``docs/explanation/scale.md`` and its picture: the template, with what the model says of the measured figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.frame import number
from benchmarks.provenance import ROOT, provenance
from benchmarks.rows.servers import NIGHT, SERVERS
from benchmarks.scale_model import GB, M, Prices, Scale, Site, price_per_million
from benchmarks.scale_picture import BLUE, GREEN, RED, Line, Panel, picture
from benchmarks.tables import table

TEMPLATE = Path(__file__).with_name("scale_template.md")
PAGE = ROOT / "docs" / "explanation" / "scale.md"
PICTURE = ROOT / "docs" / "images" / "scale.svg"

WITHIN = 2.0
"""The factor within which the model has to foretell what was measured; a test holds it to that."""

NIGHT_HOURS = 6
PROCESSORS = (2, 8, 16, 32)
KEPT_DAYS = 30
LOADS = (0.1, 0.5, 0.8, 0.9, 0.95)

NIGHTS: Mapping[str, int] = {
    "50 commands, 1,000 accounts": 50_000,
    "a command, a million keywords": M,
    "10 commands, a million keywords": 10 * M,
    "100 commands, a million keywords": 100 * M,
    "1,000 commands, a million keywords": 1_000 * M,
}


def render(document: dict[str, Any]) -> str:
    """The page that these results give."""
    scale = Scale.of(document)
    used = [row for row in document["rows"] if row["name"] in scale.rows.read]
    values = {"provenance": provenance(document["machine"], used)}
    for part in (_rates, _tables, _latencies, _costs):
        values |= part(scale)
    return TEMPLATE.read_text().format_map(values)


def _rates(scale: Scale) -> Mapping[str, str]:
    rate = scale.rate(scale.here)
    large = scale.apart(max(PROCESSORS))
    return {
        "processors": number(scale.here.processors),
        "rate": number(rate),
        "million": _span(M / rate),
        "night": f"{NIGHT:,}",
        "hours": number(NIGHT_HOURS),
        "commands": number(scale.rows.value("commands")),
        "reached": f"{scale.reached:.0%}",
        "bound": number(scale.here.most_per_second(scale.demands)),
        "dearer": f"{scale.demands.further_server:.0%}",
        "worth": number(scale.apart(8).servers),
        "here_night": _in_a_night(rate),
        "large_night": _in_a_night(scale.rate(large)),
        "large": number(large.processors),
        "within": number(WITHIN),
    }


def _tables(scale: Scale) -> Mapping[str, str]:
    one = scale.claims(SERVERS[0])
    large = scale.apart(max(PROCESSORS))
    sites = {f"{scale.here.processors}, shared with all else": scale.here}
    sites |= {str(processors): scale.apart(processors) for processors in PROCESSORS}
    needs = scale.demands
    return {
        "demands": table(
            ("of each run", ""),
            ("the server's processor", _span(needs.server_s)),
            ("PostgreSQL's processors", _span(needs.postgresql_s)),
            ("an agent's, for the wire alone", _span(needs.agents_s)),
            ("log that PostgreSQL writes", f"{number(needs.wal_bytes)} bytes"),
            ("space on disk, with its slot and all indexes", f"{number(needs.disk_bytes)} bytes"),
        ),
        "carried": table(
            (
                "processors of PostgreSQL",
                "servers",
                "runs a second",
                f"in {NIGHT_HOURS} hours",
                "log a second",
            ),
            *(
                (
                    title,
                    number(site.servers),
                    number(scale.rate(site)),
                    _in_a_night(scale.rate(site)),
                    f"{number(scale.rate(site) * needs.wal_bytes / 1e6)} MB",
                )
                for title, site in sites.items()
            ),
        ),
        "servers": table(
            ("servers", "claimed and completed a second", "of one server's", "PostgreSQL's time for a run"),
            *(
                (
                    str(n),
                    number(scale.claims(n)),
                    f"{scale.claims(n) / one:.2f}",
                    _span(scale.rows.value(f"servers-{n}-postgresql-cpu") / M),
                )
                for n in SERVERS
            ),
        ),
        "nights": table(
            (
                "a night",
                "runs",
                "this machine",
                f"PostgreSQL with {large.processors} processors, {large.servers} servers",
                "of those",
            ),
            *(
                (
                    title,
                    f"{runs:,}",
                    _span(runs / scale.rate(scale.here)),
                    _span(runs / scale.rate(large)),
                    number(math.ceil(runs / scale.rate(large) / 3600 / NIGHT_HOURS)),
                )
                for title, runs in NIGHTS.items()
            ),
        ),
        "checks": table(
            ("", "foretold", "measured", "ratio"),
            *(
                (check.what, number(check.foretold), number(check.measured), f"{check.ratio:.2f}")
                for check in scale.checks()
            ),
        ),
    }


def _latencies(scale: Scale) -> Mapping[str, str]:
    singles = scale.singles_per_second
    return {
        "latency": _span(scale.idle_latency_s),
        "late": _span(scale.rows.value("ready-latency-p99-postgresql") / 1000),
        "singles": number(singles),
        "waits": table(
            (f"of {number(singles)} a second", *(f"{load:.0%}" for load in LOADS)),
            ("mean latency", *(_span(scale.latency_s(load)) for load in LOADS)),
        ),
    }


def _costs(scale: Scale) -> Mapping[str, str]:
    prices, needs = Prices(), scale.demands
    parts = price_per_million(needs, prices, kept_days=KEPT_DAYS)
    return {
        "processor_hour": f"{prices.processor_hour:.2f}",
        "gb_month": f"{prices.gb_month:.2f}",
        "kept": number(KEPT_DAYS),
        "prices": ", ".join(f"{price:.4f} for {part}" for part, price in parts.items()),
        "price": f"{sum(parts.values()):.4f}",
        "million_server": _span(M * needs.server_s),
        "million_postgresql": _span(M * needs.postgresql_s),
        "million_disk": f"{number(M * needs.disk_bytes / GB)} GB",
        "million_wal": f"{number(M * needs.wal_bytes / GB)} GB",
    }


def draw(document: dict[str, Any]) -> str:
    """The picture that these results give."""
    scale = Scale.of(document)
    apart = [
        Line(
            title=f"by the model: PostgreSQL with {processors} processors of its own",
            colour=colour,
            points=[(n, scale.rate(Site(servers=n, processors=processors))) for n in range(1, 17)],
        )
        for processors, colour in ((8, GREEN), (2, BLUE))
    ]
    here = Line(
        title=f"measured: all on one machine of {scale.here.processors} processors",
        colour=RED,
        points=[(n, scale.claims(n)) for n in SERVERS],
        dots=True,
    )
    waiting = Line(
        title=f"by the model: single runs, of {number(scale.singles_per_second)} a second at the most",
        colour=BLUE,
        points=[(part / 100, scale.latency_s(part / 100) * 1000) for part in range(100)],
    )
    measured = Line(
        title="measured at 100 a second: the median",
        colour=RED,
        points=[(100 / scale.singles_per_second, scale.idle_latency_s * 1000)],
        dots=True,
    )
    return picture(
        [
            Panel(title="runs a second", across="servers", lines=[*apart, here], ticks=[1, 2, 4, 8, 16]),
            Panel(
                title="milliseconds from a parent's report to its child",
                across="part of the most that it can do",
                lines=[waiting, measured],
                ticks=[0, 0.25, 0.5, 0.75, 1],
                tick=lambda load: f"{load:.0%}",
            ),
        ]
    )


def _in_a_night(per_second: float) -> str:
    return f"{number(per_second * NIGHT_HOURS * 3600 / M)} million"


def _span(seconds: float) -> str:
    """For people: in the largest unit of which it is at least two."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60), ("s", 1), ("ms", 1e-3)):
        if seconds >= 2 * length:
            return f"{number(seconds / length)} {unit}"
    return f"{number(seconds * 1e6)} µs"
