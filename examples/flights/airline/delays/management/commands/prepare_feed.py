"""Copies the vendor's flights and weather, a year of each, into the feed tables that the loads take from."""

from __future__ import annotations

import shutil
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from delays import vendor

FEEDS = {"feed.flights": "flights.csv", "feed.weather": "weather.csv"}


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = ()

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            for table, name in FEEDS.items():
                cursor.execute(f"TRUNCATE {table}")
                cursor.execute(f"DROP INDEX IF EXISTS {table}_time")
                with (
                    vendor.opened(name) as source,
                    cursor.copy(
                        f"COPY {table} FROM STDIN (FORMAT csv, HEADER, NULL '{vendor.NOT_KNOWN}')"
                    ) as target,
                ):
                    shutil.copyfileobj(source, target)
                self.stdout.write(f"{table}: {cursor.rowcount} rows")
            # Indexes after the rows: building one is several times faster than growing it.
            cursor.execute("CREATE INDEX flights_time ON feed.flights (carrier, time_hour)")
            cursor.execute("CREATE INDEX weather_time ON feed.weather (time_hour)")
            cursor.execute("ANALYZE feed.flights, feed.weather")
