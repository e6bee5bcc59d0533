"""Loads an airline's scheduled departures of a window, cancelled ones included, from the feed.

The window's old rows go in the same transaction, so a second run changes nothing. A flight belongs to the
window in which it should have left: the vendor's ``time_hour`` is that hour in UTC, ``minute`` the rest.
"""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from delays.models import Flight

SCHEDULED_IN_WINDOW = """
    SELECT time_hour + make_interval(mins => minute), flight, origin, dest, tailnum, dep_delay, arr_delay
    FROM feed.flights
    WHERE carrier = %(account)s
      AND time_hour >= date_trunc('hour', %(start)s) AND time_hour < %(end)s  -- what the index can tell
      AND time_hour + make_interval(mins => minute) >= %(start)s
      AND time_hour + make_interval(mins => minute) < %(end)s
"""


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", required=True, help="the airline's code")
        parser.add_argument("--from", dest="start", type=dt.datetime.fromisoformat, required=True)
        parser.add_argument("--to", dest="end", type=dt.datetime.fromisoformat, required=True)

    @transaction.atomic
    def handle(self, *args: Any, account: str, start: dt.datetime, end: dt.datetime, **options: Any) -> None:
        loaded = Flight.objects.filter(account=account, scheduled_at__gte=start, scheduled_at__lt=end)
        loaded.delete()
        flights = Flight.objects.bulk_create(scheduled_flights(account, start=start, end=end))
        hours = (end - start) // dt.timedelta(hours=1)
        self.stdout.write(f"{account}: {len(flights)} flights in {hours} hours")


def scheduled_flights(account: str, *, start: dt.datetime, end: dt.datetime) -> Iterator[Flight]:
    """The feed's flights of one airline that should have left in ``[start, end)``."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEDULED_IN_WINDOW, {"account": account, "start": start, "end": end})
        for scheduled_at, flight, origin, destination, tail_number, departure_delay, arrival_delay in cursor:
            yield Flight(
                account=account,
                scheduled_at=scheduled_at,
                flight=flight,
                origin=origin,
                destination=destination,
                tail_number=tail_number,
                departure_delay=departure_delay,
                arrival_delay=arrival_delay,
            )
