"""The night as it goes by: a bar and the running commands on a terminal, lines now and then elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

import grpc
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from conductor_proto.v1 import control_service_pb2 as pb
from night.control import DECIDED, Control, word

LOOK_EVERY = 1.0
LINE_EVERY = 5.0
QUIET_LOOKS = 3  # slots arrive in batches: all decided must be seen this often in a row
RUNS_SHOWN = 8
SLOTS_NAMED = 10


class StuckError(Exception):
    """Slots are still undecided after the time that the night may take."""


def follow(
    control: Control, console: Console, *, ensure_alive: Callable[[], None], limit: float
) -> Counter[str]:
    """Shows the night until every slot is decided, and returns how many are in which condition.

    Raises ``StuckError`` after ``limit`` seconds, and whatever ``ensure_alive`` raises.
    """
    began = time.monotonic()
    quiet, line_due = 0, 0.0
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while quiet < QUIET_LOOKS:
            ensure_alive()
            passed = time.monotonic() - began
            conditions = conditions_now(control, ensure_alive)
            if console.is_terminal:
                live.update(picture(conditions, control.running(), passed=passed))
            elif passed >= line_due:
                console.print(line(conditions, passed=passed))
                line_due = passed + LINE_EVERY
            done = conditions.total() > 0 and conditions.keys() <= DECIDED
            quiet = quiet + 1 if done else 0
            if passed > limit:
                raise StuckError("\n".join([line(conditions, passed=passed), *why_stuck(control)]))
            time.sleep(LOOK_EVERY)
    console.print(line(conditions, passed=time.monotonic() - began))
    return conditions


def conditions_now(control: Control, ensure_alive: Callable[[], None]) -> Counter[str]:
    """The conditions; when the server does not answer because it is gone, its log says more than the call."""
    try:
        return control.conditions()
    except grpc.RpcError:
        ensure_alive()
        raise


def why_stuck(control: Control) -> list[str]:
    """What the engine complains about, and the first slots that are not decided, with their reasons."""
    undecided = (slot for slot in control.slots() if word(slot.condition) not in DECIDED)
    return control.problems() + [f"{slot.name}: {slot.reason}" for slot in islice(undecided, SLOTS_NAMED)]


def line(conditions: Counter[str], *, passed: float) -> str:
    """The whole night in a line."""
    counts = ", ".join(
        f"{count} {condition.replace('_', ' ')}" for condition, count in conditions.most_common()
    )
    return f"{passed:5.1f} s  {counts or 'no slots yet'}"


def picture(conditions: Counter[str], running: Sequence[pb.Run], *, passed: float) -> RenderableType:
    """A bar over all slots, and under it what agents are doing."""
    total = conditions.total()
    decided = sum(count for condition, count in conditions.items() if condition in DECIDED)
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=total or 1, completed=decided, width=40), f"{decided} of {total} slots")
    runs = Table.grid(padding=(0, 2))
    for run in running[:RUNS_SHOWN]:
        attempt = f"attempt {run.attempt}" if run.attempt > 1 else ""
        runs.add_row(Text(f"  {run.slot}", style="cyan"), attempt, told(run))
    return Group(bar, Text(line(conditions, passed=passed), style="dim"), runs)


def told(run: pb.Run) -> str:
    """What a run has reported about itself."""
    if not run.HasField("progress"):
        return ""
    known = run.progress.HasField("fraction")
    return f"{run.progress.fraction:4.0%} {run.progress.message}" if known else run.progress.message
