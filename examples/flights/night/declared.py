"""What `definitions/` declares, as far as the check must know it: the airlines, and which windows are run."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from night.records import Flight


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """``days`` are each airline's own; ``week`` is the weekly definitions'; ``weather`` is from and to."""

    definitions: tuple[str, ...]
    zones: dict[str, ZoneInfo]
    days: tuple[dt.date, ...]
    week: str
    weather: tuple[dt.datetime, dt.datetime]

    @property
    def days_of_week(self) -> tuple[dt.date, ...]:
        """The days that the weekly definitions find."""
        return tuple(day for day in self.days if f"{day:%G-W%V}" == self.week)

    @property
    def span(self) -> tuple[dt.datetime, dt.datetime]:
        """From the first midnight of any airline to the last."""
        midnights = [
            (midnight(self.days[0], zone), midnight(self.days[-1] + dt.timedelta(days=1), zone))
            for zone in self.zones.values()
        ]
        return min(first for first, _ in midnights), max(last for _, last in midnights)

    def local_day(self, flight: Flight) -> dt.date:
        """The day of a flight at its airline's home."""
        return flight.day_in(self.zones[flight.airline])


def read(folder: Path) -> Declared:
    """What the definition files of a folder say."""
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]
    accounts = [account for document in documents for account in document.get("accounts", [])]
    definitions: dict[str, dict[str, Any]] = {
        definition["name"]: document.get("defaults", {}) | definition
        for document in documents
        for definition in document.get("definitions", [])
    }
    daily, weather = definitions["load_flights"], definitions["load_weather"]
    return Declared(
        definitions=tuple(sorted(definitions)),
        zones={account["token"]: ZoneInfo(account["timezone"]) for account in accounts},
        days=days_between(daily["starts_on"], daily["ends_on"]),
        week=f"{definitions['weekly_report']['starts_on']:%G-W%V}",
        weather=(weather["starts_on"], weather["ends_on"]),
    )


def days_between(start: dt.date, end: dt.date) -> tuple[dt.date, ...]:
    """The days of ``[start, end)``."""
    return tuple(start + dt.timedelta(days=n) for n in range((end - start).days))


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The first instant of a local day, in UTC."""
    return dt.datetime.combine(day, dt.time(), tzinfo=zone).astimezone(dt.UTC)
