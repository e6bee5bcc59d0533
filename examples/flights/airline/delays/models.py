"""The warehouse's tables that this project reads and writes. The warehouse owns them: none is migrated."""

from __future__ import annotations

from django.db import models


def in_schema(schema: str, table: str) -> str:
    """A table's name that Django, which knows no schemas, quotes into ``"schema"."table"``."""
    return f'{schema}"."{table}'


class Airport(models.Model):
    code = models.TextField(primary_key=True)
    name = models.TextField()
    latitude = models.FloatField()
    longitude = models.FloatField()
    timezone = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = in_schema("raw", "airports")


class Plane(models.Model):
    tail_number = models.TextField(primary_key=True)
    built = models.IntegerField(null=True)
    manufacturer = models.TextField()
    model = models.TextField()
    seats = models.IntegerField()

    class Meta:
        managed = False
        db_table = in_schema("raw", "planes")


class Flight(models.Model):
    """A scheduled departure from New York. Delays are minutes; both are null when it was cancelled."""

    account = models.TextField()
    scheduled_at = models.DateTimeField()
    flight = models.IntegerField()
    origin = models.TextField()
    destination = models.TextField()
    tail_number = models.TextField(null=True)
    departure_delay = models.IntegerField(null=True)
    arrival_delay = models.IntegerField(null=True)

    class Meta:
        managed = False
        db_table = in_schema("raw", "flights")


class Delays(models.Model):
    """An airline's local day at one airport, as the warehouse counts it. Read only."""

    pk = models.CompositePrimaryKey("account", "day", "origin")
    account = models.TextField()
    day = models.DateField()
    origin = models.TextField()
    flights = models.IntegerField()
    cancelled = models.IntegerField()
    late = models.IntegerField()
    departure_delay = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = in_schema("agg", "delays")


class Fleet(models.Model):
    """The aircraft of one manufacturer that flew for an airline in a week. Read only."""

    pk = models.CompositePrimaryKey("account", "week", "manufacturer")
    account = models.TextField()
    week = models.TextField()
    manufacturer = models.TextField()
    aircraft = models.IntegerField()

    class Meta:
        managed = False
        db_table = in_schema("agg", "fleet")


class Forecast(models.Model):
    """What the model expects, in minutes of delay, for an hour of the day at one airport. Read only."""

    pk = models.CompositePrimaryKey("account", "week", "origin", "hour_of_day")
    account = models.TextField()
    week = models.TextField()
    origin = models.TextField()
    hour_of_day = models.SmallIntegerField()
    expected_delay = models.FloatField()

    class Meta:
        managed = False
        db_table = in_schema("ml", "forecast")


class AirlineWeek(models.Model):
    """The weekly report of an airline: its numbers, and the text that is sent."""

    pk = models.CompositePrimaryKey("account", "week")
    account = models.TextField()
    week = models.TextField()
    flights = models.IntegerField()
    cancelled = models.IntegerField()
    late = models.IntegerField()
    departure_delay = models.BigIntegerField()
    aircraft = models.IntegerField()
    expected_delay = models.FloatField()
    text = models.TextField()

    class Meta:
        managed = False
        db_table = in_schema("report", "airline_week")
