"""Replaces the airports by those of the vendor's file."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from delays import vendor
from delays.models import Airport


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = ()

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        Airport.objects.all().delete()
        airports = Airport.objects.bulk_create(
            Airport(
                code=row["faa"],
                name=row["name"],
                latitude=row["lat"],
                longitude=row["lon"],
                timezone=row["tzone"],
            )
            for row in vendor.rows("airports.csv")
        )
        self.stdout.write(f"{len(airports)} airports")
