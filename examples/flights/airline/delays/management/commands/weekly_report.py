"""Writes an airline's report of a week: flights and delays, aircraft, and what next week may bring."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import Avg, Sum

from delays.models import AirlineWeek, Airport, Delays, Fleet, Forecast

TEXT = """\
{account}, week {week}
{flights} flights from New York, {cancelled} of them cancelled, {late} more than 15 minutes late.
Those that left did so {mean_delay:.1f} minutes after schedule on average; worst at {worst_airport}.
{aircraft} aircraft flew. The model expects {expected_delay:.1f} minutes for the next days.
"""


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", required=True, help="the airline's code")
        parser.add_argument("--week", required=True, help="such as 2013-W10")

    @transaction.atomic
    def handle(self, *args: Any, account: str, week: str, **options: Any) -> None:
        days = days_of_week(account, week)
        numbers = days.aggregate(
            flights=Sum("flights", default=0),
            cancelled=Sum("cancelled", default=0),
            late=Sum("late", default=0),
            departure_delay=Sum("departure_delay", default=0),
        )
        in_week = {"account": account, "week": week}
        numbers["aircraft"] = Fleet.objects.filter(**in_week).aggregate(n=Sum("aircraft", default=0))["n"]
        expected = Forecast.objects.filter(**in_week).aggregate(mean=Avg("expected_delay", default=0.0))
        numbers["expected_delay"] = expected["mean"]
        text = TEXT.format(
            **in_week,
            **numbers,
            mean_delay=numbers["departure_delay"] / max(1, numbers["flights"] - numbers["cancelled"]),
            worst_airport=worst_airport(days),
        )
        AirlineWeek.objects.filter(**in_week).delete()
        AirlineWeek.objects.create(**in_week, **numbers, text=text)
        self.stdout.write(text)


def days_of_week(account: str, week: str) -> Any:
    """An airline's days of an ISO week, as a query."""
    monday = dt.date.fromisoformat(f"{week}-1")
    return Delays.objects.filter(account=account, day__gte=monday, day__lt=monday + dt.timedelta(weeks=1))


def worst_airport(days: Any) -> str:
    """The name of the airport where these days brought most minutes of delay."""
    worst = days.values("origin").annotate(total=Sum("departure_delay")).order_by("-total", "origin").first()
    return Airport.objects.get(code=worst["origin"]).name if worst else "no airport"
