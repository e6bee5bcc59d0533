"""What has changed, and what asks for consent."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from conductor_server.model.definition import Concurrency, Place, Retry
from conductor_server.model.states import Catchup, Frequency
from conductor_server.policy.diff import Changes, diff, fingerprint, removal_needs_consent
from tests.support.build import HOUR, account, definition, reads


def test_names_are_compared_by_fingerprint() -> None:
    changes = diff(stored={"a": "1", "b": "1", "c": "1"}, desired={"b": "2", "c": "1", "d": "1"})

    assert changes == Changes(added=("d",), changed=("b",), removed=("a",))
    assert changes
    assert not diff(stored={"a": "1"}, desired={"a": "1"})


@pytest.mark.parametrize(
    ("stored", "removed", "asks"),
    [
        pytest.param(5, 1, False, id="a-fifth"),
        pytest.param(9, 2, True, id="more-than-a-fifth"),
        pytest.param(10, 2, False, id="a-fifth-of-ten"),
        pytest.param(1, 1, True, id="the-only-one"),
        pytest.param(0, 0, False, id="nothing"),
    ],
)
def test_removing_more_than_a_fifth_asks(stored: int, removed: int, asks: bool) -> None:
    assert removal_needs_consent(stored=stored, removed=removed) is asks


def test_where_a_thing_stands_and_how_keys_are_ordered_does_not_matter() -> None:
    one = definition("load", spec={"argv": ["true"], "environment": {"A": "1", "B": "2"}})
    two = definition("load", spec={"environment": {"B": "2", "A": "1"}, "argv": ["true"]})

    moved = replace(two, place=Place(origin="elsewhere.yaml", line=7))

    assert fingerprint(one) == fingerprint(moved)


@pytest.mark.parametrize(
    "change",
    [
        {"frequency": Frequency.HOURLY},
        {"retry": Retry(attempts=3)},
        {"reads_from": reads("other")},
        {"writes_to": ()},
        {"starts_on": dt.date(2026, 1, 1)},
        {"delay": HOUR},
        {"concurrency": Concurrency(account=1)},
        {"catchup": Catchup.NONE},
        {"spec": {"argv": ["false"]}},
        {"active": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_declared_counts(change: dict[str, Any]) -> None:
    assert fingerprint(definition("load")) != fingerprint(definition("load", **change))


def test_accounts_have_fingerprints_too() -> None:
    assert fingerprint(account()) != fingerprint(account(timezone="Europe/London"))
