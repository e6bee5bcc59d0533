"""Somebody who knows says how a slot ended: a run of their own says so, and what follows is what always follows."""

from __future__ import annotations

import pytest

from conductor_server.engine import operations
from conductor_server.engine.operations import Operator
from conductor_server.model.errors import ConflictError, InvalidRequestError, InvalidTransitionError
from conductor_server.model.states import CreatedBy, Disposition, Outcome, RunStatus, SlotState, StartPolicy
from conductor_server.store import claims, run_pages
from conductor_server.store.leases import Lease
from tests.support.build import HOUR, MINUTE, account, definition, reads
from tests.support.world import World

SLOT, CHILD, ALARM = (f"{name}@acme/2026-11-21" for name in ("job", "child", "alarm"))


def begin(world: World, *, source: str = "shell") -> None:
    world.declare(
        definition("job", source=source),
        definition("child", reads_from=reads("job")),
        definition("alarm", reads_from=reads("job"), start_policy=StartPolicy.AFTER_FAILURE),
        accounts=[account()],
    )
    world.tick()
    world.tick(after=36 * HOUR)


def mark(world: World, outcome: Outcome, *, slot: str = SLOT, reason: str = "looked at the table") -> int:
    number, by = world.slot_id(slot), Operator(name="nora", now=world.now)
    act = operations.succeed if outcome is Outcome.SUCCEEDED else operations.fail
    return world.write(lambda db: act(db, number, slot, by, reason=reason))


def test_a_manual_task_is_completed(world: World) -> None:
    begin(world, source="manual")
    assert world.runs(SLOT) == [RunStatus.WAITING]

    run_id = mark(world, Outcome.SUCCEEDED)

    assert world.runs(SLOT) == [RunStatus.SUCCESS]
    assert world.state(SLOT) is SlotState.SUCCEEDED
    shown = world.read(lambda db: run_pages.by_id(db, run_id, sight=None))
    assert (shown.agent, shown.result) == ("nora", {"marked_by": "nora", "reason": "looked at the table"})
    assert world.events("slot.marked_succeeded") == [f"run {run_id} says so: looked at the table"]
    world.tick()
    assert list(world.claim()) == [CHILD]


def test_what_waits_for_nothing_yet_gets_a_run_of_the_operators_own(world: World) -> None:
    begin(world)

    run_id = mark(world, Outcome.SUCCEEDED, slot=CHILD)

    assert world.state(CHILD) is SlotState.SUCCEEDED
    assert world.read(lambda db: run_pages.by_id(db, run_id, sight=None)).created_by is CreatedBy.OPERATOR


def test_a_success_that_came_too_late_is_accepted(world: World) -> None:
    begin(world)
    late = world.claim()[SLOT]
    world.live(until=world.now + 12 * MINUTE)
    assert world.finish(late).disposition is Disposition.LATE
    world.live(until=world.now + 12 * MINUTE)
    assert world.runs(SLOT) == [RunStatus.TIMEOUT, RunStatus.WAITING]

    mark(world, Outcome.SUCCEEDED, reason=f"run {late.run_id} did it")

    assert world.runs(SLOT) == [RunStatus.TIMEOUT, RunStatus.SUCCESS]
    world.tick()
    assert list(world.claim()) == [CHILD]
    (sentence,) = world.read(lambda db: run_pages.by_id(db, late.run_id, sight=None)).late_reports
    assert "says under epoch 1 that it succeeded" in sentence


def test_what_an_agent_is_at_is_its_own(world: World) -> None:
    begin(world)
    held = world.claim()[SLOT]

    for outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
        with pytest.raises(ConflictError, match=f"run {held.run_id} of {SLOT} has not ended: .* runs cancel"):
            mark(world, outcome)

    assert world.runs(SLOT) == [RunStatus.RUNNING]
    assert world.finish(held).disposition is Disposition.APPLIED


def test_an_agent_that_comes_second_is_given_nothing(world: World) -> None:
    begin(world)
    mark(world, Outcome.SUCCEEDED)

    assert world.claim() == {}
    run_id = mark(world, Outcome.FAILED)
    stray = world.finish(Lease(run_id=run_id, epoch=1), agent="agent")
    assert stray.disposition is Disposition.FENCED


def test_a_failure_for_good_is_not_retried(world: World) -> None:
    begin(world)

    mark(world, Outcome.FAILED, reason="the supplier has gone")

    assert world.state(SLOT) is SlotState.FAILED
    assert world.slot(SLOT).reason == "marked as failed by nora: the supplier has gone"
    world.live(until=world.now + HOUR)
    assert world.runs(SLOT) == [RunStatus.FAILED]
    assert world.runs(CHILD) == []
    assert list(world.claim()) == [ALARM]


def test_a_quarantined_slot_was_done_after_all(world: World) -> None:
    begin(world)
    for _ in range(3):
        assert SLOT in world.claim()
        world.live(until=world.now + HOUR / 2)
    assert world.state(SLOT) is SlotState.QUARANTINED

    mark(world, Outcome.SUCCEEDED)

    assert world.state(SLOT) is SlotState.SUCCEEDED
    assert world.slot(SLOT).losses == 0


def test_nothing_is_said_twice_or_without_a_reason(world: World) -> None:
    begin(world)
    with pytest.raises(InvalidRequestError, match="give a reason"):
        mark(world, Outcome.SUCCEEDED, reason=" ")

    for outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
        mark(world, outcome)
        with pytest.raises(InvalidTransitionError, match="already"):
            mark(world, outcome)


def test_only_what_waits_can_be_taken(world: World) -> None:
    begin(world)
    held = world.claim()[SLOT]

    assert world.write(lambda db: claims.take(db, held.run_id, "nora", now=world.now)) is None
