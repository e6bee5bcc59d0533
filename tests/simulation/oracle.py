"""What should exist and what needs what, told by walking the clock: no line of it comes from the product.

Quarters of an hour are enough of a step: no zone has had an offset between them since before the scenarios begin.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

STEP = dt.timedelta(minutes=15)
BEFORE = dt.timedelta(days=5)
AFTER = dt.timedelta(days=4)
"""How far around a small scenario the clock is walked."""

Window = tuple[dt.datetime, dt.datetime]

FINENESS = {"hourly": 0, "daily": 1, "weekly": 2, "monthly": 3}


@lru_cache(maxsize=512)
def windows(frequency: str, zone: str, since: dt.datetime, until: dt.datetime) -> tuple[Window, ...]:
    """The whole windows between the two instants: walk the clock, and cut where people there would."""
    cuts = [instant for instant, opens in _walk(frequency, zone, since, until) if opens]
    return tuple(pairwise(cuts))


def _walk(
    frequency: str, zone: str, since: dt.datetime, until: dt.datetime
) -> Iterable[tuple[dt.datetime, bool]]:
    instant = since
    before = _local(instant - STEP, zone)
    midnight: dt.datetime | None = None
    while instant <= until:
        local = _local(instant, zone)
        new_day = local.date() > before.date()
        if new_day:
            midnight = instant
        match frequency:
            case "hourly":  # counted from local midnight, in time that really passes
                opens = midnight is not None and (instant - midnight) % dt.timedelta(hours=1) == _NOTHING
            case "daily":
                opens = new_day
            case "weekly":
                opens = new_day and _monday(local) > _monday(before)
            case _:
                opens = new_day and (local.year, local.month) > (before.year, before.month)
        yield instant, opens
        before = max(before, local) if frequency != "hourly" and not new_day else local
        instant += STEP


def _monday(local: dt.datetime) -> dt.date:
    return local.date() - dt.timedelta(days=local.weekday())


def _local(instant: dt.datetime, zone: str) -> dt.datetime:
    """What a clock on the wall there shows."""
    return instant.astimezone(_zone(zone)).replace(tzinfo=None)


@lru_cache(maxsize=64)
def _zone(name: str) -> dt.tzinfo:
    if name[0] in "+-":
        sign = -1 if name[0] == "-" else 1
        hours, minutes = name[1:].split(":")
        return dt.timezone(sign * dt.timedelta(hours=int(hours), minutes=int(minutes)))
    return ZoneInfo(name)


@lru_cache(maxsize=512)
def first_instant(day: dt.date, zone: str) -> dt.datetime:
    """The first instant at which it is that day there, or later."""
    instant = dt.datetime.combine(day, dt.time(), dt.UTC) - dt.timedelta(days=1)
    while _local(instant, zone).date() < day:
        instant += STEP
    return instant


_NOTHING = dt.timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A definition as the oracle sees it: parents are those whose tables it reads, but not itself."""

    name: str
    frequency: str
    policy: str
    per_account: bool
    starts_at: dt.datetime
    parents: tuple[str, ...]
    serial: bool


@dataclass(frozen=True, slots=True, order=True)
class SlotKey:
    """A slot by what it is for."""

    definition: str
    account: str
    start: dt.datetime
    end: dt.datetime


class Oracle:
    """Everything that should exist from ``since`` until ``until``, given accounts with their zones and starts."""

    def __init__(
        self,
        declared: Iterable[Declared],
        accounts: Mapping[str, tuple[str, dt.datetime]],
        *,
        since: dt.datetime,
        until: dt.datetime,
    ) -> None:
        self.declared = {each.name: each for each in declared}
        self._accounts = {"": ("UTC", since), **accounts}
        self.earliest = since
        self._windows = {
            (name, account): windows(each.frequency, self._accounts[account][0], since, until)
            for name, each in self.declared.items()
            for account in self._members(name)
        }
        self._ends = {key: [window[1] for window in found] for key, found in self._windows.items()}
        self.slots = {
            SlotKey(name, account, *window)
            for (name, account), found in self._windows.items()
            for window in found
            if self._begun(name, account, window)
        }

    def closed(self, after: dt.datetime, now: dt.datetime) -> list[SlotKey]:
        """Slots whose windows closed in ``(after, now]``."""
        found = []
        for (name, account), ends in self._ends.items():
            for index in range(bisect_right(ends, after), bisect_right(ends, now)):
                window = self._windows[name, account][index]
                if self._begun(name, account, window):
                    found.append(SlotKey(name, account, *window))
        return found

    def needs(self, slot: SlotKey) -> list[SlotKey]:
        """The parent slots that must have succeeded before this one starts."""
        child = self.declared[slot.definition]
        return [
            SlotKey(name, account, *window)
            for name in child.parents
            for account in self._meeting(name, slot.account)
            for window in self._window_needs(name, account, slot, child)
            if self._begun(name, account, window)
        ]

    def _meeting(self, parent: str, account: str) -> Iterable[str]:
        """The parent's members that a member of the child goes with."""
        if not self.declared[parent].per_account:
            return [""]
        return [account] if account else self._members(parent)

    def _window_needs(self, parent: str, account: str, slot: SlotKey, child: Declared) -> tuple[Window, ...]:
        found = self._windows[parent, account]
        if FINENESS[self.declared[parent].frequency] < FINENESS[child.frequency]:
            return tuple(window for window in found if window[0] < slot.end and window[1] > slot.start)
        closed = [window for window in found if window[1] <= slot.end]
        return tuple(closed[-1:])

    def _members(self, name: str) -> list[str]:
        return [account for account in self._accounts if bool(account) == self.declared[name].per_account]

    def _begun(self, name: str, account: str, window: Window) -> bool:
        return window[0] >= self.declared[name].starts_at and window[0] >= self._accounts[account][1]
