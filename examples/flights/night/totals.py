"""What the warehouse must hold in the end, computed from the records alone."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from zoneinfo import ZoneInfo

from night.declared import midnight
from night.records import Flight, Observation

LATE_MINUTES = 15
AIRPORTS_ZONE = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counts of flights, and sums of minutes over those that left and arrived."""

    flights: int = 0
    cancelled: int = 0
    late: int = 0
    departure_delay: int = 0
    arrival_delay: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            flights=self.flights + other.flights,
            cancelled=self.cancelled + other.cancelled,
            late=self.late + other.late,
            departure_delay=self.departure_delay + other.departure_delay,
            arrival_delay=self.arrival_delay + other.arrival_delay,
        )

    @property
    def row(self) -> tuple[int, ...]:
        return astuple(self)


def totals_of(flight: Flight) -> Totals:
    """The totals of a single flight."""
    return Totals(
        flights=1,
        cancelled=int(flight.cancelled),
        late=int((flight.departure_delay or 0) > LATE_MINUTES),
        departure_delay=flight.departure_delay or 0,
        arrival_delay=flight.arrival_delay or 0,
    )


def by_airline_and_day(
    flights: Iterable[Flight], zones: Mapping[str, ZoneInfo]
) -> dict[tuple[str, dt.date], Totals]:
    """Totals per airline and day of its own zone."""
    totals: defaultdict[tuple[str, dt.date], Totals] = defaultdict(Totals)
    for flight in flights:
        totals[flight.airline, flight.day_in(zones[flight.airline])] += totals_of(flight)
    return dict(totals)


def by_airline(flights: Iterable[Flight]) -> dict[str, Totals]:
    """Totals per airline."""
    totals: defaultdict[str, Totals] = defaultdict(Totals)
    for flight in flights:
        totals[flight.airline] += totals_of(flight)
    return dict(totals)


def observations_by_airport(weather: Iterable[Observation]) -> Counter[str]:
    """How many weather reports each airport made."""
    return Counter(report.origin for report in weather)


def departures_with_weather(flights: Iterable[Flight], weather: Iterable[Observation]) -> Counter[str]:
    """How many flights per airline left in an hour of which the weather is fully known."""
    known = {(report.origin, report.observed_at) for report in weather if report.complete}
    return Counter(
        flight.airline
        for flight in flights
        if not flight.cancelled and (flight.origin, flight.scheduled_hour) in known
    )


def hours_to_forecast(flights: Iterable[Flight]) -> Counter[str]:
    """In how many hours of the day, counted per airport, each airline left: there is a forecast for each."""
    hours = {
        (flight.airline, flight.origin, flight.scheduled_at.astimezone(AIRPORTS_ZONE).hour)
        for flight in flights
        if not flight.cancelled
    }
    return Counter(airline for airline, _, _ in hours)


def hours_of(day: dt.date, zone: ZoneInfo) -> int:
    """How long a local day is: 23 hours when clocks go forward, 25 when they go back."""
    return (midnight(day + dt.timedelta(days=1), zone) - midnight(day, zone)) // dt.timedelta(hours=1)
