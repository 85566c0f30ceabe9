"""New and gone, under windows that move (bitrix24.md 2.3)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.counting.bookings import Booking
from exporter.platforms.bitrix24 import intake

DAY = 86_400.0


def booking(number: int, start: float, length: float = 10.0) -> Booking:
    return Booking(str(number), start, start + length)


def test_a_larger_id_inside_what_was_covered_is_new_and_a_smaller_one_is_not() -> None:
    before = intake.seen(None, [booking(10, 50)], 0, 100)
    now = intake.seen(before, [booking(10, 50), booking(11, 60), booking(9, 70)], 0, 100)
    assert intake.discovered(before, now) == 1


def test_a_larger_id_where_nobody_looked_before_is_revealed_and_not_new() -> None:
    before = intake.seen(None, [booking(10, 50)], 0, 100)
    now = intake.seen(before, [booking(10, 50), booking(11, 105)], 20, 120)
    assert intake.discovered(before, now) == 0


def test_the_largest_id_is_remembered_after_its_booking_left() -> None:
    first = intake.seen(None, [booking(10, 50)], 0, 100)
    second = intake.seen(first, [], 0, 100)
    third = intake.seen(second, [booking(10, 50)], 0, 100)
    assert intake.discovered(second, third) == 0


def test_only_what_lies_ahead_and_inside_the_present_range_is_missing() -> None:
    before = intake.seen(None, [booking(1, 10), booking(2, 50), booking(3, 90), booking(4, 150)], 0, 200)
    now = intake.seen(before, [booking(3, 90)], 20, 120)
    assert intake.missing(before, now, moment=40) == (booking(2, 50),)


def test_what_is_owed_an_answer_is_missed_again() -> None:
    before = intake.seen(None, [booking(2, 50)], 0, 100)
    now = intake.keep_unanswered(intake.seen(before, [], 0, 100), [booking(2, 50)], 10)
    later = intake.seen(now, [], 0, 100)
    assert intake.missing(now, later, moment=0) == (booking(2, 50),)


def test_a_portal_that_shows_other_bookings_with_every_read_does_not_fill_the_memory() -> None:
    seen = intake.seen(None, [booking(number, 50) for number in range(1, 11)], 0, 100)
    for turn in range(1, 5):
        now = intake.seen(seen, [booking(100 * turn + number, 50) for number in range(7)], 0, 100)
        owed = intake.missing(seen, now, moment=0)
        seen = intake.keep_unanswered(now, owed, 10)
        assert len(seen.bookings) == 10
        assert set(now.bookings) <= set(seen.bookings)
        assert list(owed[:3]) == [kept for key, kept in seen.bookings.items() if key not in now.bookings]


@given(
    st.lists(st.tuples(st.floats(-20 * DAY, 20 * DAY), st.floats(0, DAY)), max_size=30),
    st.lists(st.floats(60, 3 * DAY), min_size=1, max_size=6),
)
def test_time_alone_neither_discovers_nor_loses_anything(rows: list[tuple[float, float]], steps: list[float]) -> None:
    world = [booking(number + 1, start, length) for number, (start, length) in enumerate(rows)]
    now, before = 0.0, None
    for step in [0.0, *steps]:
        now += step
        low, high = now - DAY, now + 7 * DAY
        found = [row for row in world if row.start < high and row.end > low]
        current = intake.seen(before, found, low, high)
        if before is not None:
            assert (intake.discovered(before, current), intake.missing(before, current, now)) == (0, ())
        before = current
