"""Who runs the engine: the rule by which a server takes the lead, keeps it and loses it.

No wall clock has a say. The leader changes its row at every renewal; the others watch the row and their own monotonic
clocks, and take the lead by compare-and-set when it has not changed for the length of a lease. The leader stops by its
own clock well before that. (Kubernetes' client-go elects in the same way.) Instants are monotonic seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """``lease_s``: a leader that was silent for so long is replaced; ``renew_s``: how often it gives a sign.

    ``sole``: no other server can be alive, so the lead is taken at once and never runs out.
    """

    lease_s: float = 15.0
    renew_s: float = 3.0
    sole: bool = False

    @property
    def own_s(self) -> float:
        """How long the leader trusts a renewal: less than the others do, for clocks do not run equally fast."""
        return self.lease_s * 2 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The leader's row. ``holder`` is a process, and empty while nobody leads; ``server`` is its name for people.

    ``epoch`` grows with every change of the lead, ``renewals`` with every sign of life.
    """

    holder: str
    server: str
    epoch: int
    renewals: int


class Leadership:
    """What one server knows about the lead, and what follows from it."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._seen: Leader | None = None
        self._seen_at = 0.0
        self._epoch: int | None = None
        self._until = 0.0

    # The leader's side.

    def won(self, epoch: int, *, asked_at: float) -> None:
        """We have the lead. ``asked_at`` is when we began to ask for it: nobody can have counted from before."""
        self._epoch = epoch
        self.renewed(asked_at=asked_at)

    def renewed(self, *, asked_at: float) -> None:
        self._until = math.inf if self._terms.sole else asked_at + self._terms.own_s

    def lost(self, epoch: int) -> None:
        """Somebody else has the lead, or nobody. A late word about an epoch that is over changes nothing."""
        if self._epoch == epoch:
            self._epoch, self._seen = None, None

    @property
    def held(self) -> int | None:
        """The epoch that we were given last, whether or not it may still be used."""
        return self._epoch

    def epoch(self, *, at: float) -> int | None:
        """The epoch under which we may work at that instant."""
        return self._epoch if at < self._until else None

    # The others' side.

    def saw(self, row: Leader, *, at: float) -> None:
        """The row as read, at the earliest, then."""
        if row != self._seen:
            self._seen, self._seen_at = row, at

    def may_take(self, *, at: float) -> bool:
        """Whether the leader that was seen last is to be replaced."""
        if self._seen is None:
            return False
        return not self._seen.holder or self._terms.sole or at - self._seen_at >= self._terms.lease_s
