"""A window: one period of a frequency in one time zone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """Half open, ``[start, end)``, both aware UTC instants. The label is for people, never an id.

    The window of a one-off has ``start == end``: the instant at which it is due.
    """

    start: dt.datetime
    end: dt.datetime
    label: str
