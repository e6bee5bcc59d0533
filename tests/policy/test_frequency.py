from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_server.model.states import Frequency
from conductor_server.policy.frequency import local_instant, typical_period, validate_cron, windows, zone

UTC = dt.UTC
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
ZONES = sorted(available_timezones() - {"localtime"})
CALENDARS = [
    (Frequency.HOURLY, ""),
    (Frequency.DAILY, ""),
    (Frequency.WEEKLY, ""),
    (Frequency.MONTHLY, ""),
    (Frequency.CRON, "*/15 * * * *"),
    (Frequency.CRON, "30 2 * * *"),
    (Frequency.CRON, "0 */2 * * 1-5"),
    (Frequency.CRON, "15,45 0-3 * * *"),
    (Frequency.CRON, "0 0 L * *"),
]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(UTC)


def wall(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def labels(frequency: Frequency, timezone: str, start: str, end: str, *, cron: str = "") -> list[str]:
    local = zone(timezone)
    first, last = (local_instant(dt.datetime.fromisoformat(each), local) for each in (start, end))
    return [window.label for window in windows(frequency, cron, timezone, start=first, end=last)]


@settings(deadline=None)
@given(
    calendar=st.sampled_from(CALENDARS),
    timezone=st.sampled_from(ZONES),
    start=st.integers(1, 24_800).map(lambda day: at("1970-01-01T00:00Z") + day * DAY),
    days=st.integers(1, 45),
    cut=st.floats(0, 1),
)
def test_windows_tile_whatever_the_clocks_do(
    calendar: tuple[Frequency, str], timezone: str, start: dt.datetime, days: int, cut: float
) -> None:
    frequency, cron = calendar
    end = start + days * DAY
    found = windows(frequency, cron, timezone, start=start, end=end)

    assert all(window.start < window.end for window in found)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(start <= window.start < end for window in found)
    assert len({window.label for window in found}) == len(found)
    assert not any("/" in window.label for window in found)

    middle = start + cut * (end - start)
    assert found == [
        *windows(frequency, cron, timezone, start=start, end=middle),
        *windows(frequency, cron, timezone, start=middle, end=end),
    ], "what a calendar holds depends on where one begins to look"


MIDNIGHTS = [at("1970-01-01T00:00Z") + day * DAY for day in range(68 * 365)]


def changes_of_clocks(local: dt.tzinfo) -> Iterator[tuple[int, dt.timedelta | None, dt.timedelta | None]]:
    """The UTC days in which a zone turned its clocks, and its offsets before and after; looked for ten days apart."""

    def offset(day: int) -> dt.timedelta | None:
        return MIDNIGHTS[day].astimezone(local).utcoffset()

    for low, high in pairwise(range(3, len(MIDNIGHTS), 10)):
        if (before := offset(low)) != (after := offset(high)):
            first = low + bisect_left(range(low, high), True, key=lambda day: offset(day) != before)
            yield first - 1, before, after


def test_windows_tile_over_every_change_of_clocks() -> None:
    changes = {change: name for name in ZONES for change in changes_of_clocks(zone(name))}
    assert len(changes) > 5_000
    for (day, _, _), timezone in changes.items():
        start = MIDNIGHTS[day] - DAY
        days = windows(Frequency.DAILY, "", timezone, start=start, end=start + 3 * DAY)
        assert all(before.end == after.start for before, after in pairwise(days))
        first, last = (dt.date.fromisoformat(each.label) for each in (days[0], days[-1]))
        skipped = (last - first) // DAY + 1 - len(days)
        odd_days = [each for each in days if each.end - each.start != DAY]
        assert skipped or odd_days, f"{timezone} turned its clocks on no day at all"
        for odd in odd_days:
            hours = windows(Frequency.HOURLY, "", timezone, start=odd.start, end=odd.end)
            assert hours[0].start == odd.start
            assert hours[-1].end == odd.end
            assert all(before.end == after.start for before, after in pairwise(hours))
            assert all(hour.end - hour.start == HOUR for hour in hours[:-1])
            assert len({hour.label for hour in hours}) == len(hours)


@pytest.mark.parametrize(
    ("timezone", "day", "hours", "last"),
    [
        pytest.param("America/New_York", "2026-03-08", 23, HOUR, id="new-york-springs-forward"),
        pytest.param("America/New_York", "2026-11-01", 25, HOUR, id="new-york-falls-back"),
        pytest.param("Europe/London", "2026-03-29", 23, HOUR, id="london-springs-forward"),
        pytest.param("Europe/London", "2026-10-25", 25, HOUR, id="london-falls-back"),
        pytest.param("Australia/Lord_Howe", "2026-10-04", 24, HOUR / 2, id="lord-howe-loses-half-an-hour"),
        pytest.param("Australia/Lord_Howe", "2026-04-05", 25, HOUR / 2, id="lord-howe-gains-half-an-hour"),
        pytest.param("America/Santiago", "2026-09-06", 23, HOUR, id="santiago-skips-midnight"),
        pytest.param("America/Sao_Paulo", "2018-11-04", 23, HOUR, id="sao-paulo-skips-midnight"),
        pytest.param("America/Sao_Paulo", "2018-02-17", 25, HOUR, id="sao-paulo-repeats-the-hour-before"),
        pytest.param("America/Havana", "2026-11-01", 25, HOUR, id="havana-repeats-midnight"),
        pytest.param("Asia/Kolkata", "2026-11-01", 24, HOUR, id="kolkata"),
        pytest.param("Asia/Kathmandu", "2026-11-01", 24, HOUR, id="kathmandu"),
        pytest.param("+05:30", "2026-11-01", 24, HOUR, id="offset"),
    ],
)
def test_a_day_holds_the_hours_that_tile_it(timezone: str, day: str, hours: int, last: dt.timedelta) -> None:
    opens = local_instant(dt.date.fromisoformat(day), zone(timezone))
    (window,) = windows(Frequency.DAILY, "", timezone, start=opens, end=opens + HOUR)
    assert window.label == day
    found = windows(Frequency.HOURLY, "", timezone, start=window.start, end=window.end)
    assert len(found) == hours
    assert found[-1].end - found[-1].start == last
    assert found[-1].end == window.end


def test_a_day_that_a_zone_skipped_has_no_window() -> None:
    assert labels(Frequency.DAILY, "Pacific/Apia", "2011-12-28", "2012-01-02") == [
        "2011-12-28",
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
    ]


@pytest.mark.parametrize(
    ("timezone", "value", "instant"),
    [
        pytest.param("America/Santiago", dt.date(2026, 9, 6), "2026-09-06T04:00Z", id="gap-at-midnight"),
        pytest.param("Europe/London", wall("2026-03-29T01:30"), "2026-03-29T01:00Z", id="inside-a-gap"),
        pytest.param("Europe/London", wall("2026-10-25T01:30"), "2026-10-25T00:30Z", id="fold-takes-first"),
        pytest.param("Pacific/Apia", wall("2011-12-30T15:00"), "2011-12-30T10:00Z", id="skipped-day"),
        pytest.param("Asia/Kathmandu", dt.date(2026, 11, 1), "2026-10-31T18:15Z", id="quarter-hour-zone"),
        pytest.param("-03:00", dt.date(2026, 11, 1), "2026-11-01T03:00Z", id="offset"),
        pytest.param("Asia/Tokyo", at("2026-11-01T03:00Z"), "2026-11-01T03:00Z", id="aware-stays"),
    ],
)
def test_wall_times_become_instants(timezone: str, value: dt.date, instant: str) -> None:
    assert local_instant(value, zone(timezone)) == at(instant)


@pytest.mark.parametrize(
    ("frequency", "timezone", "start", "end", "cron", "expected"),
    [
        pytest.param(Frequency.DAILY, "UTC", "2026-11-20", "2026-11-21", "", ["2026-11-20"], id="day"),
        pytest.param(
            Frequency.WEEKLY, "UTC", "2026-11-10", "2026-11-20", "", ["2026-W47"], id="week-is-monday"
        ),
        pytest.param(Frequency.WEEKLY, "UTC", "2026-12-28", "2026-12-29", "", ["2026-W53"], id="iso-year"),
        pytest.param(Frequency.MONTHLY, "UTC", "2026-10-02", "2026-12-01", "", ["2026-11"], id="month"),
        pytest.param(
            Frequency.HOURLY, "UTC", "2026-11-20T13:00", "2026-11-20T14:00", "", ["2026-11-20T13"], id="hour"
        ),
        pytest.param(
            Frequency.HOURLY,
            "America/New_York",
            "2026-11-01T00:00",
            "2026-11-01T03:00",
            "",
            ["2026-11-01T00", "2026-11-01T01", "2026-11-01T01-0500", "2026-11-01T02"],
            id="fold-carries-its-offset",
        ),
        pytest.param(
            Frequency.HOURLY,
            "Australia/Lord_Howe",
            "2026-10-04T01:00",
            "2026-10-04T04:00",
            "",
            ["2026-10-04T01", "2026-10-04T02:30", "2026-10-04T03:30"],
            id="hours-off-the-hour-show-minutes",
        ),
        pytest.param(
            Frequency.CRON,
            "Europe/Berlin",
            "2026-10-25T02:00",
            "2026-10-25T04:00",
            "*/30 * * * *",
            [
                *("2026-10-25T02:00", "2026-10-25T02:30", "2026-10-25T02:00+0100", "2026-10-25T02:30+0100"),
                *("2026-10-25T03:00", "2026-10-25T03:30"),
            ],
            id="cron-with-a-star-follows-elapsed-time",
        ),
        pytest.param(
            Frequency.CRON,
            "Europe/Berlin",
            "2026-10-24",
            "2026-10-27",
            "30 2 * * *",
            ["2026-10-24T02:30", "2026-10-25T02:30", "2026-10-26T02:30"],
            id="cron-without-a-star-ticks-once-in-a-fold",
        ),
        pytest.param(
            Frequency.CRON,
            "Europe/Berlin",
            "2026-03-28",
            "2026-03-31",
            "15,30 2 * * *",
            [
                *("2026-03-28T02:15", "2026-03-28T02:30"),
                "2026-03-29T03:00",
                *("2026-03-30T02:15", "2026-03-30T02:30"),
            ],
            id="cron-without-a-star-ticks-after-a-gap",
        ),
    ],
)
def test_labels(
    frequency: Frequency, timezone: str, start: str, end: str, cron: str, expected: list[str]
) -> None:
    assert labels(frequency, timezone, start, end, cron=cron) == expected


def test_midnight_inside_a_fold_does_not_stop_the_calendar() -> None:
    """Until 2011 Goose Bay turned its clocks at 00:01, back into the day before."""
    found = labels(Frequency.CRON, "America/Goose_Bay", "2010-11-07", "2010-11-08", cron="*/30 * 7 * *")
    assert found[:3] == ["2010-11-07T00:00", "2010-11-07T00:00-0400", "2010-11-07T00:30"]


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        pytest.param("2026-11-20T06:00:00+00:00", "2026-11-20T06:00Z", id="instant"),
        pytest.param("2026-11-20T06:00:00", "2026-11-20T00:30Z", id="wall-time"),
        pytest.param("2026-11-20", "2026-11-19T18:30Z", id="date"),
    ],
)
def test_a_one_off_is_due_at_its_instant(expression: str, due: str) -> None:
    instant = at(due)
    (window,) = windows(Frequency.ONE_OFF, expression, "Asia/Kolkata", start=instant, end=instant + HOUR)
    assert (window.start, window.end, window.label) == (instant, instant, "once")
    assert not windows(Frequency.ONE_OFF, expression, "Asia/Kolkata", start=instant + HOUR, end=instant + DAY)


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "../etc/passwd", "+25:00", "+0530", "", "0"])
def test_unknown_zones_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        zone(name)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        pytest.param(
            "61 * * * *", "the cron expression `61 \\* \\* \\* \\*` is wrong: bad minute", id="range"
        ),
        pytest.param("* * * *", "has 4 fields instead of five", id="too-few"),
        pytest.param("* * * * * *", "has 6 fields instead of five", id="seconds"),
        pytest.param("0 0 31 2 *", "bad day-of-month", id="no-such-day"),
    ],
)
def test_bad_cron_expressions_are_refused(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        validate_cron(expression)


def test_frequencies_rank_by_their_typical_period() -> None:
    ranked = [
        (Frequency.CRON, "*/15 9-17 * * 1-5"),
        (Frequency.HOURLY, ""),
        (Frequency.CRON, "0 */6 * * *"),
        (Frequency.DAILY, ""),
        (Frequency.WEEKLY, ""),
        (Frequency.MONTHLY, ""),
        (Frequency.CRON, "0 0 1 1 *"),
    ]
    periods = [typical_period(*each) for each in ranked]
    assert periods == sorted(set(periods))
    assert typical_period(Frequency.CRON, "30 2 * * 1-5") == typical_period(Frequency.DAILY)
    assert typical_period(Frequency.CRON, "0 0 1 * *") == typical_period(Frequency.MONTHLY)
