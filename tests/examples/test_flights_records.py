"""The vendor's records, and the totals that the demo's check computes from them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from night import check, declared, records, totals
from night.processes import EXAMPLE
from night.records import Flight, Observation
from night.totals import Totals

SPRING = dt.date(2013, 3, 10)
NEW_YORK, HONOLULU = ZoneInfo("America/New_York"), ZoneInfo("Pacific/Honolulu")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def flight(
    scheduled_at: str = "2013-03-10T12:30", *, airline: str = "B6", delay: int | None = 0, origin: str = "JFK"
) -> Flight:
    return Flight(
        airline=airline,
        scheduled_at=utc(scheduled_at),
        origin=origin,
        departure_delay=delay,
        arrival_delay=delay,
    )


def test_a_flight_is_scheduled_at_its_hour_and_minute_and_na_is_not_known() -> None:
    row = {
        "carrier": "B6",
        "origin": "JFK",
        "dep_delay": "NA",
        "arr_delay": "NA",
        "minute": "59",
        "time_hour": "2013-03-11T03:00:00Z",
    }

    parsed = records.flight_of(row)

    assert parsed == flight("2013-03-11T03:59", delay=None)
    assert parsed.cancelled
    assert parsed.day_in(NEW_YORK) == SPRING


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param("wind_speed", id="wind"),
        pytest.param("precip", id="rain"),
        pytest.param("visib", id="sight"),
    ],
)
def test_a_weather_report_with_a_gap_is_not_complete(missing: str) -> None:
    row = {
        "origin": "EWR",
        "time_hour": "2013-03-10T07:00:00Z",
        "wind_speed": "5",
        "precip": "0",
        "visib": "10",
    }

    assert records.observation_of(row).complete
    assert not records.observation_of(row | {missing: "NA"}).complete


def test_rows_are_taken_by_their_hour() -> None:
    lines = ["x,time_hour", *(f"{hour},2013-03-10T{hour:02}:00:00Z" for hour in range(10))]

    taken = records.rows_between(lines, start=utc("2013-03-10T03:30"), end=utc("2013-03-10T06:00"))

    assert [row["x"] for row in taken] == ["3", "4", "5"]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        pytest.param(SPRING, NEW_YORK, 23, id="clocks-go-forward"),
        pytest.param(dt.date(2013, 11, 3), NEW_YORK, 25, id="clocks-go-back"),
        pytest.param(SPRING, HONOLULU, 24, id="clocks-stay"),
        pytest.param(SPRING, ZoneInfo("America/Phoenix"), 24, id="clocks-stay-in-phoenix"),
    ],
)
def test_hours_of_a_day(day: dt.date, zone: ZoneInfo, hours: int) -> None:
    assert totals.hours_of(day, zone) == hours


def test_flights_count_on_the_day_of_their_airlines_home() -> None:
    flights = [
        flight("2013-03-11T03:59"),
        flight("2013-03-11T04:00"),
        flight("2013-03-11T09:59", airline="HA"),
    ]

    by_day = totals.by_airline_and_day(flights, {"B6": NEW_YORK, "HA": HONOLULU})

    assert {key: total.flights for key, total in by_day.items()} == {
        ("B6", SPRING): 1,
        ("B6", dt.date(2013, 3, 11)): 1,
        ("HA", SPRING): 1,
    }


def test_totals_of_late_early_and_cancelled_flights() -> None:
    flights = [flight(delay=minutes) for minutes in (-5, 15, 16, None)]

    assert totals.by_airline(flights) == {
        "B6": Totals(flights=4, cancelled=1, late=1, departure_delay=26, arrival_delay=26)
    }


def test_departures_need_a_complete_report_of_their_airport_and_hour() -> None:
    weather = [
        Observation(origin="JFK", observed_at=utc("2013-03-10T12:00"), complete=True),
        Observation(origin="LGA", observed_at=utc("2013-03-10T12:00"), complete=False),
    ]
    flights = [flight(), flight(origin="LGA"), flight(delay=None), flight("2013-03-10T13:00")]

    assert totals.departures_with_weather(flights, weather) == {"B6": 1}


def test_hours_to_forecast_are_those_of_new_york_and_count_once() -> None:
    flights = [flight("2013-03-09T12:30"), flight("2013-03-10T11:30"), flight("2013-03-10T12:30", delay=None)]

    assert totals.hours_to_forecast(flights) == {"B6": 1}  # 7 o'clock, on both sides of the change


def test_a_comparison_names_the_first_difference() -> None:
    same = check.Comparison(subject="days", expected={"a": (1,)}, found={"a": (1,)})
    other = check.Comparison(subject="days", expected={"a": (1,), "b": (2,)}, found={"a": (1,), "c": (3,)})

    assert (same.agrees, same.verdict) == (True, "1 of 1 agree")
    assert (other.agrees, other.verdict) == (False, "2 of 3 differ; b: records (2,), warehouse none")


def test_the_records_of_the_declared_days() -> None:
    declarations = declared.read(EXAMPLE / "definitions")

    expected = check.from_records(declarations)

    hours = (declarations.weather[1] - declarations.weather[0]) // dt.timedelta(hours=1)
    assert expected["weather reports"] == {"EWR": (hours,), "JFK": (hours,), "LGA": (hours,)}
    assert len(expected["airline days"]) == len(declarations.zones) * len(declarations.days)
    assert expected["airline days"]["HA 2013-03-10"][0] == 1
    assert expected["airline days"]["B6 2013-03-10"][0] == 157


def test_the_weather_is_declared_for_every_day_of_every_zone() -> None:
    declarations = declared.read(EXAMPLE / "definitions")

    start, end = declarations.weather
    assert (start, end) == declarations.span
    assert len(declarations.definitions) >= 12
    assert declarations.days_of_week == declarations.days[:2]
