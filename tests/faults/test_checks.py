"""The checks of the matrix can fail: a made-up history or testimony for each of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_server.model.states import RunStatus, SlotState
from tests.faults import witness
from tests.faults.checks import _of_history
from tests.faults.stores import Row

WAITING, RUNNING, SUCCESS, FAILED = RunStatus.WAITING, RunStatus.RUNNING, RunStatus.SUCCESS, RunStatus.FAILED


def run(number: int, was: int | None, now: int, *, epoch: int = 0, leader: int | None = None) -> Row:
    """A change of a run of slot 1."""
    return ("run", number, 1, was, now, epoch, leader)


BEGUN = [run(1, None, WAITING), run(1, WAITING, RUNNING, epoch=1)]
DONE = [*BEGUN, run(1, RUNNING, SUCCESS, epoch=1)]


@pytest.mark.parametrize(
    ("history", "said"),
    [
        pytest.param(DONE, "", id="sound"),
        pytest.param([*BEGUN, run(1, RUNNING, FAILED, epoch=1), run(2, None, WAITING)], "", id="retried"),
        pytest.param([*DONE, run(1, SUCCESS, FAILED, epoch=1)], "went from success to failed", id="back"),
        pytest.param([*DONE, run(1, RUNNING, FAILED, epoch=1)], "and was success", id="unseen"),
        pytest.param([*BEGUN, run(2, None, WAITING)], "got run 2 beside run 1", id="two-live"),
        pytest.param([*BEGUN, run(1, RUNNING, RUNNING, epoch=0)], "epoch of run 1 fell to 0", id="epoch"),
        pytest.param(
            [("slot", 1, 1, SlotState.SUCCEEDED, SlotState.OPEN, None, None)], "was succeeded", id="undone"
        ),
        pytest.param(
            [run(1, None, WAITING, leader=2), ("slot", 1, 1, SlotState.OPEN, SlotState.ACTIVE, None, 1)],
            "the leader of epoch 1 changed slot 1 after that of 2 had begun",
            id="two-leaders",
        ),
    ],
)
def test_a_history(history: list[Row], said: str) -> None:
    found = _of_history(history)

    assert len(found) == bool(said)
    assert said in "".join(found)


TESTIMONY = """\
BEGIN a/once 1 7 1 100 10.0
BEGIN b/once 1 8 1 101 10.5
BEGIN a/once 2 9 1 102 11.0
END a/once 1 7 1 100 12.0
END b/once 1 8 1 101 12.5
BEGIN b/once 2 10 1 103 13.0
STOP a/once 2 9 1 102 14.0
BEGIN a/on
"""


def test_a_testimony(tmp_path: Path) -> None:
    file = tmp_path / "witness"
    file.write_text(TESTIMONY)

    found = witness.executions(witness.read(file))

    assert [(each.begin.run, each.finished) for each in found] == [
        (7, True),
        (8, True),
        (9, False),
        (10, False),
    ]
    overlapping = [(first.begin.run, second.begin.run) for first, second in witness.overlaps(found)]
    assert overlapping == [(7, 9)], "of b the first had ended before the second began"
