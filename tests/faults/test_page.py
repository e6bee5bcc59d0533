"""The page is what the committed results give, and no row is missing in it."""

from __future__ import annotations

import json

import pytest

from tests.faults import page, rows
from tests.faults.declaration import FAULTS
from tests.faults.results import COMMITTED, load

assert rows.__all__

REMEDY = "run: make reliability"


def test_the_page_is_made_of_the_results() -> None:
    document = json.loads(COMMITTED.read_text())

    assert page.PAGE.read_text() == page.render(document), REMEDY
    assert page.PICTURE.read_text() == page.draw(document), REMEDY


@pytest.mark.parametrize("name", FAULTS)
def test_every_row_was_run_or_says_why_not(name: str) -> None:
    found = {each.store: each for each in load(COMMITTED) if each.fault == name}

    assert found.keys() == set(FAULTS[name].stores), (
        f"run it with CONDUCTOR_FAULTS={name} make soak; {REMEDY}"
    )
    for each in found.values():
        assert each.left_out or each.recoveries_s or each.violations


def test_no_result_of_a_row_that_is_gone() -> None:
    assert {each.fault for each in load(COMMITTED)} <= FAULTS.keys()
