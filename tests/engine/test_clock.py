"""Servers of one database follow its clock, whatever their own say."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import sqlalchemy as sa

from conductor_server.engine.clock import DatabaseClock, Measurement, SystemClock
from conductor_server.store.database import Database
from tests.support.build import at

TOLERANCE = dt.timedelta(seconds=20)
"""Between two readings on a busy machine; the differences looked for are far greater."""


def set_database_clock(database: Database, *, ahead: dt.timedelta) -> None:
    """From now on new connections find another clock than PostgreSQL's own, which is right as this machine's."""
    statements = [
        "CREATE SCHEMA IF NOT EXISTS skewed",
        "CREATE OR REPLACE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
        f"$$ SELECT pg_catalog.clock_timestamp() + interval '{ahead.total_seconds()} s' $$",
        f"ALTER DATABASE {database.url.database} SET search_path = skewed, pg_catalog, public",
    ]
    database.write(lambda db: [db.execute(sa.text(each)) for each in statements])
    database.engine.dispose()


def ahead(clock: DatabaseClock) -> dt.timedelta:
    return clock.now() - SystemClock().now()


def test_the_databases_clock_counts(postgresql: Database) -> None:
    set_database_clock(postgresql, ahead=dt.timedelta(minutes=10))
    clock = DatabaseClock(postgresql)
    assert abs(ahead(clock) - dt.timedelta(minutes=10)) < TOLERANCE
    assert clock.now().tzinfo is dt.UTC
    first, second = clock.now(), clock.now()
    assert first <= second


def test_a_leap_of_it_is_followed_at_the_next_look(postgresql: Database) -> None:
    clock = DatabaseClock(postgresql)
    assert abs(ahead(clock)) < TOLERANCE
    for leap in (dt.timedelta(hours=2), dt.timedelta(hours=-1)):
        set_database_clock(postgresql, ahead=leap)
        assert abs(ahead(clock) - leap) > TOLERANCE
        clock.look()
        assert abs(ahead(clock) - leap) < TOLERANCE


def test_a_measurement_is_carried_on() -> None:
    taken = Measurement(instant=at("2026-11-20"), measured_at=100.0, inexact_s=0.01)
    assert taken.at(160.5) == at("2026-11-20T00:01") + dt.timedelta(seconds=0.5)
    assert replace(taken, measured_at=90.0).at(90.0) == taken.instant
