"""A restored store gives out no number again, and learns what it has forgotten from its agents."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conductor_server.model.errors import ConductorError
from conductor_server.model.states import Disposition, Outcome, RunStatus, SlotState, Verdict
from conductor_server.rpc.agent_requests import Beats, Recovery, Reports, Wish, apply_group
from conductor_server.store import agents, incarnations
from conductor_server.store.backup import back_up, begin_again
from conductor_server.store.claims import Claim
from conductor_server.store.completions import Report
from conductor_server.store.incarnations import GAP, Incarnation
from conductor_server.store.leases import Lease
from tests.support.build import HOUR, MINUTE, account, definition
from tests.support.database import opened
from tests.support.world import NOW, World

pytestmark = pytest.mark.breaks_history(reason="a restored backup has not seen what its history tells")

SLOT = "job@acme/2026-11-21"


@pytest.fixture
def restored(world: World) -> World:
    """One slot is due and has a run that waits; then the store turns out to be a backup."""
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.tick(after=36 * HOUR)
    world.write(lambda db: incarnations.serve(db, token="first", now=world.now))
    world.write(lambda db: incarnations.begin(db, token="second", now=world.now))
    return world


def incarnation(world: World) -> Incarnation:
    return world.write(lambda db: incarnations.serve(db, token="unused", now=world.now))


def report(run_id: int, epoch: int = 1, *, slot: str = SLOT, outcome: Outcome = Outcome.SUCCEEDED) -> Report:
    return Report(
        agent="agent",
        lease=Lease(run_id=run_id, epoch=epoch),
        completion_id=f"completion of {run_id}",
        outcome=outcome,
        exit_code=0,
        error="",
        result=None,
        checkpoint=None,
        slot=slot,
    )


def tell(world: World, *reports: Report) -> list[Disposition]:
    recovery = Recovery(incarnation=incarnation(world))
    (answers,) = world.write(
        lambda db: apply_group(
            db, [Reports(reports=reports)], now=world.now, lost_after=MINUTE, recovery=recovery
        )
    )
    return [each.disposition for each in answers]


def test_the_first_serving_begins_the_first_incarnation(world: World) -> None:
    first = incarnation(world)

    assert (first.store, first.token, first.forgotten, first.served_at) == ("unused", "unused", (), NOW)
    assert incarnation(world) == first, "a restart begins none"


def test_a_restore_begins_another_of_the_same_store(restored: World) -> None:
    second = incarnation(restored)

    assert (second.store, second.token) == ("first", "second")
    assert second.forgotten == (range(2, 2 + GAP),)
    assert restored.events("store.restored") == [
        "the store was restored from a backup: agents report again what they know"
    ]


def test_no_number_is_given_out_again(restored: World) -> None:
    restored.finish(restored.claim()[SLOT])
    restored.rerun(SLOT)

    assert restored.claim()[SLOT].run_id == 1 + GAP + 1


def test_what_waited_is_not_granted_under_an_epoch_that_it_may_have_had(restored: World) -> None:
    assert restored.claim() == {SLOT: Lease(run_id=1, epoch=2)}


def test_what_waited_and_was_done_is_not_done_again(restored: World) -> None:
    assert tell(restored, report(1)) == [Disposition.APPLIED]
    assert tell(restored, report(1)) == [Disposition.DUPLICATE]
    assert restored.runs(SLOT) == [RunStatus.SUCCESS]
    assert restored.claim() == {}


def test_what_was_created_after_the_backup_counts_for_its_slot(restored: World) -> None:
    assert tell(restored, report(7)) == [Disposition.APPLIED]
    assert tell(restored, report(7)) == [Disposition.DUPLICATE]
    assert restored.state(SLOT) is SlotState.SUCCEEDED
    assert restored.runs(SLOT) == [RunStatus.SUCCESS]


def test_also_where_the_slot_has_no_run_yet(restored: World) -> None:
    tomorrow = "job@acme/2026-11-22"

    assert tell(restored, report(7, slot=tomorrow)) == [Disposition.APPLIED]
    assert restored.state(tomorrow) is SlotState.SUCCEEDED


def test_a_failure_that_was_forgotten_is_a_failure(restored: World) -> None:
    assert tell(restored, report(7, outcome=Outcome.FAILED)) == [Disposition.APPLIED]
    assert restored.runs(SLOT) == [RunStatus.FAILED]


def test_attempts_that_were_forgotten_come_back_in_their_order(restored: World) -> None:
    told = tell(restored, report(7, outcome=Outcome.FAILED), report(8))

    assert told == [Disposition.APPLIED, Disposition.APPLIED]
    assert restored.runs(SLOT) == [RunStatus.FAILED, RunStatus.SUCCESS]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(report(7, outcome=Outcome.CANCELLED), id="cancelled"),
        pytest.param(report(7, outcome=Outcome.RELEASED), id="released"),
        pytest.param(report(7, slot="job@bolt/2026-11-21"), id="of-a-slot-that-is-gone"),
        pytest.param(report(7, slot=""), id="of-an-agent-that-names-no-slot"),
        pytest.param(report(GAP + 2), id="a-number-that-was-never-given-out"),
    ],
)
def test_what_says_nothing_about_a_slot_changes_nothing(restored: World, told: Report) -> None:
    assert tell(restored, told) == [Disposition.REMOVED]
    assert restored.runs(SLOT) == [RunStatus.WAITING]


def test_without_a_restore_a_removed_run_stays_removed(restored: World) -> None:
    (answers,) = restored.write(
        lambda db: apply_group(db, [Reports(reports=[report(7)])], now=restored.now, lost_after=MINUTE)
    )
    assert [each.disposition for each in answers] == [Disposition.REMOVED]


@pytest.mark.parametrize("holder", ["agent", "other"])
def test_what_somebody_does_again_already_is_kept_beside(restored: World, holder: str) -> None:
    again = restored.claim(agent=holder)[SLOT]

    assert tell(restored, report(7)) == [Disposition.FENCED]
    assert restored.runs(SLOT) == [RunStatus.RUNNING]
    assert restored.finish(again, agent=holder).disposition is Disposition.APPLIED


def test_while_agents_report_nothing_is_claimed_and_nothing_is_missed(restored: World) -> None:
    held = restored.claim(1)[SLOT]
    recovery = Recovery(incarnation=incarnation(restored), until=restored.now + 2 * MINUTE)
    world = restored
    world.declare(definition("job"), definition("second", starts_on=dt.date(2026, 11, 21)))
    world.tick(after=MINUTE)
    session = _register(world)

    def group(*requests: Beats | Wish) -> list[Any]:
        return world.write(
            lambda db: apply_group(db, requests, now=world.now, lost_after=MINUTE / 2, recovery=recovery)
        )

    unheld = Beats(agent="agent", session=session, beats=[])
    wish = Wish(claim=Claim(agent="agent", session=session, source_id=4, runs=5))
    assert group(unheld, wish)[1] == ()
    assert world.runs(SLOT) == [RunStatus.RUNNING], "its report may be on its way"

    world.clock.advance(MINUTE)
    (_, given) = group(unheld, wish)
    assert world.runs(SLOT) == [RunStatus.RELEASED], "nothing is known of it after all"
    assert [each.slot for each in given] == ["second@acme/2026-11-21"]
    assert world.beat(held) == [Verdict.LEASE_LOST]


def _register(world: World) -> int:
    who = agents.Registration(name="agent", instance="", host="", pid=1, version="", capacities={"shell": 5})
    return world.write(
        lambda db: agents.register(db, who, take_over=True, alive_since=world.now, now=world.now)
    )


# ------------------------------------------------------------------------------------------------ backups


@pytest.fixture
def night(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    file = tmp_path / "night.db"
    file.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{file}") as database:
        world = World(database)
        world.declare(definition("job"), accounts=[account()])
        world.tick()
        yield world


def test_a_backup_is_whole_private_and_knows_what_it_is(night: World, tmp_path: Path) -> None:
    night.write(lambda db: incarnations.serve(db, token="first", now=night.now))
    copy = tmp_path / "copy.db"

    back_up(f"sqlite:///{tmp_path / 'night.db'}", copy, token="unused", now=night.now)

    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    with sqlite3.connect(copy) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with opened(f"sqlite:///{copy}") as database:
        restored = World(database)
        assert restored.states() == night.states()
        assert incarnation(restored).token == "unused" != incarnation(night).token
        assert incarnation(restored).store == incarnation(night).store == "first"
        assert incarnation(restored).forgotten, "it begins one when it is first served, not at each start"
    assert incarnation(night).forgotten == (), "the original is no backup"


def test_what_cannot_be_backed_up(night: World, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    url = f"sqlite:///{tmp_path / 'night.db'}"
    for source, target, why in (
        (url, there, "exists: name another file"),
        (url, tmp_path / "no" / "folder", "cannot be copied"),
        (f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "copy", "there is no database"),
        ("postgresql://localhost/night", tmp_path / "copy", "use pg_dump"),
    ):
        with pytest.raises(ConductorError, match=why):
            back_up(source, target, token="t", now=NOW)
    assert not (tmp_path / "none.db").exists()


def test_restored_by_hand(night: World, tmp_path: Path) -> None:
    night.write(lambda db: incarnations.serve(db, token="first", now=night.now))

    begin_again(f"sqlite:///{tmp_path / 'night.db'}", token="second", now=night.now)

    assert (incarnation(night).store, incarnation(night).token) == ("first", "second")
