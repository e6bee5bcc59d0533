"""Start policies: when a slot may start, and when it never can, from counts over the parent slots it requires.

Each rule is one expression that works on integers and on SQLAlchemy columns alike, so that the engine's set-based
statement, ``explain`` and the tests share it. That is why it is written with ``&`` and ``|`` between comparisons and
never with ``and``, ``or`` or ``not``.

Without parents a slot starts as soon as its window has closed; a failure policy without parents is refused when it is
declared, since it could never start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conductor_server.model.states import StartPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Over the required parent slots; integers, or columns that hold them.

    ``failed``: for good. ``skipped``: will not be run. ``ever_succeeded``, ``ever_failed``: some run reported it,
    whatever happened since. A required slot that does not exist counts in ``required`` alone, and so blocks.
    """

    required: Any
    succeeded: Any
    failed: Any
    skipped: Any
    ever_succeeded: Any
    ever_failed: Any


def starts(policy: StartPolicy, counts: Counts) -> Any:
    """Whether a slot of that policy may start."""
    match policy:
        case StartPolicy.AFTER_SUCCESS | StartPolicy.AFTER_SUCCESS_AND_RERUNS:
            return counts.succeeded == counts.required
        case StartPolicy.AFTER_FAILURE:
            return (counts.failed == counts.required) & (counts.required > 0)
        case StartPolicy.AFTER_FIRST_SUCCESS:
            return (counts.ever_succeeded > 0) | (counts.required == 0)
        case StartPolicy.AFTER_FIRST_FAILURE:
            return counts.ever_failed > 0


def never_starts(policy: StartPolicy, counts: Counts) -> Any:
    """Whether a slot of that policy can never start as things stand: it is skipped. A rerun above may re-open it."""
    match policy:
        case StartPolicy.AFTER_SUCCESS | StartPolicy.AFTER_SUCCESS_AND_RERUNS:
            return counts.skipped > 0
        case StartPolicy.AFTER_FAILURE:
            return (counts.succeeded + counts.skipped) > 0
        case StartPolicy.AFTER_FIRST_SUCCESS:
            settled = (counts.failed + counts.skipped) == counts.required
            return settled & (counts.required > 0) & (counts.ever_succeeded == 0)
        case StartPolicy.AFTER_FIRST_FAILURE:
            settled = (counts.succeeded + counts.skipped) == counts.required
            return settled & (counts.required > 0) & (counts.ever_failed == 0)


SKIP_REASONS: dict[StartPolicy, str] = {
    StartPolicy.AFTER_SUCCESS: "a slot that it needs was skipped",
    StartPolicy.AFTER_SUCCESS_AND_RERUNS: "a slot that it needs was skipped",
    StartPolicy.AFTER_FAILURE: "it runs after failures only, and a slot that it watches did not fail",
    StartPolicy.AFTER_FIRST_SUCCESS: "every slot that it watches failed or was skipped",
    StartPolicy.AFTER_FIRST_FAILURE: "every slot that it watches succeeded or was skipped",
}
"""Why a slot that never starts was skipped, in words."""
