"""The union of busy times, which all readers make in the same way."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from exporter.platforms.calendar.reading import busy_periods

_TIMES = st.lists(st.tuples(st.integers(-3, 30), st.integers(-3, 30)), max_size=12)


def _seconds(periods: object, low: int, high: int) -> list[bool]:
    return [any(start <= second < end for start, end in periods) for second in range(low, high)]  # type: ignore[attr-defined]


def test_busy_times_that_touch_or_overlap_are_one() -> None:
    assert ((0.0, 30.0), (40.0, 50.0)) == busy_periods([(40.0, 50.0), (10.0, 30.0), (0.0, 10.0), (5.0, 12.0)])


def test_what_has_no_length_is_no_busy_time() -> None:
    assert () == busy_periods([(5.0, 5.0), (9.0, 3.0)])


def test_a_busy_time_ends_at_the_range() -> None:
    assert ((10.0, 12.0), (18.0, 20.0)) == busy_periods([(0.0, 12.0), (18.0, 40.0), (20.0, 25.0), (3.0, 10.0)], 10.0, 20.0)


@given(_TIMES)
def test_the_union_is_busy_whenever_an_entry_is(entries: list[tuple[int, int]]) -> None:
    merged = busy_periods(entries)

    assert _seconds(entries, -5, 35) == _seconds(merged, -5, 35)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(merged))
