"""How much a deployment can do, how long a night takes on it and what it costs, from figures that were measured.

Operational laws, which assume no distributions: where a run needs D seconds of a station with m processors, no more
than m / D runs a second can pass it, and the busiest station bounds them all (Denning and Buzen, "The Operational
Analysis of Queueing Network Models", 1978). What comes one by one to a station that is partly busy waits as in M/D/1,
by the formula of Pollaczek and Khinchine. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from benchmarks.rows.servers import NIGHT, SERVERS, SMALL_NIGHT

M = 1_000_000
GB = 1_000_000_000
MONTH_DAYS = 30

SERVERS_MAX = 64
"""More than these on one database are not thought about."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Measured rows by name, and which of them were ``read``.

    What is not there, or could not be measured, is a ``LookupError`` that says how to get it.
    """

    by_name: Mapping[str, Mapping[str, Any]]
    read: set[str] = field(default_factory=set)

    def value(self, name: str) -> float:
        return self._figure(name, "value")

    def baseline(self, name: str) -> float:
        return self._figure(name, "baseline")

    def growth(self, name: str) -> float:
        """By what part of its baseline it is larger; what is smaller has not grown."""
        return max(0.0, self.value(name) / self.baseline(name) - 1)

    def _figure(self, name: str, kind: str) -> float:
        figure = self.by_name.get(name, {}).get(kind)
        if figure is None:
            raise LookupError(f'{name} has no {kind}: make bench ARGS="--only {name}"')
        self.read.add(name)
        return float(figure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What one run needs of each part, from its slot to its acknowledged report: seconds of a processor, and bytes."""

    server_s: float
    postgresql_s: float
    agents_s: float
    """Of agents that execute nothing: what the wire costs them."""

    wal_bytes: float
    disk_bytes: float
    further_server: float = 0.0
    """The part by which each server after the first makes a run dearer for PostgreSQL: smaller groups to commit."""

    @classmethod
    def measured(cls, rows: Rows) -> Self:
        """In the night of ``benchmarks.rows.servers``."""
        return cls(
            server_s=rows.value("night-server-cpu") / M,
            postgresql_s=rows.value("night-postgresql-cpu") / M,
            agents_s=rows.value("night-agents-cpu") / M,
            wal_bytes=rows.value("night-wal"),
            disk_bytes=rows.value("night-disk"),
            further_server=rows.growth(f"servers-{max(SERVERS)}-postgresql-cpu") / (max(SERVERS) - 1),
        )

    @property
    def all_s(self) -> float:
        return self.server_s + self.postgresql_s + self.agents_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Machines around one PostgreSQL. A server is a Python process and keeps no more than one processor busy.

    ``shared``: everything, agents too, on one machine with ``processors``; else servers and agents have machines of
    their own, and PostgreSQL has the processors to itself.
    """

    servers: int
    processors: int
    shared: bool = False

    def most_per_second(self, demands: Demands) -> float:
        """The bound on runs, which nothing reaches: nobody ever waits for a lock, a commit or a message."""
        dearer = demands.postgresql_s * demands.further_server * (self.servers - 1)
        of_each = dearer + (demands.all_s if self.shared else demands.postgresql_s)
        return min(self.servers / demands.server_s, self.processors / of_each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that the model foretells and that was measured too."""

    what: str
    foretold: float
    measured: float

    @property
    def ratio(self) -> float:
        return self.measured / self.foretold


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The model with the figures of one machine, ``here``, on which all parts ran."""

    rows: Rows
    here: Site
    demands: Demands
    reached: float
    """The part of its bound that a night came to here. The rest is waiting for commits and for one another."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Raises ``LookupError`` when a row is missing."""
        rows = Rows({row["name"]: row for row in document["rows"]})
        here = Site(servers=1, processors=document["machine"]["processors"], shared=True)
        demands = Demands.measured(rows)
        return cls(
            rows=rows,
            here=here,
            demands=demands,
            reached=rows.value("night-rate") / here.most_per_second(demands),
        )

    def rate(self, site: Site) -> float:
        """Runs per second to plan with: the bound there, as far as it was reached here."""
        return self.reached * site.most_per_second(self.demands)

    def apart(self, processors: int) -> Site:
        """PostgreSQL with so many processors of its own, and the servers with which it does most: the fewest such."""
        sites = [Site(servers=count, processors=processors) for count in range(1, SERVERS_MAX + 1)]
        return max(sites, key=lambda site: (site.most_per_second(self.demands), -site.servers))

    def claims(self, servers: int) -> float:
        """Runs per second that so many servers here were measured to claim and complete."""
        return self.rows.value(f"servers-{servers}")

    @property
    def singles_per_second(self) -> float:
        """As many as pass one by one, each in messages of its own."""
        return self.rows.value("single-runs-64-streams-postgresql")

    @property
    def idle_latency_s(self) -> float:
        """From a parent's report to its child, when little else happens."""
        return self.rows.value("ready-latency-p50-postgresql") / 1000

    def latency_s(self, load: float) -> float:
        """The mean, where ``load`` is the part of ``singles_per_second`` that comes."""
        return self.idle_latency_s + load / (1 - load) / 2 / self.singles_per_second

    def checks(self) -> Sequence[Check]:
        """A night from a smaller one, as costs do not grow with it; many servers from two, as each adds the same."""
        one, two, many = self.claims(1), self.claims(2), max(SERVERS)
        return [
            Check(
                what=f"seconds of a night of {NIGHT:,}, by one of {SMALL_NIGHT:,}",
                foretold=NIGHT / self.rows.baseline("night-rate"),
                measured=NIGHT / self.rows.value("night-rate"),
            ),
            Check(
                what=f"runs a second of {many} servers on this machine, by one and two",
                foretold=one / (1 + max(0.0, one / two - 1) * (many - 1)),
                measured=self.claims(many),
            ),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Of a cloud's list, roughly, in its currency: parameters, to be replaced by one's own."""

    processor_hour: float = 0.05
    gb_month: float = 0.12


def price_per_million(demands: Demands, prices: Prices, *, kept_days: float) -> Mapping[str, float]:
    """Of a million runs, by what is paid for: processors while they work, and disk while the rows are kept."""
    return {
        "servers": M * demands.server_s / 3600 * prices.processor_hour,
        "PostgreSQL": M * demands.postgresql_s / 3600 * prices.processor_hour,
        "disk": M * demands.disk_bytes / GB * kept_days / MONTH_DAYS * prices.gb_month,
    }
