"""Whether the warehouse holds what the records say: every total, recomputed without any of the commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from psycopg.rows import TupleRow

from night import records
from night.declared import Declared
from night.totals import (
    Totals,
    by_airline,
    by_airline_and_day,
    departures_with_weather,
    hours_to_forecast,
    observations_by_airport,
)

Rows: TypeAlias = Mapping[str, tuple[int, ...]]

# By subject: a key in the first column, whole numbers in the others.
QUERIES = {
    "airline days": """
        SELECT account || ' ' || day,
               sum(flights), sum(cancelled), sum(late), sum(departure_delay), sum(arrival_delay)
        FROM agg.delays GROUP BY account, day""",
    "loaded flights": "SELECT account, count(*) FROM raw.flights GROUP BY account",
    "weather reports": "SELECT origin, count(*) FROM raw.weather GROUP BY origin",
    "departures with weather": "SELECT account, sum(departed) FROM agg.weather_impact GROUP BY account",
    "forecast hours": "SELECT account, count(*) FROM ml.forecast GROUP BY account",
    "weekly reports": "SELECT account, flights, cancelled, late, departure_delay FROM report.airline_week",
    "global report": "SELECT week, airlines, flights, cancelled, departure_delay FROM report.week",
    "reference": """
        SELECT 'airports', count(*) FROM raw.airports UNION ALL SELECT 'planes', count(*) FROM raw.planes""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One kind of total: what the records say and what the warehouse holds, by the same keys."""

    subject: str
    expected: Rows
    found: Rows

    @property
    def agrees(self) -> bool:
        return self.expected == self.found

    @property
    def verdict(self) -> str:
        """A line for people; the first difference, if there is one."""
        keys = sorted(self.expected.keys() | self.found.keys())
        wrong = [key for key in keys if self.expected.get(key) != self.found.get(key)]
        if not wrong:
            return f"{len(keys)} of {len(keys)} agree"
        first = wrong[0]
        return (
            f"{len(wrong)} of {len(keys)} differ; {first}: "
            f"records {self.expected.get(first, 'none')}, warehouse {self.found.get(first, 'none')}"
        )


def compare(warehouse: psycopg.Connection[TupleRow], declared: Declared) -> list[Comparison]:
    """Every kind of total, records against warehouse."""
    expected = from_records(declared)
    return [
        Comparison(subject=subject, expected=expected[subject], found=_rows(warehouse, query))
        for subject, query in QUERIES.items()
    ]


def from_records(declared: Declared) -> dict[str, Rows]:
    """What each of the queries must find."""
    start, end = declared.span
    flights = [
        flight
        for flight in records.flights(start=start, end=end)
        if flight.airline in declared.zones and declared.local_day(flight) in declared.days
    ]
    of_week = [flight for flight in flights if declared.local_day(flight) in declared.days_of_week]
    weather = list(records.weather(start=declared.weather[0], end=declared.weather[1]))
    weekly = by_airline(of_week)
    overall = sum(weekly.values(), start=Totals())
    return {
        "airline days": {
            f"{airline} {day}": total.row
            for (airline, day), total in by_airline_and_day(flights, declared.zones).items()
        },
        "loaded flights": {airline: (total.flights,) for airline, total in by_airline(flights).items()},
        "weather reports": {airport: (count,) for airport, count in observations_by_airport(weather).items()},
        "departures with weather": {
            airline: (count,) for airline, count in departures_with_weather(flights, weather).items()
        },
        "forecast hours": {airline: (count,) for airline, count in hours_to_forecast(of_week).items()},
        "weekly reports": {airline: total.row[:4] for airline, total in weekly.items()},
        "global report": {
            declared.week: (len(weekly), overall.flights, overall.cancelled, overall.departure_delay)
        },
        "reference": {"airports": (records.count("airports.csv"),), "planes": (records.count("planes.csv"),)},
    }


def _rows(warehouse: psycopg.Connection[TupleRow], query: str) -> Rows:
    return {str(key): tuple(int(number) for number in numbers) for key, *numbers in warehouse.execute(query)}
