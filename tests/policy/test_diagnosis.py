"""Each thing that may be wrong is found, with its value and a remedy; where all is well nothing is."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from conductor_server.policy.diagnosis import Agent, Facts, Severity, findings

SECOND = dt.timedelta(seconds=1)
AGENT = Agent(name="one", silent_for=SECOND, sources=frozenset({"shell"}), running=2)
WELL = Facts(
    late=SECOND,
    late_after=120 * SECOND,
    leader="etl[1]",
    problems=(),
    agents=(AGENT,),
    silent_after=30 * SECOND,
    definitions={"shell": 3, "manual": 1},
    quarantined=0,
    database_skew=-SECOND,
    database={
        **dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes", "autovacuum"), "on"),
        "server_version_num": "180000",
        "idle_in_transaction_s": "3.5",
        "journal_mode": "wal",
        "synchronous": "2",
        "foreign_keys": "1",
        "quick_check": "ok",
    },
    free=0.5,
    file_system="ext4",
)


def test_where_all_is_well() -> None:
    assert findings(WELL) == []
    assert findings(replace(WELL, agents=(replace(AGENT, skew=-2 * SECOND),))) == []


@pytest.mark.parametrize(
    ("wrong", "check", "what"),
    [
        ({"leader": ""}, "leader", "no server runs the engine"),
        ({"late": None}, "engine", "has not finished a pass yet"),
        ({"late": 121 * SECOND}, "engine", "last pass ended 0:02:01 ago"),
        ({"problems": ("files: no such file",)}, "problem", "files: no such file"),
        ({"quarantined": 2}, "quarantine", "2 slots are quarantined"),
        (
            {"definitions": {"cron": 4, "shell": 1}},
            "source",
            "no agent serves cron, which 4 definitions need",
        ),
        (
            {"agents": (replace(AGENT, skew=2.1 * SECOND),)},
            "clock",
            "the clock of agent one is 2.1 s ahead of the server's",
        ),
        (
            {"agents": (replace(AGENT, skew=-90 * SECOND),)},
            "clock",
            "the clock of agent one is 90.0 s behind the server's",
        ),
        (
            {"agents": (AGENT, replace(AGENT, silent_for=31 * SECOND))},
            "agent",
            "0:00:31 ago, and holds 2 runs",
        ),
        (
            {"agents": (AGENT, replace(AGENT, sources=frozenset({"cron"})))},
            "agent",
            "serves cron, which no definition",
        ),
        ({"database_skew": -6 * SECOND}, "clock", "differ by 0:00:06"),
        ({"free": 0.049}, "disk", "has 5% left"),
        ({"file_system": "nfs4"}, "database", "network file system (nfs4)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong(wrong: dict[str, Any], check: str, what: str) -> None:
    (found,) = findings(replace(WELL, **wrong))

    assert found.check == check
    assert what in found.what
    assert found.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("autovacuum", "off"),
        ("server_version_num", "130011"),
        ("idle_in_transaction_s", "301"),
        ("journal_mode", "delete"),
        ("synchronous", "1"),
        ("foreign_keys", "0"),
        ("quick_check", "row 7 missing from index"),
    ],
)
def test_a_database_that_is_set_up_wrongly(name: str, value: str) -> None:
    (found,) = findings(replace(WELL, database={**WELL.database, name: value}))

    assert found.check == "database"


def test_the_worst_comes_first() -> None:
    found = findings(replace(WELL, quarantined=1, free=0.0))

    assert [each.severity for each in found] == [Severity.ERROR, Severity.WARNING]


def test_a_source_that_only_a_silent_agent_serves_is_served_by_nobody() -> None:
    found = findings(replace(WELL, agents=(replace(AGENT, silent_for=31 * SECOND),)))

    assert [each.check for each in found] == ["source", "agent"]
