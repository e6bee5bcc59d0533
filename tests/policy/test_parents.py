from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_server.model.states import Frequency, WindowRule
from conductor_server.model.window import Window
from conductor_server.policy.frequency import windows
from conductor_server.policy.parents import required

DAY = dt.timedelta(days=1)
YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CALENDARS = [
    (Frequency.HOURLY, ""),
    (Frequency.DAILY, ""),
    (Frequency.WEEKLY, ""),
    (Frequency.MONTHLY, ""),
    (Frequency.CRON, "0 */6 * * *"),
    (Frequency.ONE_OFF, "2026-03-10T06:00:00+00:00"),
]
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Tokyo"]
RULES = [WindowRule.OVERLAP, WindowRule.CLOSED, WindowRule.PREVIOUS, WindowRule.NONE]


def brute_force(child: Window, parents: Sequence[Window], rule: WindowRule) -> list[Window]:
    """The rules of DESIGN 4.3 again, one parent at a time."""
    one_off = any(window.start == window.end for window in (child, *parents))
    if rule is WindowRule.NONE:
        return []
    if rule is WindowRule.OVERLAP and not one_off:
        return [parent for parent in parents if parent.start < child.end and child.start < parent.end]
    until = child.start if rule is WindowRule.PREVIOUS else child.end
    closed = [parent for parent in parents if parent.end <= until]
    return [max(closed, key=lambda parent: parent.end)] if closed else []


@settings(deadline=None)
@given(
    child=st.sampled_from(CALENDARS),
    parent=st.sampled_from(CALENDARS),
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    rule=st.sampled_from(RULES),
    first=st.integers(0, 90),
    which=st.integers(0, 10_000),
)
def test_agrees_with_brute_force(
    child: tuple[Frequency, str],
    parent: tuple[Frequency, str],
    zones: tuple[str, str],
    rule: WindowRule,
    first: int,
    which: int,
) -> None:
    start = YEAR + first * DAY
    children = windows(*child, zones[0], start=YEAR, end=YEAR + 100 * DAY)
    parents = windows(*parent, zones[1], start=start, end=start + 20 * DAY)
    one = children[which % len(children)]
    assert list(required(one, parents, rule)) == brute_force(one, parents, rule)


@pytest.mark.parametrize(
    ("child", "parent", "rule", "label", "needs"),
    [
        pytest.param(
            Frequency.DAILY,
            Frequency.WEEKLY,
            WindowRule.CLOSED,
            "2026-03-02",
            ["2026-W09"],
            id="monday-uses-last-week",
        ),
        pytest.param(
            Frequency.DAILY,
            Frequency.WEEKLY,
            WindowRule.CLOSED,
            "2026-03-08",
            ["2026-W10"],
            id="sunday-waits-for-the-week-that-closes-with-it",
        ),
        pytest.param(
            Frequency.DAILY, Frequency.DAILY, WindowRule.CLOSED, "2026-03-02", ["2026-03-02"], id="same-day"
        ),
        pytest.param(
            Frequency.DAILY,
            Frequency.DAILY,
            WindowRule.PREVIOUS,
            "2026-03-02",
            ["2026-03-01"],
            id="day-before",
        ),
        pytest.param(
            Frequency.WEEKLY,
            Frequency.DAILY,
            WindowRule.OVERLAP,
            "2026-W10",
            [f"2026-03-0{day}" for day in range(2, 9)],
            id="a-week-needs-its-seven-days",
        ),
        pytest.param(Frequency.DAILY, Frequency.DAILY, WindowRule.NONE, "2026-03-02", [], id="none"),
    ],
)
def test_which_windows_are_needed(
    child: Frequency, parent: Frequency, rule: WindowRule, label: str, needs: list[str]
) -> None:
    children = windows(child, "", "UTC", start=YEAR, end=YEAR + 90 * DAY)
    parents = windows(parent, "", "UTC", start=YEAR, end=YEAR + 90 * DAY)
    one = next(window for window in children if window.label == label)
    assert [window.label for window in required(one, parents, rule)] == needs


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param("2026-03-07", 24, id="ordinary"),
        pytest.param("2026-03-08", 23, id="spring"),
        pytest.param("2026-11-01", 25, id="autumn"),
    ],
)
def test_a_day_needs_the_hours_it_has(day: str, hours: int) -> None:
    whole = {"start": YEAR, "end": YEAR + 330 * DAY}
    days = windows(Frequency.DAILY, "", "America/New_York", **whole)
    utc_hours = windows(Frequency.HOURLY, "", "UTC", **whole)
    one = next(window for window in days if window.label == day)
    assert len(required(one, utc_hours, WindowRule.OVERLAP)) == hours


def test_a_one_off_is_needed_once_it_is_due() -> None:
    (migration,) = windows(Frequency.ONE_OFF, "2026-03-10T06:00Z", "UTC", start=YEAR, end=YEAR + 90 * DAY)
    days = windows(Frequency.DAILY, "", "UTC", start=YEAR, end=YEAR + 90 * DAY)
    needing = [day.label for day in days if required(day, [migration], WindowRule.OVERLAP)]
    assert (needing[0], needing[-1]) == ("2026-03-10", days[-1].label)
    assert [day.label for day in required(migration, days, WindowRule.OVERLAP)] == ["2026-03-09"]
