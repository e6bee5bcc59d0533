"""The warehouse's procedures: what they write, and that a second run writes the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg.rows import TupleRow

Warehouse: TypeAlias = psycopg.Connection[TupleRow]
Call: TypeAlias = Callable[..., Any]

DAY = dt.date(2013, 3, 10)
START = dt.datetime(2013, 3, 10, 5, tzinfo=dt.UTC)  # the 23 hours of New York
END = dt.datetime(2013, 3, 11, 4, tzinfo=dt.UTC)
WEEK = "2013-W10"


@pytest.fixture
def call(connection: Warehouse) -> Call:
    """Calls a procedure with values for its parameters in order, and returns what comes out."""

    def made(procedure: str, *values: object) -> Any:
        marks = ", ".join("%s::timestamptz" if isinstance(value, dt.datetime) else "%s" for value in values)
        row = connection.execute(f"CALL {procedure}({marks}, NULL)", values).fetchone()
        return row and row[0]

    return made


@pytest.fixture
def flown(connection: Warehouse) -> Warehouse:
    """Three flights of one airline inside the day, and one on each side of it; weather for their first hour."""
    flights = [
        (START - dt.timedelta(minutes=1), 1, "JFK", "N1", 10),
        (START, 2, "JFK", "N1", 20),
        (START + dt.timedelta(minutes=30), 3, "JFK", "N2", 10),
        (START + dt.timedelta(hours=5), 4, "LGA", "N3", None),
        (END, 5, "JFK", "N1", 30),
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO raw.flights (account, scheduled_at, flight, origin, destination, tail_number,"
            " departure_delay, arrival_delay) VALUES ('B6', %s, %s, %s, 'BOS', %s, %s, 0)",
            flights,
        )
        cursor.execute("INSERT INTO raw.planes VALUES ('N1', 2003, 'AIRBUS', 'A320', 180)")
        cursor.execute("INSERT INTO raw.weather VALUES ('JFK', %s, 40, 8, 0.1, 9)", (START,))
    return connection


def rows_of(connection: Warehouse, table: str) -> list[TupleRow]:
    return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()


def test_delays_count_the_day_alone_and_again_the_same(flown: Warehouse, call: Call) -> None:
    written = call("agg.update_delays", "B6", DAY, START, END)
    first = rows_of(flown, "agg.delays")

    assert written == 2
    assert first == [("B6", DAY, "JFK", 2, 0, 1, 30, 0), ("B6", DAY, "LGA", 1, 1, 0, 0, 0)]

    assert call("agg.update_delays", "B6", DAY, START, END) == 2
    assert rows_of(flown, "agg.delays") == first


def test_delays_forget_an_airport_that_is_no_longer_flown_from(flown: Warehouse, call: Call) -> None:
    call("agg.update_delays", "B6", DAY, START, END)
    flown.execute("DELETE FROM raw.flights WHERE origin = 'LGA'")

    assert call("agg.update_delays", "B6", DAY, START, END) == 1
    assert [row[2] for row in rows_of(flown, "agg.delays")] == ["JFK"]


def test_weather_impact_joins_departures_and_the_weather_of_their_hour(flown: Warehouse, call: Call) -> None:
    written = call("agg.update_weather_impact", "B6", START, END)
    first = rows_of(flown, "agg.weather_impact")

    assert written == 1
    assert first == [("B6", START, "JFK", 0, 2, 15.0, 8.0, 0.1, 9.0)]

    call("agg.update_weather_impact", "B6", START, END)
    assert rows_of(flown, "agg.weather_impact") == first


def test_weather_impact_says_which_flights_it_knows_no_weather_of(flown: Warehouse, call: Call) -> None:
    said: list[str] = []
    flown.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))

    call("agg.update_weather_impact", "B6", START, END)

    assert said == ["1 flights of B6 left in hours without a weather report"]


def test_fleet_counts_aircraft_and_those_the_register_does_not_know(flown: Warehouse, call: Call) -> None:
    for _ in range(2):
        assert call("agg.update_fleet", "B6", WEEK, START, END + dt.timedelta(hours=1)) == 2

    assert rows_of(flown, "agg.fleet") == [
        ("B6", WEEK, "AIRBUS", 1, 2, 10.0),
        ("B6", WEEK, "not registered", 2, 2, None),
    ]


def test_weather_is_taken_from_the_feed_by_the_hour(connection: Warehouse, call: Call) -> None:
    for hour in range(3):
        connection.execute(
            "INSERT INTO feed.weather (origin, time_hour, temp, wind_speed) VALUES ('JFK', %s, 40, %s)",
            (START + dt.timedelta(hours=hour), hour),
        )

    for _ in range(2):
        assert call("raw.load_weather", START, START + dt.timedelta(hours=2)) == 2
        assert call("agg.update_weather", DAY, START, END) == 1

    assert rows_of(connection, "agg.weather") == [(DAY, "JFK", 2, 40.0, 1.0, None, None)]


def test_the_global_report_adds_the_airlines_of_its_week(connection: Warehouse, call: Call) -> None:
    for account, week, late in (("B6", WEEK, 3), ("HA", WEEK, 0), ("HA", "2013-W09", 9)):
        connection.execute(
            "INSERT INTO report.airline_week VALUES (%s, %s, 10, 1, %s, 50, 2, 5.0, '')",
            (account, week, late),
        )
    for day, wind in ((DAY, 9), (DAY - dt.timedelta(days=1), 20)):
        connection.execute("INSERT INTO agg.weather VALUES (%s, 'JFK', 24, 40, %s, 0, 10)", (day, wind))

    monday = dt.datetime(2013, 3, 4, tzinfo=dt.UTC)
    for _ in range(2):
        assert call("report.update_week", WEEK, monday, monday + dt.timedelta(weeks=1)) == 2

    assert rows_of(connection, "report.week") == [(WEEK, 2, 20, 2, 100, "HA", DAY - dt.timedelta(days=1))]


def test_an_incident_is_noted_once(connection: Warehouse) -> None:
    for note in ("late", "late again"):
        connection.execute("CALL ops.note_incident('load_planes/once', %s)", (note,))

    assert connection.execute("SELECT note FROM ops.incidents").fetchall() == [("late",)]
