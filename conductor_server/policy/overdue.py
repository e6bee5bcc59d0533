"""When a run has gone on for so long that its agent cannot be trusted to end it.

An agent stops what runs longer than its definition's ``timeout``. One that lives, sends heartbeats and does not do that
(its supervision hangs, or the process cannot be killed) would keep the run, and its place in every limit, for ever.
"""

from __future__ import annotations

import datetime as dt


def claimed_before(
    *, timeout: dt.timedelta, margin: dt.timedelta, present_since: dt.datetime | None, now: dt.datetime
) -> dt.datetime | None:
    """A run with that time-out that was claimed before this instant is overdue; ``None``: none can be.

    Only time in which servers were there to hear of a run's end counts. So after an absence, or a leap of the clock,
    everything is counted anew from ``present_since``, its end: late, but never too early.
    """
    before = now - timeout - margin
    return before if present_since is None or before > present_since else None
