"""What a portal's ids add to two reads (bitrix24.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from exporter.counting.bookings import Booking
from exporter.counting.changes import CompleteRead, PackedRead, gone_bookings
from exporter.counting.table import Table
from exporter.platforms.bitrix24 import intake


def booking(number: int, start: float, length: float = 10.0) -> Booking:
    return Booking(str(number), start, start + length)


def seen(bookings: Iterable[Booking], start: float = 0, end: float = 100) -> CompleteRead:
    return CompleteRead(start, end, "overlap", Table.of(bookings))


def test_a_larger_id_inside_what_was_covered_is_new_and_a_smaller_one_is_not() -> None:
    before = seen([booking(10, 50)])
    now = seen([booking(10, 50), booking(11, 60), booking(9, 70)])
    assert 1 == intake.compare(PackedRead.of(before), now, 10, 0).new


def test_a_larger_id_where_nobody_looked_before_is_revealed_and_not_new() -> None:
    before = seen([booking(10, 50)])
    now = seen([booking(10, 50), booking(11, 105)], 20, 120)
    assert 0 == intake.compare(PackedRead.of(before), now, 10, 0).new


def test_the_largest_id_is_remembered_after_its_booking_left() -> None:
    largest = intake.largest_id(["10", "9"])
    assert 10 == largest
    assert 10 == intake.largest_id([], largest)
    assert 11 == intake.largest_id(["11"], largest)
    assert 0 == intake.compare(PackedRead.of(seen([])), seen([booking(10, 50)]), largest, 0).new


def test_a_booking_that_was_new_once_is_not_new_when_it_leaves_and_comes_back() -> None:
    before, largest, new = None, 0, []
    for numbers in ([10], [10, 11], [10], [10, 11], [10, 11, 12]):
        now = seen([booking(number, 50) for number in numbers])
        found = intake.compare(before, now, largest, 0)
        before, largest = intake.remember(now, ()), found.largest_id
        new.append(found.new)
    assert [0, 1, 0, 0, 1] == new


def test_what_is_owed_an_answer_is_missed_again() -> None:
    before = seen([booking(2, 50)])
    now = intake.keep_unanswered(seen([]), gone_bookings(before, seen([]), 0))
    assert (booking(2, 50),) == gone_bookings(now, seen([]), 0)


@pytest.mark.slow
def test_a_portal_that_shows_other_bookings_with_every_read_does_not_fill_the_memory() -> None:
    known = seen([booking(number, 50) for number in range(1, 2001)])
    for turn in range(1, 5):
        now = seen([booking(10_000 * turn + number, 50) for number in range(700)])
        owed = gone_bookings(known, now, 0)
        known = intake.keep_unanswered(now, owed)
        assert 2700 == len(known.bookings)
        assert set(now.bookings.ids) <= set(known.bookings.ids)
        assert list(owed[:2000]) == [kept for kept in known.bookings if kept.id not in now.bookings.ids]
