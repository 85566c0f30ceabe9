"""Counting and conflicts, example by example."""

from __future__ import annotations

import pytest

from exporter.counting.bookings import Booking, Rule, count_windows, is_in_window, next_start, unique
from exporter.counting.conflicts import conflict_reach, conflicting_ids, first_conflicts
from exporter.model import Conflict, Window

WINDOW = Window("w", 100, 200)


def booking(name: str, start: float, end: float, *resources: str, status: str | None = None) -> Booking:
    return Booking(name, start, end, resources or ("1",), status)


@pytest.mark.parametrize(
    ("start", "end", "by_start", "by_overlap"),
    [
        (100, 110, True, True),
        (200, 210, False, False),
        (90, 100, False, False),
        (90, 101, False, True),
        (90, 300, False, True),
        (199, 300, True, True),
        (100, 100, True, True),
        (200, 200, False, False),
        (99, 99, False, False),
    ],
)
def test_a_booking_belongs_to_a_half_open_window(start: float, end: float, by_start: bool, by_overlap: bool) -> None:
    assert by_start is is_in_window(booking("a", start, end), WINDOW, "start")
    assert by_overlap is is_in_window(booking("a", start, end), WINDOW, "overlap")


def test_a_booking_across_the_border_of_two_windows_is_counted_once_by_start_and_twice_by_overlap() -> None:
    windows = (Window("first", 0, 100), Window("second", 100, 200))
    rows = [booking("a", 90, 110)]
    rules: dict[Rule, list[int]] = {"start": [1, 0], "overlap": [1, 1]}
    for rule, expected in rules.items():
        assert expected == [counted.bookings for counted in count_windows(rows, windows, rule)]


def test_a_row_read_twice_counts_once_and_as_it_was_read_last() -> None:
    assert (booking("a", 5, 6), booking("b", 2, 3)) == unique([booking("a", 1, 2), booking("b", 2, 3), booking("a", 5, 6)])


def test_counts_that_were_not_asked_for_are_none_and_not_zero() -> None:
    (counted,) = count_windows([], [WINDOW], "start")
    assert (0, None, None, None) == (counted.bookings, counted.conflicting, counted.by_status, counted.by_resource)


def test_a_resource_and_a_status_without_bookings_have_zero() -> None:
    (counted,) = count_windows([], [WINDOW], "start", statuses=["pending"], resources=["7"])
    assert ({"pending": 0}, {"7": 0}) == (counted.by_status, counted.by_resource)


def test_a_booking_of_two_resources_counts_for_both_and_once_for_a_resource_named_twice() -> None:
    (counted,) = count_windows([booking("a", 150, 160, "1", "2", "2")], [WINDOW], "start", resources=["1", "2"])
    assert {"1": 1, "2": 1} == counted.by_resource


def test_statuses_are_counted_in_the_window_only() -> None:
    rows = [booking("a", 150, 160, status="pending"), booking("b", 250, 260, status="pending")]
    (counted,) = count_windows(rows, [WINDOW], "start", statuses=["pending", "confirmed"])
    assert {"pending": 1, "confirmed": 0} == counted.by_status


def test_touching_ends_do_not_conflict() -> None:
    assert frozenset() == conflicting_ids([booking("a", 0, 10), booking("b", 10, 20)])


def test_overlap_on_different_resources_does_not_conflict() -> None:
    assert frozenset() == conflicting_ids([booking("a", 0, 10, "1"), booking("b", 5, 15, "2")])


def test_overlap_on_one_of_several_resources_conflicts() -> None:
    assert {"a", "b"} == conflicting_ids([booking("a", 0, 10, "1", "2"), booking("b", 5, 15, "2", "3")])


def test_a_resource_that_may_overlap_is_skipped() -> None:
    rows = [booking("a", 0, 10, "hall"), booking("b", 5, 15, "hall")]
    assert frozenset() == conflicting_ids(rows, {"hall"})


def test_bookings_without_a_resource_never_conflict() -> None:
    assert frozenset() == conflicting_ids([Booking("a", 0, 10), Booking("b", 0, 10)])


def test_a_zero_length_booking_conflicts_only_strictly_inside_another() -> None:
    around = booking("around", 0, 10)
    assert {"around", "zero"} == conflicting_ids([around, booking("zero", 5, 5)])
    assert frozenset() == conflicting_ids([around, booking("zero", 0, 0)])
    assert frozenset() == conflicting_ids([around, booking("zero", 10, 10)])
    assert frozenset() == conflicting_ids([booking("one", 5, 5), booking("two", 5, 5)])


def test_a_booking_conflicts_although_its_partner_lies_outside_the_window() -> None:
    rows = [booking("in", 190, 210), booking("out", 205, 220)]
    (counted,) = count_windows(rows, [WINDOW], "start", conflicting=conflicting_ids(rows))
    assert 1 == counted.conflicting


def test_three_bookings_at_once_count_three_and_not_the_number_of_pairs() -> None:
    rows = [booking(name, 150, 160) for name in "abc"]
    (counted,) = count_windows(rows, [WINDOW], "start", conflicting=conflicting_ids(rows))
    assert 3 == counted.conflicting


def test_the_reach_covers_bookings_that_leave_the_window_but_not_those_without_an_exclusive_resource() -> None:
    rows = [booking("long", 199, 350), booking("early", 50, 101), booking("hall", 150, 900, "hall"), Booking("none", 150, 800)]
    assert (199, 350) == conflict_reach(rows, [WINDOW], "start", {"hall"})
    assert (50, 350) == conflict_reach(rows, [WINDOW], "overlap", {"hall"})
    assert conflict_reach([booking("out", 300, 400)], [WINDOW], "start") is None


def test_the_first_conflicts_are_the_soonest_ahead_and_then_the_latest_that_are_over() -> None:
    rows = [booking(f"{name}{at}", at + shift, at + 20) for at in (100, 130, 160, 190) for name, shift in (("a", 0), ("b", 5))]
    found = first_conflicts(rows, [WINDOW], "start", now=155, limit=3)
    assert [("a160", "b160"), ("a190", "b190"), ("a130", "b130")] == [(pair.first, pair.second) for pair in found]


def test_a_pair_outside_all_windows_is_not_shown_and_one_with_a_single_foot_inside_is() -> None:
    rows = [booking("a", 0, 10), booking("b", 5, 15), booking("in", 195, 230), booking("out", 210, 240)]
    assert (Conflict("1", "in", "out", 210, 230),) == first_conflicts(rows, [WINDOW], "start", now=0)


def test_a_pair_that_shares_two_resources_is_named_once() -> None:
    rows = [booking("a", 110, 130, "1", "2"), booking("b", 120, 140, "2", "1")]
    assert (Conflict("1", "a", "b", 120, 130),) == first_conflicts(rows, [WINDOW], "start", now=0)


def test_the_next_booking_starts_after_now_and_before_the_end_of_what_was_read() -> None:
    rows = [booking("past", 1, 9), booking("now", 10, 20), booking("next", 15, 20), booking("far", 90, 95)]
    assert 15 == next_start(rows, 10, 80)
    assert next_start(rows, 15, 80) is None
