"""Moments on the clock of a place, also where its clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.support.local_time import day_and_time, from_to, in_utc, in_zone, local

BERLIN = "Europe/Berlin"


def utc(day: int, hour: int, minute: int = 0, *, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(27, 8, 30), "today 09:30"),
        (utc(27, 22, 59), "today 23:59"),
        (utc(27, 23, 0), "tomorrow 00:00"),  # by the calendar of Berlin, not of UTC
        (utc(26, 22, 59), "yesterday 23:59"),
        (utc(28, 23, 0), "Sun 29 Nov 00:00"),
        (utc(20, 8, 30), "Fri 20 Nov 09:30"),
        (utc(1, 8, 30, month=1, year=2027), "Fri 1 Jan 2027 09:30"),
    ],
)
def test_a_moment_has_the_day_and_the_time_of_its_place(moment: datetime, expected: str) -> None:
    assert expected == day_and_time(in_zone(moment, BERLIN), utc(27, 12))


def test_an_hour_that_exists_twice_shows_its_offset_and_no_other_hour_does() -> None:
    now = utc(24, 12, month=10)
    around = [in_zone(utc(24, 23, 30, month=10) + timedelta(hours=hours), BERLIN) for hours in range(4)]
    assert [
        "tomorrow 01:30",
        "tomorrow 02:30 (UTC+02:00)",
        "tomorrow 02:30 (UTC+01:00)",
        "tomorrow 03:30",
    ] == [day_and_time(moment, now) for moment in around]


def test_the_hour_after_one_that_is_left_out_is_plain() -> None:
    assert "today 03:30" == day_and_time(in_zone(utc(29, 1, 30, month=3), BERLIN), utc(29, 12, month=3))


def test_utc_names_its_day_only_where_that_is_another_one() -> None:
    assert ("08:30 UTC", "Thu 26 Nov 23:30 UTC") == (
        in_utc(in_zone(utc(27, 8, 30), BERLIN)),
        in_utc(in_zone(utc(26, 23, 30), BERLIN)),
    )


@pytest.mark.parametrize(("minutes", "expected"), [(20, "today 23:30 to 23:50"), (30, "today 23:30 to tomorrow 00:00")])
def test_an_interval_names_its_second_day_where_it_is_another_one(minutes: int, expected: str) -> None:
    start = in_zone(utc(27, 22, 30), BERLIN)
    assert expected == from_to(start, start + timedelta(minutes=minutes), utc(27, 12))


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"]),
)
def test_every_number_of_a_platform_is_a_moment_in_every_zone(seconds: float, zone: str) -> None:
    moment = local(seconds, zone)
    assert day_and_time(moment, utc(27, 12))
    assert in_utc(moment).endswith("UTC")
