"""What really ran, told by the commands themselves to a file that Conductor knows nothing of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TELL = """
tell() { read -r up _ </proc/uptime
  echo "$1 $CONDUCTOR_SLOT $CONDUCTOR_ATTEMPT $CONDUCTOR_RUN_ID $CONDUCTOR_EPOCH $$ $up" >>"$WITNESS"
  sync "$WITNESS"; }
trap 'tell STOP; exit 143' TERM
tell BEGIN
"""
"""Appending a line is atomic, and ``sync`` is an fsync: what stands there has happened, whatever was killed since."""


def script(work: str) -> str:
    """The work of a command between two lines of testimony."""
    return f"{TELL}{work} || {{ code=$?; tell FAIL; exit $code; }}\ntell END\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. ``at`` is in seconds since the machine was booted."""

    what: str
    slot: str
    attempt: int
    run: int
    epoch: int
    pid: int
    at: float

    @property
    def lease(self) -> tuple[int, int]:
        return self.run, self.epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution: from ``BEGIN`` to whatever came last; ``ended`` is ``None`` where it was killed."""

    begin: Line
    ended: Line | None

    @property
    def finished(self) -> bool:
        return self.ended is not None and self.ended.what == "END"


def read(file: Path) -> list[Line]:
    if not file.exists():
        return []
    return [_line(text) for text in file.read_text().splitlines() if text.count(" ") == 6]


def executions(lines: Sequence[Line]) -> list[Execution]:
    """In the order in which they began."""
    found: list[Execution] = []
    open_: dict[tuple[int, int, int], int] = {}
    for line in lines:
        key = (*line.lease, line.pid)
        if line.what == "BEGIN":
            open_[key] = len(found)
            found.append(Execution(begin=line, ended=None))
        elif key in open_:
            number = open_.pop(key)
            found[number] = Execution(begin=found[number].begin, ended=line)
    return found


def overlaps(found: Sequence[Execution]) -> Iterator[tuple[Execution, Execution]]:
    """Pairs of executions of one slot of which the second began before the first had ended.

    One without an end was killed, nobody knows when; it is taken to have ended at once.
    """
    by_slot: dict[str, list[Execution]] = {}
    for each in found:
        for other in by_slot.setdefault(each.begin.slot, []):
            if other.ended is not None and other.ended.at > each.begin.at:
                yield other, each
        by_slot[each.begin.slot].append(each)


def _line(text: str) -> Line:
    what, slot, attempt, run, epoch, pid, at = text.split()
    return Line(
        what=what,
        slot=slot,
        attempt=int(attempt),
        run=int(run),
        epoch=int(epoch),
        pid=int(pid),
        at=float(at),
    )
