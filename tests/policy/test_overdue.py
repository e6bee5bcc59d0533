"""A run is overdue when it has gone on for its time-out and the margin, in time that counts."""

from __future__ import annotations

import datetime as dt

import pytest

from conductor_server.policy.overdue import claimed_before
from tests.support.build import at

NOW = at("2026-11-20T12:00")


@pytest.mark.parametrize(
    ("present_since", "expected"),
    [
        pytest.param(None, "11:20", id="never-away"),
        pytest.param("11:19", "11:20", id="back-for-longer-than-that"),
        pytest.param("11:20", None, id="just-as-long"),
        pytest.param("11:50", None, id="back-for-ten-minutes"),
    ],
)
def test_which_runs_are_overdue(present_since: str | None, expected: str | None) -> None:
    before = claimed_before(
        timeout=dt.timedelta(minutes=30),
        margin=dt.timedelta(minutes=10),
        present_since=None if present_since is None else at(f"2026-11-20T{present_since}"),
        now=NOW,
    )

    assert before == (None if expected is None else at(f"2026-11-20T{expected}"))
