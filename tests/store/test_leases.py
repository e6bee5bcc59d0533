"""What agents write: a run belongs to one lease, and whatever is said under another changes nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from conductor_server.model.states import Disposition, Outcome, RunStatus, SlotState, Verdict
from conductor_server.store import assignments, completions, heartbeats, runs, schema
from conductor_server.store.completions import Report
from conductor_server.store.database import Database
from conductor_server.store.heartbeats import Beat
from conductor_server.store.leases import Lease
from tests.support.build import DAY, HOUR, MINUTE, account, definition
from tests.support.world import World

SLOT = "job@acme/2026-11-21"

APPLIED, DUPLICATE = Disposition.APPLIED, Disposition.DUPLICATE
LATE, FENCED, REMOVED = Disposition.LATE, Disposition.FENCED, Disposition.REMOVED


class Running(World):
    """An agent holds the run of ``SLOT``."""

    lease: Lease


@pytest.fixture
def running(database: Database) -> Running:
    world = Running(database)
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    world.lease = world.claim()[SLOT]
    return world


def row(world: World, run_id: int) -> sa.Row[*tuple[object, ...]]:
    return world.read(lambda db: db.execute(sa.select(schema.run).filter_by(id=run_id)).one())


# ------------------------------------------------------------------------------------------------ claims


def test_a_claim_begins_a_lease(running: Running) -> None:
    run = row(running, running.lease.run_id)

    assert (run.status, run.epoch, run.agent) == (RunStatus.RUNNING, running.lease.epoch, "agent")
    assert run.running_at == run.heartbeat_at == running.now
    assert running.lease.epoch == 1
    assert running.claim() == {}


def test_an_agent_is_told_what_it_needs_to_know(running: Running) -> None:
    [told] = running.read(lambda db: assignments.of(db, [running.lease]))

    assert told.slot == SLOT
    assert (told.definition, told.source, told.matrix, told.member, told.account) == (
        "job",
        "shell",
        "account",
        "acme",
        "acme",
    )
    assert (told.window_label, told.window_end - told.window_start, told.attempt) == ("2026-11-21", DAY, 1)
    assert told.checkpoint is None


def test_a_retry_is_told_the_checkpoint_of_the_try_before(running: Running) -> None:
    running.write(
        lambda db: heartbeats.beat(
            db,
            "agent",
            [Beat(lease=running.lease, progress={"percent": 40}, checkpoint=b"row 4711")],
            now=running.now,
        )
    )
    running.finish(running.lease, Outcome.FAILED)
    running.tick(after=10 * MINUTE)
    again = running.claim()[SLOT]

    [told] = running.read(lambda db: assignments.of(db, [again]))

    assert (told.attempt, told.checkpoint) == (2, b"row 4711")
    assert row(running, running.lease.run_id).progress == {"percent": 40}


# ------------------------------------------------------------------------------------------------ heartbeats


@pytest.mark.parametrize(
    ("happened", "verdict"),
    [
        pytest.param("nothing", Verdict.CONTINUE, id="held"),
        pytest.param("cancel", Verdict.CANCEL, id="cancellation-asked-for"),
        pytest.param("given up", Verdict.LEASE_LOST, id="given-up"),
        pytest.param("finished", Verdict.LEASE_LOST, id="finished"),
        pytest.param("other epoch", Verdict.LEASE_LOST, id="held-under-another-epoch"),
        pytest.param("other agent", Verdict.LEASE_LOST, id="held-by-another-agent"),
        pytest.param("removed", Verdict.FORGET, id="removed"),
    ],
)
def test_verdicts(running: Running, happened: str, verdict: Verdict) -> None:
    lease, agent = running.lease, "agent"
    match happened:
        case "cancel":
            running.write(lambda db: runs.request_cancel(db, lease.run_id, now=running.now))
        case "given up":
            running.live(until=running.now + 2 * MINUTE)
            running.live(until=running.now + 10 * MINUTE)
        case "finished":
            running.finish(lease)
        case "other epoch":
            lease = replace(lease, epoch=lease.epoch + 1)
        case "other agent":
            agent = "impostor"
        case "removed":
            running.write(lambda db: db.execute(sa.delete(schema.definition)))

    running.clock.advance(dt.timedelta(seconds=1))
    assert running.beat(lease, agent=agent) == [verdict]

    if happened != "removed":
        alive = verdict in (Verdict.CONTINUE, Verdict.CANCEL)
        assert (row(running, lease.run_id).heartbeat_at == running.now) is alive


def test_what_an_agent_does_not_mention_is_taken_back(running: Running) -> None:
    """It was lost on its way to the agent: no failure, and no ten minutes of silence."""
    running.clock.advance(MINUTE)
    before = running.now - HOUR

    def missing(db: sa.Connection, *, held: list[int], claimed_before: dt.datetime) -> int:
        return heartbeats.release_missing(db, "agent", held, claimed_before=claimed_before, now=running.now)

    assert running.write(lambda db: missing(db, held=[running.lease.run_id], claimed_before=running.now)) == 0
    assert running.write(lambda db: missing(db, held=[], claimed_before=before)) == 0
    assert running.write(lambda db: missing(db, held=[], claimed_before=running.now)) == 1
    assert running.write(lambda db: missing(db, held=[], claimed_before=running.now)) == 0

    running.tick()
    assert running.runs(SLOT) == [RunStatus.RELEASED, RunStatus.WAITING]
    assert running.finish(running.lease).disposition is LATE


# ------------------------------------------------------------------------------------------------ final reports


@pytest.mark.parametrize(
    ("outcome", "status", "state"),
    [
        pytest.param(Outcome.SUCCEEDED, RunStatus.SUCCESS, SlotState.SUCCEEDED, id="succeeded"),
        pytest.param(Outcome.FAILED, RunStatus.FAILED, SlotState.ACTIVE, id="failed"),
        pytest.param(Outcome.TIMED_OUT, RunStatus.FAILED, SlotState.ACTIVE, id="over-its-own-timeout"),
        pytest.param(Outcome.CANCELLED, RunStatus.CANCELLED, SlotState.CANCELLED, id="cancelled"),
        pytest.param(Outcome.RELEASED, RunStatus.RELEASED, SlotState.ACTIVE, id="given-back"),
    ],
)
def test_outcomes(running: Running, outcome: Outcome, status: RunStatus, state: SlotState) -> None:
    answer = running.finish(running.lease, outcome)

    assert (answer.disposition, answer.status) == (APPLIED, status)
    assert running.runs(SLOT) == [status]
    assert running.state(SLOT) is state


def report(lease: Lease, completion: str, outcome: Outcome = Outcome.SUCCEEDED) -> Report:
    return Report(
        agent="agent",
        lease=lease,
        completion_id=completion,
        outcome=outcome,
        exit_code=0,
        error="",
        result={"rows": 7},
        checkpoint=None,
    )


def test_a_report_is_recorded_once_however_often_it_comes(running: Running) -> None:
    def complete(*reports: Report) -> list[Disposition]:
        return [
            answer.disposition
            for answer in running.write(lambda db: completions.complete(db, reports, now=running.now))
        ]

    lease = running.lease
    first, contrary = report(lease, "one"), report(lease, "two", Outcome.FAILED)

    assert complete(first, first, contrary) == [APPLIED, DUPLICATE, LATE]
    running.clock.advance(HOUR)
    assert complete(contrary, first) == [LATE, DUPLICATE]
    assert complete(report(replace(lease, epoch=9), "three")) == [FENCED]
    assert complete(report(Lease(run_id=4711, epoch=1), "four")) == [REMOVED]

    run = row(running, lease.run_id)
    assert (run.status, run.result, run.success_at) == (RunStatus.SUCCESS, {"rows": 7}, running.now - HOUR)
    late = running.read(lambda db: db.execute(sa.select(schema.late_report)).all())
    assert [(each.completion_id, each.disposition) for each in late] == [("two", "late"), ("three", "fenced")]


def test_who_was_given_up_may_still_be_late(running: Running) -> None:
    running.live(until=running.now + 2 * MINUTE)
    running.live(until=running.now + 10 * MINUTE)

    answer = running.finish(running.lease)

    assert (answer.disposition, answer.status) == (LATE, RunStatus.TIMEOUT)
    assert answer.reason == f"run {running.lease.run_id} was already timeout"
    assert running.state(SLOT) is SlotState.ACTIVE


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.RELEASED], ids=lambda outcome: outcome.word)
def test_what_was_to_be_cancelled_is_not_tried_again(running: Running, outcome: Outcome) -> None:
    running.write(lambda db: runs.request_cancel(db, running.lease.run_id, now=running.now))
    running.finish(running.lease, outcome)

    running.tick(after=HOUR)

    assert running.state(SLOT) is SlotState.CANCELLED
    assert len(running.runs(SLOT)) == 1


def test_what_was_to_be_cancelled_and_got_lost_is_cancelled(running: Running) -> None:
    running.write(lambda db: runs.request_cancel(db, running.lease.run_id, now=running.now))
    running.clock.advance(MINUTE)

    running.write(
        lambda db: heartbeats.release_missing(db, "agent", [], claimed_before=running.now, now=running.now)
    )

    assert running.state(SLOT) is SlotState.CANCELLED


def test_the_end_that_comes_before_a_cancellation_counts(running: Running) -> None:
    running.write(lambda db: runs.request_cancel(db, running.lease.run_id, now=running.now))

    running.finish(running.lease)

    assert running.state(SLOT) is SlotState.SUCCEEDED


def test_the_report_of_a_removed_run_never_hits_another(running: Running) -> None:
    """Numbers are not given out twice, though the run with the highest one is gone."""
    running.write(lambda db: db.execute(sa.delete(schema.slot).filter_by(id=running.slot_id(SLOT))))
    running.tick(after=DAY)
    [lease] = running.claim().values()

    assert lease.run_id > running.lease.run_id
    assert running.finish(running.lease).disposition is REMOVED
