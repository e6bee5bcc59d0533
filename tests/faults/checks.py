"""Whether the promises held: asked of the database's history, of the witness, of the processes and of the logs.

Nothing here asks the product what is right. Names in brackets are those of the simulator's page.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import psutil

from conductor_server.model.states import LIVE_RUNS, RUN_TRANSITIONS, RunStatus, SlotState
from tests.faults import witness
from tests.faults.stores import HISTORY, Row, patiently
from tests.faults.witness import Execution
from tests.faults.world import World

PATIENCE_S = 60.0
"""How long a last report, or the end of a stopped command, may take."""

RUNS = """
SELECT r.id, r.slot_id, r.attempt, r.status, r.epoch,
       d.name || CASE m.path WHEN '' THEN '' ELSE '@' || m.path END || '/' || w.label
FROM command_run r JOIN command_slot s ON s.id = r.slot_id JOIN command_definition d ON d.id = s.definition_id
JOIN command_member m ON m.id = s.member_id JOIN command_window w ON w.id = s.window_id ORDER BY r.id
"""


def violations(world: World, slots: Sequence[str]) -> list[str]:
    """Every promise that was not kept, a sentence each, once all is quiet."""
    return [
        *world.wrong,
        *_unreported(world),
        *_of_slots(world, slots),
        *_of_runs(world),
        *_of_history(patiently(world.store, HISTORY)),
        *_orphans(world),
        *_of_programs(world),
        *world.store.unsound(),
    ]


def _of_slots(world: World, slots: Sequence[str]) -> list[str]:
    """[S1, L5] Each slot exists once, and is decided as it should be."""
    states = world.states()
    found = [f"{slot} is missing" for slot in slots if slot not in states]
    found += [
        f"{slot} is {states[slot].word}"
        for slot in slots
        if slot in states and states[slot] is not SlotState.SUCCEEDED
    ]
    return found


def _of_runs(world: World) -> list[str]:
    """[S5, S9, S14, S15] What ran, beside what is recorded."""
    runs = patiently(world.store, RUNS)
    found: list[str] = []
    wins = Counter(slot for _, _, _, status, _, slot in runs if status == RunStatus.SUCCESS)
    found += [f"{slot} has {number} successes" for slot, number in wins.items() if number > 1]
    attempts = {slot: attempt for _, _, attempt, status, _, slot in runs if status == RunStatus.SUCCESS}
    found += [
        f"{slot} has a run {attempt} after its success in run {attempts[slot]}"
        for _, _, attempt, _, _, slot in runs
        if slot in attempts and attempt > attempts[slot]
    ]
    for status, allowed in (
        (RunStatus.TIMEOUT, world.fault.may_time_out),
        (RunStatus.FAILED, world.fault.may_fail),
    ):
        hit = [f"{slot} run {attempt}" for _, _, attempt, was, _, slot in runs if was == status]
        if hit and not allowed:
            found.append(f"{len(hit)} runs became {status.word} without a reason: {', '.join(hit[:5])}")
    executed = witness.executions(world.lines())
    begun = Counter(each.begin.lease for each in executed)
    found += [f"run {lease} began {number} times" for lease, number in begun.items() if number > 1]
    finished = {each.begin.lease for each in executed if each.finished}
    found += [
        f"{slot} has a success in run {number} that no witness saw"
        for number, _, _, status, epoch, slot in runs
        if status == RunStatus.SUCCESS and (number, epoch) not in finished
    ]
    found += [
        f"{each.begin.slot} began again as attempt {each.begin.attempt} after its success"
        for each in executed
        if each.begin.slot in attempts and each.begin.attempt > attempts[each.begin.slot]
    ]
    if not world.fault.may_overlap:
        found += [
            f"{first.begin.slot} ran twice at once, as {first.begin.lease} and {second.begin.lease}"
            for first, second in witness.overlaps(executed)
        ]
    return found


def _unreported(world: World) -> list[str]:
    """[S9, L7] What a command finished is recorded: as its run's success, or as a report that came too late."""
    if world.fault.may_forget:
        return []
    deadline = time.monotonic() + PATIENCE_S
    while left := _unrecorded(world):
        if time.monotonic() > deadline:
            return [
                f"{each.begin.slot} was finished by run {each.begin.lease}, and nobody knows" for each in left
            ]
        time.sleep(0.2)
    return []


def _unrecorded(world: World) -> list[Execution]:
    known = {(row[0], row[4]) for row in patiently(world.store, RUNS) if row[3] == RunStatus.SUCCESS}
    known |= set(patiently(world.store, "SELECT run_id, epoch FROM command_late_report"))
    existing = {row[0] for row in patiently(world.store, RUNS)}
    return [
        each
        for each in witness.executions(world.lines())
        if each.finished and each.begin.lease not in known and each.begin.run in existing
    ]


def _of_history(history: Sequence[Row]) -> list[str]:
    """[S4, S5, S7, S20] Every change, in the order of the transactions; ``leader`` is the epoch of the engine's."""
    found: list[str] = []
    led = 0
    status: dict[int, int] = {}
    epochs: dict[int, int] = {}
    live: dict[int, int] = {}
    for noun, number, slot, was, now, epoch, leader in history:
        if leader is not None:
            if leader < led:
                found.append(
                    f"the leader of epoch {leader} changed {noun} {number} after that of {led} had begun"
                )
            led = max(led, leader)
        if noun == "slot":
            if was == SlotState.SUCCEEDED:
                found.append(f"slot {slot} was succeeded and became {SlotState(now).word}")
            continue
        if was is None:
            if slot in live:
                found.append(f"slot {slot} got run {number} beside run {live[slot]}")
        else:
            if status.get(number, was) != was:
                found.append(
                    f"run {number} went from {RunStatus(was).word}, and was {RunStatus(status[number]).word}"
                )
            if now != was and RunStatus(now) not in RUN_TRANSITIONS[RunStatus(was)]:
                found.append(f"run {number} went from {RunStatus(was).word} to {RunStatus(now).word}")
        if epoch < epochs.get(number, 0):
            found.append(f"the epoch of run {number} fell to {epoch}")
        status[number], epochs[number] = now, epoch
        if now in LIVE_RUNS:
            live[slot] = number
        elif live.get(slot) == number:
            del live[slot]
    return found


def _orphans(world: World) -> list[str]:
    """[L9] No command is left over."""
    deadline = time.monotonic() + PATIENCE_S
    while left := _commands(world):
        if time.monotonic() > deadline:
            return [f"process {each.pid} is left over: {each}" for each in left]
        time.sleep(0.1)
    return []


def _commands(world: World) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            is_ours = environment.get("CONDUCTOR_HOME") == str(world.home.path)
            if is_ours and "CONDUCTOR_RUN_ID" in environment and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _of_programs(world: World) -> list[str]:
    """Nothing that should live has died, and nobody was surprised."""
    found = [
        f"agent {name} has ended" for name, each in world.agents.items() if each.popen.poll() is not None
    ]
    found += [
        f"server {name} has ended: {each.said[-500:]}"
        for name, each in world.servers.items()
        if each.popen.poll() is not None
    ]
    for each in world.home.started:
        said = each.said
        at = said.find("Traceback")
        if at >= 0:
            found.append(f"{each.log.name} shows a traceback: …{said[max(0, at - 300) : at + 100]!r}")
    return found
