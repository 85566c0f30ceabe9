"""Busy time against bookings, checked by a raster of minutes: slow, and too simple to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.calendar_busy import Period
from exporter.counting.cover import (
    HALF_HOUR,
    booked_share,
    clipped,
    covering,
    has_exact,
    minus,
    parts_left,
    shift_of,
    union,
)

MINUTE = 60.0
HOUR = 3600.0
SPAN = 600  # the minutes in which periods begin and end


def at(minute: float) -> float:
    return 1_790_000_000.0 + minute * MINUTE


def period(start: float, end: float) -> Period:
    return at(start), at(end)


def minutes_of(periods: Sequence[Period]) -> set[int]:
    """Return the minutes of the raster that ``periods`` take; their ends are whole minutes."""
    return {minute for start, end in periods for minute in range(ceil((start - at(0)) / MINUTE), ceil((end - at(0)) / MINUTE))}


lengths = st.sampled_from((5, 15, 30, 45, 60, 90))
periods = st.builds(lambda start, length: period(start, start + length), st.integers(0, SPAN - 90), lengths)
many = st.lists(periods, max_size=12)


@given(many)
def test_a_union_takes_the_same_minutes_in_order_and_apart(given: list[Period]) -> None:
    found = union(given)
    assert minutes_of(given) == minutes_of(found)
    assert all(end < start for (_, end), (start, _) in pairwise(found))


def test_a_union_has_nothing_without_length() -> None:
    assert () == union([period(5, 5), period(9, 8)])


@given(many, many)
def test_what_is_left_of_periods_is_each_minute_that_is_not_taken(given: list[Period], taken: list[Period]) -> None:
    assert minutes_of(given) - minutes_of(taken) == minutes_of(minus(given, union(taken)))


@given(many, many)
def test_of_each_period_its_own_rest_is_left(given: list[Period], taken: list[Period]) -> None:
    rests = [minus([one], union(taken)) for one in given]
    assert tuple(rest for found in rests for rest in found) == minus(given, union(taken))


def test_what_is_left_and_no_longer_than_said_is_nothing() -> None:
    assert (period(40, 60),) == minus([period(0, 60)], [period(1, 40)], longer_than=MINUTE)


@given(many, st.integers(0, SPAN), st.integers(0, SPAN))
def test_what_is_clipped_lies_within(given: list[Period], start: int, end: int) -> None:
    found = clipped(given, at(start), at(end))
    assert {minute for minute in minutes_of(given) if start <= minute < end} == minutes_of(found)


@given(periods, many)
def test_a_booking_is_covered_when_all_its_minutes_but_the_first_and_the_last_are_busy(
    booking: Period, busy: list[Period]
) -> None:
    inner = minutes_of([(booking[0] + MINUTE, booking[1] - MINUTE)])
    assert (inner <= minutes_of(busy)) == (covering(*booking, union(busy)) is not None)


@pytest.mark.parametrize(
    ("booking", "busy", "is_covered"),
    [
        (period(0, 60), [period(1, 59)], True),
        (period(0, 60), [period(1.1, 60)], False),
        (period(0, 60), [period(0, 58.9)], False),
        (period(0, 60), [period(0, 30), period(30, 60)], True),
        (period(0, 60), [period(0, 30), period(31, 60)], False),
        (period(0, 60), [], False),
        (period(0, 1), [period(0, 1)], True),
        (period(0, 1), [period(1, 30)], False),
        (period(5, 5), [period(0, 60)], True),
        (period(5, 5), [period(6, 60)], False),
    ],
    ids=[
        "a minute short at both ends",
        "more than a minute late",
        "more than a minute short",
        "two that touch",
        "two that do not",
        "a free calendar",
        "a booking of a minute",
        "a booking of a minute beside a busy time",
        "no length, inside",
        "no length, beside",
    ],
)
def test_the_ends_of_a_copy_may_be_off_by_a_minute(booking: Period, busy: list[Period], *, is_covered: bool) -> None:
    assert is_covered == (covering(*booking, union(busy)) is not None)


@given(many)
def test_what_is_busy_covers_itself(busy: list[Period]) -> None:
    assert [True] * len(busy) == [covering(*booking, union(busy)) is not None for booking in busy]


@given(many, periods)
def test_an_entry_is_exact_when_both_its_ends_are_off_by_a_minute_at_most(entries: list[Period], booking: Period) -> None:
    expected = any(abs(start - booking[0]) <= MINUTE and abs(end - booking[1]) <= MINUTE for start, end in entries)
    assert expected == has_exact(*booking, sorted(entries))


@given(periods, many)
def test_the_share_of_a_busy_time_that_is_booked_is_counted_in_minutes(busy: Period, booked: list[Period]) -> None:
    minutes = minutes_of([busy])
    assert pytest.approx(len(minutes & minutes_of(booked)) / len(minutes)) == booked_share(busy, union(booked))


def moved(given: Sequence[Period], seconds: float) -> list[Period]:
    return [(start + seconds, end + seconds) for start, end in given]


ABSENT = [period(0, 60), period(240, 300), period(500, 545)]
RANGE = (at(-24 * 60), at(48 * 60))


@given(st.integers(-28, 28).filter(bool))
def test_a_calendar_that_is_off_by_half_hours_is_recognized(steps: int) -> None:
    assert steps * HALF_HOUR == shift_of(ABSENT, ABSENT, union(moved(ABSENT, steps * HALF_HOUR)), RANGE)


@given(st.integers(-28, 28).filter(bool), st.lists(st.integers(0, 40), min_size=3, max_size=8, unique=True))
def test_bookings_side_by_side_are_recognized_when_their_copies_are_one_busy_time(steps: int, slots: list[int]) -> None:
    bookings = [period(slot * 30, slot * 30 + 30) for slot in sorted(slots)]
    busy = union(moved(bookings, steps * HALF_HOUR))
    absent = [booking for booking in bookings if covering(*booking, busy) is None]
    found = shift_of(absent, bookings, busy, RANGE)
    if len(absent) < 3:
        assert found is None
    elif found is not None:  # a nearer one may do as well, and of two that are as near none is told
        assert abs(found) <= abs(steps) * HALF_HOUR
        assert all(covering(*booking, busy) for booking in moved(absent, found))


@settings(max_examples=50, deadline=None)  # each tries 56 shifts by the minute
@given(many, many)
@example([period(0, 60), period(120, 180), period(300, 360)], [period(60, 120), period(180, 240), period(360, 420)])
def test_a_shift_covers_all_and_is_the_nearest_that_does(bookings: list[Period], calendar: list[Period]) -> None:
    busy = union(calendar)
    absent = sorted({booking for booking in bookings if covering(*booking, busy) is None})
    found = shift_of(absent, bookings, busy, RANGE)

    def does(steps: int) -> bool:
        places = moved(absent, steps * HALF_HOUR)
        taken = minutes_of(busy)
        explained = minutes_of(bookings) | minutes_of(moved(bookings, steps * HALF_HOUR))
        held = [one for one in busy if any(covering(*place, [one]) for place in places)]
        share = len(minutes_of(held) & explained) / max(1, len(minutes_of(held)))
        came = (minutes_of(moved(bookings, steps * HALF_HOUR)) - minutes_of(bookings)) & taken
        lost = minutes_of(absent) - taken
        if len(came) < len(lost) / 2:
            return False
        return all(minutes_of([(start + MINUTE, end - MINUTE)]) <= taken for start, end in places) and share >= 0.5

    nearest = next((n for n in range(1, 29) if does(n) or does(-n)), None) if len(absent) >= 3 else None
    if nearest is None or (does(nearest) and does(-nearest)):
        assert found is None
    else:
        assert (nearest if does(nearest) else -nearest) * HALF_HOUR == found


def test_two_bookings_are_too_few_for_a_shift() -> None:
    assert shift_of(ABSENT[:2], ABSENT[:2], union(moved(ABSENT, HOUR)), RANGE) is None


def test_a_calendar_that_is_busy_all_day_with_other_things_is_no_shift() -> None:
    few = [period(0, 30), period(200, 230), period(500, 530)]
    assert shift_of(few, few, [period(31, 199), period(231, 499), period(531, 900)], RANGE) is None


def test_lost_bookings_between_others_that_are_where_they_belong_are_no_shift() -> None:
    lost, others = [period(0, 60), period(120, 180), period(240, 300)], [period(60, 120), period(180, 240), period(300, 360)]
    assert shift_of(lost, [*lost, *others], union(others), RANGE) is None


def test_a_booking_that_would_be_moved_out_of_what_was_read_tells_nothing_of_a_shift() -> None:
    busy = union(moved(ABSENT, HOUR))
    assert shift_of(ABSENT, ABSENT, busy[:2], (RANGE[0], at(500))) is None
    four = [period(-200, -140), *ABSENT]
    assert HOUR == shift_of(four, four, union(moved(four, HOUR)[:3]), (RANGE[0], at(500)))


def test_the_hour_of_a_clock_change_is_a_shift_of_the_bookings_after_it() -> None:
    before, after = [period(-300, -240), period(-120, -60)], ABSENT
    busy = union([*before, *moved(after, -HOUR)])
    assert -HOUR == shift_of(after, [*before, *after], busy, RANGE)


@given(many, many)
def test_each_part_that_is_left_is_told_with_the_place_of_its_period(given: list[Period], taken: list[Period]) -> None:
    of_each = [(place, part) for place, one in enumerate(given) for part in minus([one], union(taken))]
    assert of_each == parts_left(given, union(taken))
