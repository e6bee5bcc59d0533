"""The journal: what it holds after a crash at any point, and who may have it."""

from __future__ import annotations

import dataclasses
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from conductor_agent.errors import UsageError
from conductor_agent.journal import Entry, Journal
from conductor_agent.model import Completion, Ending, Outcome
from tests.agent.runs import a_run


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "state")
    yield journal
    journal.close()


def test_a_claimed_run_is_found_again_as_it_was(journal: Journal) -> None:
    run = a_run(
        spec={"argv": ["x", 5, 0.5, True, None], "deep": {"er": ["é"]}},
        timeout=1.5,
        checkpoint=b"\x00\xff",
        attempt=3,
    )
    journal.claim(run)
    assert list(journal.entries()) == [Entry(run=run)]


def test_a_report_is_found_again_as_it_was(journal: Journal) -> None:
    run = a_run()
    journal.claim(run)
    completion = Completion(
        lease=run.lease,
        completion_id="c-1",
        ending=Ending(
            outcome=Outcome.FAILED,
            exit_code=3,
            error="no",
            result={"rows": 7, "rate": 0.5},
            checkpoint=b"x",
            ran_for=12.25,
        ),
    )
    journal.complete(completion)
    assert list(journal.entries()) == [Entry(run=run, completion=completion)]
    journal.record_answer(run.lease, now=0.0)
    assert list(journal.entries()) == [Entry(run=run, completion=completion, answered=True)]


def answered(journal: Journal, *, now: float) -> Completion:
    """A run that has come and gone."""
    run = a_run()
    completion = Completion(
        lease=run.lease, completion_id=str(run.lease), ending=Ending(outcome=Outcome.SUCCEEDED), slot=run.slot
    )
    journal.claim(run)
    journal.complete(completion)
    journal.record_answer(run.lease, now=now)
    journal.remove(run.lease)
    return completion


def test_reports_that_were_answered_are_kept_for_a_day(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        told = [answered(journal, now=hour * 3600.0) for hour in (1, 2, 3)]
        assert list(journal.answered(now=3 * 3600.0)) == told
        assert list(journal.answered(now=26 * 3600.0)) == told[1:]

    with closing(Journal(tmp_path)) as journal:
        assert list(journal.entries()) == [], "they are not held"
        assert list(journal.answered(now=3 * 3600.0)) == told, "a restart keeps them"
        answered(journal, now=27 * 3600.0)
        assert len(list((tmp_path / "answered").iterdir())) == 2, "what is older than a day makes room"
        journal.forget_answered()
        assert list(journal.answered(now=0.0)) == list((tmp_path / "answered").iterdir()) == []


@pytest.mark.parametrize(("limit", "value"), [("ANSWERED_MAX", 2), ("ANSWERED_BYTES_MAX", 120)])
def test_no_more_than_there_is_room_for(
    journal: Journal, limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"conductor_agent.journal.{limit}", value)
    told = [answered(journal, now=float(second)) for second in range(5)]

    assert list(journal.answered(now=5.0)) == told[-2:]


def test_the_incarnation_of_the_store_outlives_the_agent(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        assert journal.incarnation is None
        journal.record_incarnation("store", "first")
    with closing(Journal(tmp_path)) as journal:
        assert journal.incarnation == ("store", "first")
        (tmp_path / "incarnation").write_text("nonsense")
        assert journal.incarnation is None


def test_an_answer_to_a_report_that_was_never_on_disk(journal: Journal) -> None:
    journal.record_answer(a_run().lease, now=0.0)

    assert list(journal.entries()) == list(journal.answered(now=0.0)) == []


def test_a_claim_that_was_not_finished_never_happened(journal: Journal) -> None:
    run = a_run()
    journal.claim(run)
    (journal.folder(run.lease) / "run.pb").rename(journal.folder(run.lease) / "run.pb.draft")
    assert list(journal.entries()) == []
    assert not journal.folder(run.lease).exists()


def test_a_removal_that_was_not_finished_is_finished(journal: Journal) -> None:
    run = a_run()
    journal.claim(run)
    folder = journal.folder(run.lease)
    shutil.copytree(folder, folder.with_name(f"removed-{run.lease}"))
    journal.remove(a_run().lease)  # of one that is not there: nothing
    shutil.rmtree(folder)
    assert list(journal.entries()) == []
    assert not folder.with_name(f"removed-{run.lease}").exists()


def test_only_one_may_own_the_start(journal: Journal) -> None:
    run = a_run()
    journal.claim(run)
    assert journal.own_start(run.lease)
    assert not journal.own_start(run.lease)


def test_a_stop_is_remembered(journal: Journal) -> None:
    run = a_run()
    journal.claim(run)
    assert journal.stop(run.lease) is None
    journal.record_stop(run.lease, Outcome.CANCELLED, "because")
    assert journal.stop(run.lease) == (Outcome.CANCELLED, "because")


@pytest.mark.parametrize(
    ("text", "exit"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("", None, id="just-created"),
        pytest.param("0 17", None, id="half-written"),
        pytest.param("143 17.25 99.1\n", (143, 17.25), id="complete"),
    ],
)
def test_an_exit_counts_when_its_line_is_complete(
    journal: Journal, text: str | None, exit: tuple[int, float] | None
) -> None:
    run = a_run()
    journal.claim(run)
    if text is not None:
        (journal.folder(run.lease) / "exit").write_text(text)
    assert journal.exit(run.lease) == exit


def test_a_second_agent_does_not_get_the_folder(tmp_path: Path, journal: Journal) -> None:
    with pytest.raises(UsageError, match=r"another agent \(pid \d+\) uses the state folder"):
        Journal(tmp_path / "state")


def test_nobody_else_may_read_it(tmp_path: Path, journal: Journal) -> None:
    run = a_run()
    journal.claim(run)
    for path in (tmp_path / "state", tmp_path / "state" / "runs", journal.folder(run.lease)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((journal.folder(run.lease) / "run.pb").stat().st_mode) == 0o600


def test_a_lease_with_another_epoch_is_another_entry(journal: Journal) -> None:
    first = a_run()
    again = dataclasses.replace(first, lease=dataclasses.replace(first.lease, epoch=2))
    journal.claim(first)
    journal.claim(again)
    assert {entry.run.lease for entry in journal.entries()} == {first.lease, again.lease}
