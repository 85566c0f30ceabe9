"""Columns against rows: what is counted over a table equals what is counted booking by booking, the slow and simple way."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.counting.bookings import (
    Booking,
    Rule,
    count_windows,
    in_any_window,
    is_in_window,
    next_start,
    reservations,
    unique,
)
from exporter.counting.changes import CompleteRead, PackedRead, booking_changes
from exporter.counting.conflicts import conflict_reach, find_conflicts
from exporter.counting.table import Table, apart, joined
from exporter.counting.windows import WindowSpec, resolve_all
from exporter.model import Window

HALL = "hall"
HALF_HOUR = 1800.0
# The nights in which clocks change, and an ordinary one.
NIGHTS = [datetime(2026, month, day, tzinfo=UTC).timestamp() for month, day in ((3, 29), (10, 4), (10, 25), (11, 1), (7, 15))]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]
SPECS = (
    WindowSpec("last_24h", "now-24h", "now"),
    WindowSpec("today", "now/d", "now+1d/d"),
    WindowSpec("tomorrow", "now+1d/d", "now+2d/d"),
    WindowSpec("later", "now+3d", "now+4d"),
)
STATUSES = [None, "confirmed", "pending"]
rules = st.sampled_from(["start", "overlap"])

# Few moments, ids and resources: ties, touching ends, no length, many resources and the same id twice are common.
SETS_OF_RESOURCES = [(), ("1",), ("1",), ("2",), ("1", "2"), ("2", "2", "3"), (HALL,), (HALL, "1")]
Row = tuple[int, int, int, tuple[str, ...], str | None]
rows = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.integers(-60, 220) | st.integers(0, 8),
        st.sampled_from([0, 0, 1, 1, 2, 3, 48]),
        st.sampled_from(SETS_OF_RESOURCES),
        st.sampled_from(STATUSES),
    ),
    max_size=25,
)
nights = st.builds(lambda night, steps: night + steps * HALF_HOUR, st.sampled_from(NIGHTS), st.integers(-3, 6))


def bookings(rows: Sequence[Row], now: float) -> list[Booking]:
    return [
        Booking(str(number), now + start * HALF_HOUR, now + (start + length) * HALF_HOUR, resources, status)
        for number, start, length, resources, status in rows
    ]


def each_once(rows: Sequence[Booking]) -> list[Booking]:
    return list({row.id: row for row in rows}.values())


def inside(rows: Sequence[Booking], windows: Sequence[Window], rule: Rule) -> list[Booking]:
    return [row for row in rows if any(is_in_window(row, window, rule) for window in windows)]


def clash(one: Booking, other: Booking) -> bool:
    shared = set(one.resources) & set(other.resources) - {HALL}
    return one.id != other.id and bool(shared) and one.start < other.end and other.start < one.end


@pytest.mark.slow
@given(rows, st.lists(st.integers(0, 40), max_size=3))
def test_a_table_is_the_sequence_of_its_bookings_and_pages_join_to_each_id_once(rows: list[Row], cuts: list[int]) -> None:
    given = bookings(rows, 0.0)
    table = Table.of(given)
    assert (list(table), len(table), [table[at] for at in range(len(table))]) == (given, len(given), given)
    assert list(table[1:3]) == given[1:3]
    bounds = [0, *sorted(cuts), len(given)]
    pages = [Table.of(given[low:high]) for low, high in pairwise(bounds)]
    assert list(joined(pages)) == list(unique(given)) == each_once(given)
    assert reservations(table) == [max(1, len(row.resources)) for row in given]


@pytest.mark.slow
@given(rows, nights, st.sampled_from(ZONES), rules, st.sets(st.integers(1, 40).map(str), max_size=3))
def test_every_count_over_a_table_equals_a_count_booking_by_booking(
    rows: list[Row], now: float, zone: str, rule: Rule, accepted: set[str]
) -> None:
    given = each_once(bookings(rows, now))
    windows = resolve_all(SPECS, now, ZoneInfo(zone))
    table = Table.of(given)
    found = find_conflicts(table, windows, rule, now=now, overlapping_resources={HALL}, accepted=accepted)
    clashing = {row.id for row in given if any(clash(row, other) for other in given)}
    judged = [row for row in given if row.id not in accepted]
    assert found.ids == clashing
    assert found.accepted == clashing - {row.id for row in judged if any(clash(row, other) for other in judged)}

    for counted in count_windows(
        table,
        windows,
        rule,
        conflicting=found.ids,
        accepted=found.accepted,
        statuses=["confirmed", "pending"],
        resources=["1", "2", "9"],
    ):
        here = inside(given, [counted.window], rule)
        assert counted.bookings == len(here)
        assert counted.conflicting == sum(row.id in clashing for row in here)
        assert counted.accepted == sum(row.id in found.accepted for row in here)
        assert counted.by_status == {status: sum(row.status == status for row in here) for status in STATUSES[1:]}
        assert counted.by_resource == {name: sum(name in row.resources for row in here) for name in ("1", "2", "9")}

    anywhere = inside(given, windows, rule)
    assert list(in_any_window(table, windows, rule)) == anywhere
    occupying = [row for row in anywhere if set(row.resources) - {HALL}]
    reach = (min(row.start for row in occupying), max(row.end for row in occupying)) if occupying else None
    assert conflict_reach(table, windows, rule, {HALL}) == reach
    assert next_start(table, now) == min((row.start for row in given if row.start > now), default=None)


@pytest.mark.slow
@given(rows, rows, st.integers(-40, 100), rules)
def test_what_came_and_what_went_equals_a_look_at_each_booking(
    earlier: list[Row],
    later: list[Row],
    step: int,
    rule: Rule,
) -> None:
    before_rows, now_rows = each_once(bookings(earlier, 0.0)), each_once(bookings(later, 0.0))
    before = CompleteRead(0.0, 100 * HALF_HOUR, rule, Table.of(before_rows).times())
    now = CompleteRead(step * HALF_HOUR, (100 + step) * HALF_HOUR, rule, Table.of(now_rows).times())
    known, shown = {row.id for row in before_rows}, {row.id for row in now_rows}
    found = booking_changes(PackedRead.of(before).seen(), now, 10 * HALF_HOUR)
    assert [row.id for row in found.appeared] == [row.id for row in now_rows if row.id not in known]
    assert found.new == {row.id for row in now_rows if row.id not in known and before.covers(row)}
    lost = [row for row in before_rows if row.id not in shown and row.start > 10 * HALF_HOUR and now.covers(row)]
    assert {row.id for row in found.gone} == {row.id for row in lost}
    assert [row.start for row in found.gone] == sorted(row.start for row in lost)
    came, went = apart(now.bookings, before.bookings)
    assert ({row.id for row in came}, {row.id for row in went}) == (shown - known, known - shown)


def test_a_booking_that_is_remembered_takes_30_bytes() -> None:
    rows = [Booking(str(1_000_000 + number), number, number + 60.0, ("1",)) for number in range(10_000)]
    packed = PackedRead.of(CompleteRead(0.0, 1e9, "start", Table.of(rows)))
    assert sum(map(sys.getsizeof, (packed.ids, packed.starts, packed.ends))) < 30 * len(rows)
    assert list(packed.seen().bookings) == [Booking(row.id, row.start, row.end) for row in rows]
