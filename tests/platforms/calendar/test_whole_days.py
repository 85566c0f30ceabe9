"""An all-day entry proves no booking, in whichever way a server tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.platforms.calendar.reading import busy_periods
from exporter.platforms.calendar.whole_days import Apart, without_whole_days

HOUR = 3600.0
DAY = 24 * HOUR
MIDNIGHT = datetime(2026, 11, 26, tzinfo=UTC).timestamp()
START, END = MIDNIGHT - DAY, MIDNIGHT + 8 * DAY
BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def apart(*periods: tuple[float, float], zone: ZoneInfo = BERLIN) -> Apart:
    return without_whole_days(periods, START, END, zone)


def test_an_hour_stays() -> None:
    assert Apart(((MIDNIGHT, MIDNIGHT + HOUR),), ()) == apart((MIDNIGHT, MIDNIGHT + HOUR))


def test_a_day_of_utc_is_taken_out() -> None:
    day = (MIDNIGHT, MIDNIGHT + DAY)
    assert Apart((), (day,)) == apart(day)


def test_a_day_of_the_targets_zone_is_taken_out() -> None:
    day = (MIDNIGHT - HOUR, MIDNIGHT + 23 * HOUR)
    assert Apart((), (day,)) == apart(day)


def test_what_a_server_joined_with_a_day_stays() -> None:
    joined = (MIDNIGHT - 2 * HOUR, MIDNIGHT + DAY + 3 * HOUR)
    found = without_whole_days([joined], START, END, UTC_ZONE)
    assert Apart(((joined[0], MIDNIGHT), (MIDNIGHT + DAY, joined[1])), ((MIDNIGHT, MIDNIGHT + DAY),)) == found


def test_a_week_of_holidays_is_all_whole_days() -> None:
    found = without_whole_days([(MIDNIGHT, MIDNIGHT + 7 * DAY)], START, END, UTC_ZONE)
    assert () == found.periods
    assert 7 == len(found.days)


def test_days_of_a_zone_that_nobody_named_are_known_by_their_length() -> None:
    days = (MIDNIGHT + 5 * HOUR, MIDNIGHT + 5 * HOUR + DAY)
    assert Apart((), (days,)) == apart(days)


@pytest.mark.parametrize(("day", "hours"), [((2027, 3, 28), 23), ((2026, 10, 25), 25)])
def test_the_days_on_which_clocks_change_are_whole_days(day: tuple[int, int, int], hours: int) -> None:
    begins = datetime(*day, tzinfo=BERLIN).timestamp()
    whole = (begins, begins + hours * HOUR)
    assert Apart((), (whole,)) == without_whole_days([whole], begins - DAY, begins + 8 * DAY, BERLIN)


def test_a_long_night_is_no_day() -> None:
    night = (MIDNIGHT + 12 * HOUR, MIDNIGHT + 30 * HOUR)
    assert Apart((night,), ()) == apart(night)


def test_what_lies_outside_of_the_range_is_left_out() -> None:
    assert Apart((), ()) == apart((START - 2 * HOUR, START), (END, END + HOUR))


offsets = st.integers(-3 * 86_400, 12 * 86_400).map(float)


@given(
    st.lists(st.tuples(offsets, st.integers(1, 4 * 86_400).map(float)), max_size=6),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo"]),
)
def test_nothing_is_lost_and_nothing_is_added(rows: list[tuple[float, float]], zone: str) -> None:
    periods = [(MIDNIGHT + start, MIDNIGHT + start + seconds) for start, seconds in rows]
    found = without_whole_days(periods, START, END, ZoneInfo(zone))
    assert busy_periods(periods, START, END) == busy_periods((*found.periods, *found.days), START, END)
    assert all(end - start >= 23 * HOUR for start, end in found.days)
