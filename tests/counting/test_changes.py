"""New and gone, under windows that move."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.counting.bookings import Booking, Rule, is_in_window
from exporter.counting.changes import CompleteRead, gone_bookings, new_ids
from exporter.counting.table import Table
from exporter.model import Window

DAY = 86_400.0


def booking(number: int, start: float, length: float = 10.0) -> Booking:
    return Booking(str(number), start, start + length)


def seen(bookings: Iterable[Booking], start: float, end: float, rule: Rule = "start") -> CompleteRead:
    return CompleteRead(start, end, rule, Table.of(bookings))


def test_an_unknown_id_inside_what_was_covered_is_unseen_and_one_where_nobody_looked_is_not() -> None:
    before = seen([booking(1, 50)], 0, 100)
    now = seen([booking(1, 50), booking(2, 60), booking(3, 105)], 20, 120)
    assert {"2"} == new_ids(before, now)


@pytest.mark.parametrize(("rule", "expected"), [("start", set()), ("overlap", {"2"})])
def test_a_booking_that_ran_into_the_range_was_covered_only_by_a_read_that_brings_such(rule: Rule, expected: set[str]) -> None:
    before, now = seen([], 100, 200, rule), seen([booking(2, 95)], 90, 200, rule)
    assert expected == new_ids(before, now)


def test_only_what_lies_ahead_and_inside_the_present_range_is_missing() -> None:
    before = seen([booking(1, 10), booking(2, 50), booking(3, 90), booking(4, 150)], 0, 200)
    now = seen([booking(3, 90)], 20, 120)
    assert (booking(2, 50),) == gone_bookings(before, now, moment=40)


def test_what_starts_at_the_present_moment_is_no_longer_ahead() -> None:
    before = seen([booking(1, 40), booking(2, 40.5)], 0, 100)
    assert (booking(2, 40.5),) == gone_bookings(before, seen([], 0, 100), moment=40)


def test_the_soonest_is_missed_first_and_of_two_at_once_the_one_with_the_smaller_number() -> None:
    before = seen([booking(10, 60), booking(9, 60), booking(11, 50)], 0, 100)
    assert (booking(11, 50), booking(9, 60), booking(10, 60)) == gone_bookings(before, seen([], 0, 100), moment=0)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.floats(-20 * DAY, 20 * DAY), st.floats(0, DAY)), max_size=30),
    st.lists(st.floats(60, 3 * DAY), min_size=1, max_size=6),
    st.sampled_from(["start", "overlap"]),
)
def test_time_alone_neither_brings_nor_takes_anything(rows: list[tuple[float, float]], steps: list[float], rule: Rule) -> None:
    world = [booking(number + 1, start, length) for number, (start, length) in enumerate(rows)]
    now, before = 0.0, None
    for step in [0.0, *steps]:
        now += step
        start, end = now - DAY, now + 7 * DAY
        current = seen((row for row in world if is_in_window(row, Window("w", start, end), rule)), start, end, rule)
        if before is not None:
            assert (frozenset(), ()) == (new_ids(before, current), gone_bookings(before, current, now))
        before = current
