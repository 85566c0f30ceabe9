"""Overlaps that are meant, against brute force over random worlds."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.counting import Booking, Rule, count_windows, find_conflicts, is_in_window
from exporter.model import Window
from tests.counting.test_bookings_properties import HALL, clash, rules, window_sets, worlds

some_ids = st.frozensets(st.integers(0, 24).map(str), max_size=8)


def overlaps(rows: list[Booking]) -> list[tuple[Booking, Booking]]:
    return [pair for pair in combinations(rows, 2) if clash(*pair)]


@pytest.mark.slow
@given(worlds(), window_sets(), rules, some_ids, st.integers(-5, 45))
def test_a_booking_is_accepted_when_each_of_its_overlaps_is(
    rows: list[Booking], windows: list[Window], rule: Rule, accepted: frozenset[str], now: int
) -> None:
    pairs = overlaps(rows)
    conflicting = {booking.id for pair in pairs for booking in pair}
    judged = {booking.id for pair in pairs if not {row.id for row in pair} & accepted for booking in pair}
    found = find_conflicts(rows, windows, rule, now=now, overlapping_resources={HALL}, accepted=accepted)
    assert conflicting == found.ids
    assert conflicting - judged == found.accepted
    for counted in count_windows(rows, windows, rule, conflicting=found.ids, accepted=found.accepted):
        inside = {row.id for row in rows if is_in_window(row, counted.window, rule)}
        assert len(inside & judged) == (counted.conflicting or 0) - (counted.accepted or 0)


@pytest.mark.slow
@given(worlds(), window_sets(), rules, some_ids, st.integers(-5, 45))
def test_what_is_to_be_judged_is_listed_first_and_begins_with_the_next_conflict(
    rows: list[Booking], windows: list[Window], rule: Rule, accepted: frozenset[str], now: int
) -> None:
    wanted = {row.id for row in rows if any(is_in_window(row, window, rule) for window in windows)}
    pairs = [pair for pair in overlaps(rows) if {row.id for row in pair} & wanted]
    meant = {frozenset(row.id for row in pair) for pair in pairs if {row.id for row in pair} & accepted}
    judged = [pair for pair in pairs if not {row.id for row in pair} & accepted]
    found = find_conflicts(rows, windows, rule, now=now, overlapping_resources={HALL}, accepted=accepted)
    shown = [frozenset((pair.first, pair.second)) for pair in found.first]
    assert min(10, len(pairs)) == len(shown)
    first_meant = min(len(judged), 10)
    assert {frozenset(row.id for row in pair) for pair in judged} >= set(shown[:first_meant])
    assert meant >= set(shown[first_meant:])
    ahead = [max(one.start, other.start) for one, other in judged if min(one.end, other.end) > now]
    assert min(ahead, default=None) == found.next
