"""Counting and conflicts against brute force over random worlds."""

from __future__ import annotations

import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.counting.bookings import Booking, Rule, count_windows, is_in_window, next_start
from exporter.counting.conflicts import conflict_reach, conflicting_ids, first_conflicts
from exporter.model import Window

HALL = "hall"
resources = st.lists(st.sampled_from(["1", "2", HALL]), max_size=3, unique=True).map(tuple)


@st.composite
def worlds(draw: st.DrawFn, most: int = 25) -> list[Booking]:
    """Few moments, so that touching, equal and zero-length bookings are common."""
    rows = []
    for number in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, 30))
        rows.append(Booking(str(number), start, start + draw(st.integers(0, 12)), draw(resources)))
    return draw(st.permutations(rows))


@st.composite
def window_sets(draw: st.DrawFn) -> list[Window]:
    windows = []
    for number in range(draw(st.integers(1, 3))):
        start = draw(st.integers(-5, 30))
        windows.append(Window(f"w{number}", start, start + draw(st.integers(1, 20))))
    return windows


rules = st.sampled_from(["start", "overlap"])


def clash(one: Booking, other: Booking) -> bool:
    shared = set(one.resources) & set(other.resources) - {HALL}
    return bool(shared) and one.start < other.end and other.start < one.end


def brute_conflicts(rows: list[Booking]) -> set[str]:
    return {row.id for row in rows if any(clash(row, other) for other in rows if other is not row)}


@pytest.mark.slow
@given(worlds())
def test_the_sweep_finds_what_comparing_every_pair_finds(rows: list[Booking]) -> None:
    assert brute_conflicts(rows) == conflicting_ids(rows, {HALL})


@pytest.mark.slow
@given(worlds(), window_sets(), rules)
def test_window_counts_equal_a_count_minute_by_minute(rows: list[Booking], windows: list[Window], rule: Rule) -> None:
    clashing = conflicting_ids(rows, {HALL})
    for counted in count_windows(rows, windows, rule, conflicting=clashing, resources=["1", "2"]):
        minutes = range(int(counted.window.start), int(counted.window.end))
        inside = {
            row.id
            for row in rows
            if (int(row.start) in minutes)
            or (rule == "overlap" and any(minute in minutes for minute in range(int(row.start), int(row.end))))
        }
        assert len(inside) == counted.bookings
        assert len(inside & brute_conflicts(rows)) == counted.conflicting
        for resource in ("1", "2"):
            of_resource = {row.id for row in rows if resource in row.resources}
            assert counted.by_resource is not None
            assert len(inside & of_resource) == counted.by_resource[resource]


@pytest.mark.slow
@given(worlds(), window_sets(), rules)
def test_rows_that_overlap_the_reach_are_enough_for_exact_conflicts(
    rows: list[Booking], windows: list[Window], rule: Rule
) -> None:
    low, high = min(window.start for window in windows), max(window.end for window in windows)
    reach = conflict_reach(rows, windows, rule, {HALL})
    if reach is not None:
        low, high = min(low, reach[0]), max(high, reach[1])
    read = [row for row in rows if row.start < high and row.end > low]
    whole, partial = conflicting_ids(rows, {HALL}), conflicting_ids(read, {HALL})
    inside = {row.id for row in rows if row.start != row.end and any(is_in_window(row, window, rule) for window in windows)}
    assert whole & inside == partial & inside


@pytest.mark.slow
@given(worlds(), window_sets(), rules, st.integers(0, 40), st.integers(1, 4))
def test_the_shown_conflicts_are_the_first_of_all_pairs(
    rows: list[Booking], windows: list[Window], rule: Rule, now: int, limit: int
) -> None:
    inside = {row.id for row in rows if any(is_in_window(row, window, rule) for window in windows)}
    ahead: list[float] = []
    over: list[float] = []
    for one, other in combinations(rows, 2):
        if clash(one, other) and inside & {one.id, other.id}:
            start, end = max(one.start, other.start), min(one.end, other.end)
            (over if end <= now else ahead).append(start)
    found = first_conflicts(rows, windows, rule, now=now, overlapping_resources={HALL}, limit=limit)
    assert (sorted(ahead) + sorted(over, reverse=True))[:limit] == [pair.start for pair in found]
    assert len(found) == len({frozenset((pair.first, pair.second)) for pair in found})
    by_id = {row.id: row for row in rows}
    assert all(clash(by_id[pair.first], by_id[pair.second]) for pair in found)


@pytest.mark.slow
@given(worlds(), st.integers(0, 40), st.integers(0, 40))
def test_the_next_start_is_the_least_of_those_ahead(rows: list[Booking], after: int, before: int) -> None:
    assert min([row.start for row in rows if after < row.start < before], default=None) == next_start(rows, after, before)


@pytest.mark.slow
def test_ten_thousand_bookings_are_swept_quickly() -> None:
    rows = [Booking(str(number), number * 60.0, number * 60.0 + 3600, (str(number % 5),)) for number in range(10_000)]
    windows = [Window("all", 0, 1e9), Window("half", 3e5, 1e9)]
    began = time.process_time()
    clashing = conflicting_ids(rows)
    counted = count_windows(rows, windows, "start", conflicting=clashing)
    first_conflicts(rows, windows, "start", now=1e12)
    assert 10_000 == counted[0].conflicting
    assert time.process_time() - began < 5  # quadratic work would take minutes
