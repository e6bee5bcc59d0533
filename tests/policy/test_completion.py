"""The decision table of final reports."""

from __future__ import annotations

import pytest

from conductor_server.model.states import RUN_TRANSITIONS, Disposition, Outcome, RunStatus
from conductor_server.policy.completion import RunFacts, disposition, status_after


def facts(
    status: RunStatus = RunStatus.RUNNING,
    *,
    epoch: int = 3,
    agent: str = "one",
    completion: str | None = None,
) -> RunFacts:
    return RunFacts(status=status, epoch=epoch, agent=agent, completion_id=completion)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        pytest.param(None, Disposition.REMOVED, id="no-such-run"),
        pytest.param(facts(), Disposition.APPLIED, id="running"),
        pytest.param(facts(completion="other"), Disposition.APPLIED, id="running-whatever-came-before"),
        pytest.param(facts(RunStatus.SUCCESS, completion="mine"), Disposition.DUPLICATE, id="again"),
        pytest.param(
            facts(RunStatus.SUCCESS, completion="mine", epoch=4), Disposition.DUPLICATE, id="again-later"
        ),
        pytest.param(facts(epoch=4), Disposition.FENCED, id="running-elsewhere"),
        pytest.param(facts(agent="two"), Disposition.FENCED, id="with-another-agent"),
        pytest.param(facts(RunStatus.TIMEOUT, epoch=4), Disposition.FENCED, id="another-lease-ended"),
        pytest.param(facts(RunStatus.TIMEOUT), Disposition.LATE, id="given-up"),
        pytest.param(facts(RunStatus.RELEASED), Disposition.LATE, id="taken-back"),
        pytest.param(facts(RunStatus.CANCELLED), Disposition.LATE, id="cancelled"),
        pytest.param(facts(RunStatus.SUCCESS, completion="other"), Disposition.LATE, id="second-opinion"),
    ],
)
def test_disposition(run: RunFacts | None, expected: Disposition) -> None:
    assert disposition(run, agent="one", epoch=3, completion_id="mine") is expected


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_ends_a_running_run(outcome: Outcome) -> None:
    assert status_after(outcome) in RUN_TRANSITIONS[RunStatus.RUNNING]
    assert status_after(outcome) is not RunStatus.TIMEOUT
