"""Which windows of a parent a window of its child needs.

Used by ``ensure_runs_exist``, by explain and by the simulator. Members are ``policy.matrix``'s half of the
question.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import assert_never

from conductor_server.model.states import WindowRule
from conductor_server.model.window import Window

_START = attrgetter("start")
_END = attrgetter("end")


def required(child: Window, parents: Sequence[Window], rule: WindowRule) -> Sequence[Window]:
    """The windows among ``parents`` (one calendar, in order) that ``child`` needs.

    - ``OVERLAP``: all that share time with it.
    - ``CLOSED``: the latest that has closed when it closes. A child never waits for a window that closes
      after its own: Monday's daily slot uses last week's weekly one, Sunday's waits for the one that closes
      with it.
    - ``PREVIOUS``: the latest that has closed when it opens; of its own calendar, the window before.
    - ``NONE``: none.

    A one-off has no extent to share, so that with one on either side ``OVERLAP`` means ``CLOSED``. ``AUTO``
    must have been resolved (``policy.graph``).
    """
    match rule:
        case WindowRule.OVERLAP if not (_is_one_off(child) or any(map(_is_one_off, parents[:1]))):
            first = bisect_right(parents, child.start, key=_END)
            return parents[first : bisect_left(parents, child.end, key=_START)]
        case WindowRule.OVERLAP | WindowRule.CLOSED:
            return _latest_closed(parents, bisect_right(parents, child.end, key=_END))
        case WindowRule.PREVIOUS:
            return _latest_closed(parents, bisect_right(parents, child.start, key=_END))
        case WindowRule.NONE:
            return ()
        case WindowRule.AUTO:
            raise AssertionError("the window rule of a dependency is resolved when the graph is built")
        case _:
            assert_never(rule)


def _is_one_off(window: Window) -> bool:
    return window.start == window.end


def _latest_closed(parents: Sequence[Window], closed: int) -> Sequence[Window]:
    return parents[max(closed - 1, 0) : closed]
