"""What a row of the matrix is, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.world import World

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)

WORK = "sleep 0.5"
"""What a command of a wave does, between its two lines for the witness."""

LONG_LOAD = "case $CONDUCTOR_DEFINITION in load_*) sleep 18;; esac"
"""Longer than an agent may be silent: a fault of that length is over while it still runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row. ``inject`` breaks something in a world at work, and mends it where a person's machine would: a program
    that has died is started again, as systemd does; nothing else is done by hand.
    """

    name: str
    component: str
    how: str
    expected: str
    inject: Callable[[World], None]
    stores: tuple[str, ...] = BOTH
    times: int = 3
    accounts: int = 4
    work: str = WORK
    definition: Mapping[str, object] = field(default_factory=dict)
    """More keys of the wave's definitions."""
    agents: int = 2
    places: int = 2
    within_s: float = 150.0
    """Until a fault counts as not recovered from. Far more than it takes: the machine may be busy with other things."""
    settings: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[World], None] | None = None
    """Sets the world up, in place of one server and ``agents`` agents."""
    needs: Callable[[], str] = str
    """Why it cannot be done on this machine; empty where it can."""
    may_time_out: bool = False
    may_fail: bool = False
    may_forget: bool = False
    """Whether what a command finished may remain unknown: its agent's journal is lost."""
    may_overlap: bool = False
    """Whether a command may still be running when another agent starts it again: its own agent was out of reach."""

    def __str__(self) -> str:
        return self.name


FAULTS: dict[str, Fault] = {}


def fault(**given: object) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Makes a row of the function that injects it; the function's name is the row's."""

    def declare(inject: Callable[[World], None]) -> Callable[[World], None]:
        name = inject.__name__.replace("_", "-")
        assert name not in FAULTS, f"two rows are named {name}"
        FAULTS[name] = Fault(name=name, inject=inject, **given)  # type: ignore[arg-type]
        return inject

    return declare
