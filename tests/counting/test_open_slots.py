"""Bookable slots against private events, and the same worked out by comparing each with each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.counting import Busy, Offered, offered_over

HOUR = 3600.0
SCHEDULES = {"r-anna": "anna", "r-ben": "ben"}


def busy(start: float, end: float, schedule: str = "anna") -> Busy:
    return Busy(schedule, start * HOUR, end * HOUR)


def slot(start: float, end: float, *resources: str) -> Offered:
    return Offered(start * HOUR, end * HOUR, resources or ("r-anna",))


@pytest.mark.parametrize(
    ("start", "end", "over"),
    [(9, 10, 0), (9, 10.01, 1), (11, 12, 0), (10.99, 12, 1), (9, 12, 1), (10.2, 10.3, 1), (10.5, 10.5, 1), (10, 10, 0)],
)
def test_an_event_lies_under_a_slot_that_it_does_not_only_touch(start: float, end: float, over: int) -> None:
    assert over == len(offered_over([slot(10, 11)], SCHEDULES, [busy(start, end)])["anna"])


def test_a_slot_counts_once_however_many_events_lie_under_it_and_for_each_whom_it_names() -> None:
    one = slot(10, 11, "r-anna", "r-anna", "r-ben")
    events = [busy(10, 10.5), busy(10.2, 12), busy(9, 11, "ben")]
    assert {"anna": (one,), "ben": (one,)} == offered_over([one], SCHEDULES, events)


def test_a_long_event_that_began_first_is_not_hidden_by_a_short_one_behind_it() -> None:
    one = slot(12, 13)
    assert {"anna": (one,)} == offered_over([one], SCHEDULES, [busy(9, 18), busy(10, 11)])


def test_of_whom_no_slot_names_nothing_is_said() -> None:
    assert {"anna": ()} == offered_over([slot(10, 11)], SCHEDULES, [busy(10, 11, "ben")])


def test_a_resource_without_a_schedule_is_nobody() -> None:
    assert {} == offered_over([slot(10, 11, "r-room")], SCHEDULES, [busy(10, 11)])


moments = st.integers(0, 12).map(float)
slots = st.builds(
    lambda start, length, resources: Offered(start, start + length, tuple(resources)),
    moments,
    st.integers(1, 6).map(float),
    st.lists(st.sampled_from(("r-anna", "r-ben", "r-room")), max_size=4),
)
events = st.builds(
    lambda schedule, start, length: Busy(schedule, start, start + length),
    st.sampled_from(("anna", "ben", "carla")),
    moments,
    st.integers(0, 8).map(float),
)


@given(st.lists(slots, max_size=12), st.lists(events, max_size=12))
@settings(max_examples=500)
def test_the_numbers_are_those_of_comparing_each_slot_with_each_event(
    offered: Sequence[Offered], private: Sequence[Busy]
) -> None:
    expected = {
        schedule: sum(
            resource in one.resources
            and any(event.schedule == schedule and event.start < one.end and one.start < event.end for event in private)
            for one in offered
        )
        for resource, schedule in SCHEDULES.items()
        if any(resource in one.resources for one in offered)
    }
    assert expected == {schedule: len(rows) for schedule, rows in offered_over(offered, SCHEDULES, private).items()}
