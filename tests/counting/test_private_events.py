"""Private events against bookings, and the same worked out by comparing each with each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.counting.private_events import Busy, Taken, overlapped, sort_events

MINUTE = 60.0
HOUR = 3600.0
BOOKING = Taken("b", "anna", 10 * HOUR, 11 * HOUR)


def busy(start: float, end: float, schedule: str = "anna") -> Busy:
    """Return an event from ``start`` to ``end``, in hours."""
    return Busy(schedule, start * HOUR, end * HOUR)


@pytest.mark.parametrize(
    ("start", "end", "overlaps"),
    [
        (9, 10, False),
        (9, 10.01, True),
        (11, 12, False),
        (10.99, 12, True),
        (9, 12, True),
        (10.2, 10.3, True),
        (10.5, 10.5, True),
        (10, 10, False),
        (11, 11, False),
    ],
)
def test_an_event_overlaps_what_it_does_not_only_touch(start: float, end: float, overlaps: bool) -> None:
    assert overlaps == bool(overlapped([BOOKING], [busy(start, end)]))


def test_an_event_of_another_schedule_overlaps_nothing() -> None:
    assert {} == overlapped([BOOKING], [busy(9, 12, "ben")])


def test_a_booking_is_found_once_with_all_that_overlap_it_however_many() -> None:
    events = [busy(9, 10.5), busy(10.2, 10.4), busy(10.9, 13), busy(12, 13)]
    assert {BOOKING: tuple(events[:3])} == overlapped([BOOKING], events)


def test_a_booking_without_length_is_overlapped_by_what_begins_before_and_ends_after_it() -> None:
    short = Taken("short", "anna", 10 * HOUR, 10 * HOUR)
    assert {} == overlapped([short], [busy(9, 10), busy(10, 11), busy(10, 10)])
    assert [short] == list(overlapped([short], [busy(9, 11)]))


@pytest.mark.parametrize(
    ("start", "end", "is_copy"),
    [(0, 0, True), (60, -60, True), (-60, 60, True), (61, 0, False), (-61, 0, False), (0, 61, False), (0, -61, False)],
)
def test_an_event_with_the_times_of_a_booking_is_its_copy_up_to_a_minute(start: float, end: float, is_copy: bool) -> None:
    event = Busy("anna", BOOKING.start + start, BOOKING.end + end)
    found = sort_events([event], [BOOKING])
    assert (frozenset([event] if is_copy else []), is_copy) == (found.copies, event not in found.private)


def test_a_copy_is_one_of_its_own_schedule_only() -> None:
    assert frozenset() == sort_events([busy(10, 11, "ben")], [BOOKING]).copies


@pytest.mark.parametrize(
    ("start", "end", "is_buffer"),
    [(11, 11.25, True), (9.75, 10, True), (11, 12, True), (11, 12.1, False), (11.1, 11.25, False), (10.75, 11.25, False)],
)
def test_what_lies_right_beside_a_copy_for_an_hour_at_most_was_exported_with_it(
    start: float, end: float, is_buffer: bool
) -> None:
    found = sort_events([busy(10, 11), busy(start, end)], [BOOKING])
    assert (frozenset([busy(10, 11)]), is_buffer) == (found.copies, busy(start, end) in found.buffers)
    assert is_buffer == (busy(start, end) not in found.private)


def test_without_a_copy_nothing_lies_beside_one() -> None:
    assert frozenset([busy(11, 11.25)]) == sort_events([busy(11, 11.25)], [BOOKING]).private


def test_what_comes_twice_counts_once() -> None:
    assert frozenset([busy(12, 13)]) == sort_events([busy(12, 13), busy(12, 13)], [BOOKING]).private


moments = st.integers(0, 24).map(lambda quarter: quarter * 15 * MINUTE)
lengths = st.sampled_from([0, 15, 30, 45, 60, 75, 180]).map(lambda minutes: minutes * MINUTE)
schedules = st.sampled_from(["anna", "ben"])
shifts = st.sampled_from([0.0, 30.0, 60.0, 61.0, -60.0])


@st.composite
def bookings_of(draw: st.DrawFn) -> list[Taken]:
    rows = draw(st.lists(st.tuples(schedules, moments, lengths), max_size=12))
    return [Taken(str(number), schedule, start, start + length) for number, (schedule, start, length) in enumerate(rows)]


@st.composite
def events_of(draw: st.DrawFn) -> list[Busy]:
    rows = draw(st.lists(st.tuples(schedules, moments, lengths, shifts), max_size=12))
    return [Busy(schedule, start + shift, start + length + max(shift, 0)) for schedule, start, length, shift in rows]


def _naive_copies(events: Sequence[Busy], bookings: Sequence[Taken]) -> set[Busy]:
    return {
        event
        for event in events
        for booking in bookings
        if event.schedule == booking.schedule and abs(event.start - booking.start) <= 60 and abs(event.end - booking.end) <= 60
    }


def _naive_private(events: Sequence[Busy], bookings: Sequence[Taken]) -> set[Busy]:
    copies = _naive_copies(events, bookings)
    beside = {
        event
        for event in events
        for copy in copies
        if event.schedule == copy.schedule
        and event.end - event.start <= 3600
        and (abs(event.start - copy.end) <= 60 or abs(event.end - copy.start) <= 60)
    }
    return set(events) - copies - beside


@settings(max_examples=400, deadline=None)
@given(bookings_of(), events_of())
def test_copies_and_what_lies_beside_them_are_those_of_comparing_each_with_each(
    bookings: list[Taken], events: list[Busy]
) -> None:
    found = sort_events(events, bookings)
    assert _naive_copies(events, bookings) == found.copies
    assert _naive_private(events, bookings) == found.private
    assert set(events) == found.private | found.copies | found.buffers


@settings(max_examples=400, deadline=None)
@given(bookings_of(), events_of())
def test_overlaps_are_those_of_comparing_each_with_each(bookings: list[Taken], events: list[Busy]) -> None:
    distinct = set(events)
    naive = {
        booking: {
            event
            for event in distinct
            if event.schedule == booking.schedule and event.start < booking.end and booking.start < event.end
        }
        for booking in bookings
    }
    found = overlapped(bookings, distinct)
    assert {booking: over for booking, over in naive.items() if over} == {key: set(over) for key, over in found.items()}
    assert sorted(found, key=lambda booking: (booking.start, booking.id)) == list(found)


def test_an_event_that_lasts_long_does_not_make_each_booking_look_at_all_events() -> None:
    looked = 0

    class Counted(float):
        def __gt__(self, other: float) -> bool:
            nonlocal looked
            looked += 1
            return float(self) > other

    events = [Busy("anna", 0.0, Counted(1e6)), *(Busy("anna", float(at), Counted(at + 1)) for at in range(0, 4000, 2))]
    bookings = [Taken(str(at), "anna", at + 1.0, at + 2.0) for at in range(0, 4000, 2)]
    assert 2000 == len(overlapped(bookings, events))
    assert looked < 20_000
