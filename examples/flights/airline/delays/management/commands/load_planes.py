"""Replaces the aircraft register by that of the vendor's file, once it is published.

The register is often late. Here it is late on purpose: ``--published-after-attempts 1`` lets the first
attempt find nothing, so that a retry can be watched.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from delays import vendor
from delays.models import Plane


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--published-after-attempts", type=int, default=0)

    def handle(self, *args: Any, published_after_attempts: int, **options: Any) -> None:
        attempt = int(os.environ.get("CONDUCTOR_ATTEMPT", "1"))
        if attempt <= published_after_attempts:
            raise CommandError(f"attempt {attempt}: the register is not published yet, try again later")
        with transaction.atomic():
            Plane.objects.all().delete()
            planes = Plane.objects.bulk_create(
                Plane(
                    tail_number=row["tailnum"],
                    built=row["year"],
                    manufacturer=row["manufacturer"],
                    model=row["model"],
                    seats=row["seats"],
                )
                for row in vendor.rows("planes.csv")
            )
        self.stdout.write(f"{len(planes)} aircraft")
