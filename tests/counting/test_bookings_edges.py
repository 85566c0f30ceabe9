"""Borders of windows, of overlaps and of what is shown of them, in single examples."""

from __future__ import annotations

import pytest

from exporter.counting import (
    Booking,
    CompleteRead,
    PackedRead,
    Rule,
    Table,
    apart,
    booking_changes,
    conflict_reach,
    count_windows,
    find_conflicts,
    in_any_window,
    joined,
    next_start,
    reservations,
    too_many_bookings,
)
from exporter.counting.conflicts import first_conflicts
from exporter.model import CollectorName, Conflict, Window

DAY = Window("day", 100.0, 200.0)
RULES: tuple[Rule, Rule] = ("start", "overlap")


def booking(name: str, start: float, end: float, *resources: str, status: str | None = None) -> Booking:
    return Booking(name, start, end, resources or ("1",), status)


BORDERS = [
    booking("ends at the beginning", 90, 100),
    booking("begins at the beginning", 100, 110),
    booking("runs into it", 90, 100.5),
    booking("runs through it", 90, 300),
    booking("begins just before the end", 199.5, 300),
    booking("begins at the end", 200, 210),
    booking("takes no time before", 99, 99),
    booking("takes no time at the beginning", 100, 100),
    booking("takes no time at the end", 200, 200),
]


@pytest.mark.parametrize(("rule", "number"), [("start", 3), ("overlap", 5)])
def test_counts_of_all_kinds_agree_about_the_borders_of_a_window(rule: Rule, number: int) -> None:
    rows = [booking(row.id, row.start, row.end, "7", status="confirmed") for row in BORDERS]
    ids = [row.id for row in rows]
    [plain] = count_windows(rows, [DAY], rule)
    [full] = count_windows(rows, [DAY], rule, conflicting=ids, accepted=ids, statuses=["confirmed"], resources=["7"])
    assert number == plain.bookings == full.bookings == full.conflicting == full.accepted
    assert ({"confirmed": number}, {"7": number}) == (full.by_status, full.by_resource)
    assert number == len(in_any_window(rows, [DAY], rule))


def test_without_a_question_for_conflicts_none_are_accepted_and_with_one_none_are_zero() -> None:
    [unasked] = count_windows(BORDERS, [DAY], "start", accepted=["runs into it"])
    assert (None, None) == (unasked.conflicting, unasked.accepted)
    [asked] = count_windows(BORDERS, [DAY], "start", conflicting=())
    assert (0, 0) == (asked.conflicting, asked.accepted)


@pytest.mark.parametrize("complete", [True, False])
def test_counts_say_whether_all_rows_could_be_read(complete: bool) -> None:
    assert [complete] == [row.complete for row in count_windows(BORDERS, [DAY], "start", complete=complete)]
    assert [True] == [row.complete for row in count_windows(BORDERS, [DAY], "start")]


def test_windows_that_touch_overlap_or_lie_apart_bring_each_booking_once_and_in_order() -> None:
    rows = [booking(str(at), at, at + 1) for at in (5, 15, 25, 35, 45, 55, 65)]
    windows = [Window("c", 40, 50), Window("a", 10, 20), Window("b", 20, 30), Window("in a", 12, 14), Window("in c", 41, 44)]
    windows += [Window("d", 49, 60)]
    assert ["15", "25", "45", "55"] == [row.id for row in in_any_window(rows, windows, "start")]
    assert [] == list(in_any_window(rows, [], "start"))


def test_the_next_booking_begins_after_now_and_before_the_end_of_what_was_read() -> None:
    rows = [booking("now", 10, 20), booking("then", 30, 40)]
    assert (10, 30, None) == (next_start(rows, 9.5), next_start(rows, 10), next_start(rows, 30))
    assert (None, 30) == (next_start(rows, 10, 30), next_start(rows, 10, 30.5))


def test_a_booking_without_a_resource_counts_as_one_and_with_three_as_three() -> None:
    assert [1, 1, 3] == reservations([Booking("a", 0, 1), booking("b", 0, 1), booking("c", 0, 1, "1", "2", "3")])


def test_the_error_of_too_many_bookings_names_the_number_and_a_further_way_out() -> None:
    assert str(too_many_bookings(CollectorName.LINKS, 5)).endswith("or choose narrower windows for links")
    assert str(too_many_bookings(CollectorName.LINKS, 5, "or wait")).endswith("or choose narrower windows for links, or wait")
    assert "the poll of links has to read more than 5 bookings" in str(too_many_bookings(CollectorName.LINKS, 5))


@pytest.mark.parametrize(
    ("rows", "clash"),
    [
        ([(0, 10), (9.5, 20)], True),
        ([(0, 10), (10, 20)], False),
        ([(0, 10), (0, 10)], True),
        ([(0, 10), (0, 0)], False),
        ([(0, 10), (5, 5)], True),
        ([(0, 10), (10, 10)], False),
        ([(0, 100), (1, 2), (99, 101)], True),
        ([(5, 5), (5, 5)], False),
    ],
)
def test_two_overlap_when_each_begins_before_the_other_ends(rows: list[tuple[float, float]], clash: bool) -> None:
    named = [booking(str(number), *times) for number, times in enumerate(rows)]
    everything = {row.id for row in named} if clash else set()
    for order in (named, named[::-1]):
        assert everything == find_conflicts(order, [Window("w", 0, 1000)], "start", now=0).ids


@pytest.mark.parametrize(("pairs", "shown"), [(9, 9), (10, 10), (11, 10)])
def test_ten_overlaps_are_shown_at_most_and_all_are_counted(pairs: int, shown: int) -> None:
    rows = [booking(f"{name}{at}", at * 10, at * 10 + 9) for at in range(pairs) for name in "ab"]
    found = find_conflicts(rows, [Window("w", 0, 1000)], "start", now=-1)
    assert (2 * pairs, shown, 0) == (len(found.ids), len(found.first), found.next)
    assert [f"a{at}" for at in range(shown)] == [conflict.first for conflict in found.first]


@pytest.mark.parametrize(("now", "following"), [(9, 0), (10, 20), (29.5, 20), (30, None)])
def test_the_next_conflict_is_the_soonest_that_is_not_over(now: float, following: float | None) -> None:
    rows = [booking("a", 0, 10), booking("b", 0, 10), booking("c", 20, 30), booking("d", 20, 30)]
    found = find_conflicts(rows, [Window("w", 0, 1000)], "start", now=now)
    assert (following, 2, 4) == (found.next, len(found.first), len(found.ids))


def test_overlaps_that_are_over_come_after_those_ahead_the_latest_first() -> None:
    rows = [booking(f"{name}{at}", at, at + 9) for at in (0, 10, 20, 30) for name in "ab"]
    found = first_conflicts(rows, [Window("w", 0, 1000)], "start", now=19)
    assert ["a20", "a30", "a10", "a0"] == [conflict.first for conflict in found]
    assert ["a20", "a30", "a10"] == [
        conflict.first for conflict in first_conflicts(rows, [DAY, Window("w", 0, 99)], "start", now=19, limit=3)
    ]


def test_an_accepted_booking_makes_its_overlaps_meant_and_leaves_the_others_to_be_judged() -> None:
    rows = [booking("a", 0, 10), booking("b", 5, 15), booking("c", 12, 20), booking("d", 14, 30)]
    found = find_conflicts(rows, [Window("w", 0, 1000)], "start", now=0, accepted={"b"})
    assert {"a", "b", "c", "d"} == found.ids
    assert {"a", "b"} == found.accepted
    assert ([("c", "d")], 14) == ([(row.first, row.second) for row in found.first[:1]], found.next)
    assert {("a", "b"), ("b", "c"), ("b", "d")} == {(row.first, row.second) for row in found.first[1:]}


def test_with_ten_overlaps_to_be_judged_no_accepted_one_is_shown_and_with_nine_one_is() -> None:
    def shown(judged: int) -> list[str]:
        rows = [booking(f"{name}{at}", at * 10, at * 10 + 9) for at in range(judged) for name in "ab"]
        meant = [booking(f"x{at}", 1000 + at * 10, 1000 + at * 10 + 9) for at in (0, 0.5, 5)]
        found = find_conflicts([*meant, *rows], [Window("w", 0, 2000)], "start", now=-1, accepted={row.id for row in meant})
        return [conflict.first for conflict in found.first]

    assert [f"a{at}" for at in range(10)] == shown(10)
    assert [*(f"a{at}" for at in range(9)), "x0"] == shown(9)


def test_an_overlap_is_from_the_later_beginning_to_the_earlier_end_and_of_the_smallest_shared_resource() -> None:
    rows = [booking("long", 100, 190, "2", "1"), booking("short", 120, 130, "1", "2")]
    assert (Conflict("1", "long", "short", 120, 130),) == first_conflicts(rows, [DAY], "start", now=0)


def test_after_a_pair_that_shares_two_resources_further_pairs_are_named() -> None:
    rows = [booking("a", 0, 10, "1", "2"), booking("b", 5, 15, "1", "2"), booking("c", 20, 30), booking("d", 25, 35)]
    found = first_conflicts(rows, [Window("w", 0, 100)], "start", now=0)
    assert [("a", "b"), ("c", "d")] == [(row.first, row.second) for row in found]


def test_a_long_booking_overlaps_each_that_begins_before_its_end_however_many_lie_between() -> None:
    rows = [booking("long", 0, 100), *(booking(str(at), at, at + 1) for at in range(10, 90, 10)), booking("after", 100, 110)]
    found = find_conflicts(rows, [Window("w", 0, 1000)], "start", now=-1)
    assert {row.id for row in rows[:-1]} == found.ids
    assert 8 == len(found.first)


def test_a_long_booking_that_begins_amid_others_overlaps_what_begins_after_they_ended() -> None:
    times = [(0, 10), (1, 2), (2, 100), (9, 10), (9.5, 9.6), (50, 60), (70, 80), (100, 110)]
    rows = [booking(str(at), at, end) for at, end in times]
    assert {row.id for row in rows[:-1]} == find_conflicts(rows, [Window("w", 0, 1000)], "start", now=0).ids


def test_of_two_that_run_on_the_one_that_ends_later_is_shown_first_when_only_one_may_be() -> None:
    rows = [booking("ends", 0, 50), booking("goes on", 1, 100), booking("new", 40, 60)]
    found = first_conflicts(rows, [Window("w", 30, 70)], "start", now=0, limit=1)
    assert [("goes on", "new")] == [(row.first, row.second) for row in found]


def test_the_reach_is_that_of_bookings_in_the_windows_with_a_resource_of_their_own() -> None:
    rows = [booking("in", 110, 250), booking("hall", 150, 900, "hall"), booking("both", 120, 300, "hall", "1")]
    assert (110, 300) == conflict_reach(rows, [DAY], "start", {"hall"})
    assert (110, 900) == conflict_reach(rows, [DAY], "start")
    assert conflict_reach(rows[1:2], [DAY], "start", {"hall"}) is None


def test_a_row_that_comes_on_two_pages_stays_in_its_place_as_it_was_read_last() -> None:
    pages = [[booking("a", 1, 2), booking("b", 1, 2)], [booking("a", 5, 6, status="pending"), booking("c", 1, 2)]]
    assert [booking("a", 5, 6, status="pending"), booking("b", 1, 2), booking("c", 1, 2)] == list(joined(pages))
    assert ["a", "b", "a", "c"] == [row.id for row in joined(pages, distinct=True)]
    assert [] == list(joined([]))


def test_a_table_is_a_sequence_like_any_other_and_equal_to_one_with_the_same_rows() -> None:
    rows = [booking("a", 1, 2), booking("b", 3, 4, "7", status="pending")]
    table = Table.of(rows)
    assert table is Table.of(table)
    assert (rows, rows[-1], rows[1:], 2) == (list(table), table[-1], list(table[1:]), len(table))
    assert table == rows
    assert table != rows[:1]
    assert table != [rows[0], rows[0]]
    assert table != "ab"
    assert table != object()
    assert f"Table({list(table)})" == repr(table)
    assert [Booking("a", 1, 2), Booking("b", 3, 4)] == list(table.times())
    assert (0, []) == (len(Table()), list(Table()))


@pytest.mark.parametrize(
    ("one", "other", "more", "less"), [("ab", "bc", "a", "c"), ("ab", "ab", "", ""), ("", "ab", "", "ab"), ("ab", "", "ab", "")]
)
def test_what_one_read_has_and_the_other_lacks(one: str, other: str, more: str, less: str) -> None:
    came, went = apart(*(Table.of([booking(name, 0, 1) for name in names]) for names in (one, other)))
    assert (list(more), list(less)) == ([row.id for row in came], [row.id for row in went])


@pytest.mark.parametrize("rule", RULES)
def test_new_is_what_the_read_before_would_have_shown_and_missing_what_this_one_would(rule: Rule) -> None:
    before = CompleteRead(
        100, 200, rule, Table.of([booking("stays", 150, 160), booking("went", 170, 180), booking("begun", 120, 130)])
    )
    now = CompleteRead(
        110, 210, rule, Table.of([booking("stays", 150, 160), booking("made", 190, 195), booking("came", 205, 206)])
    )
    for seen in (before, PackedRead.of(before).seen()):
        found = booking_changes(seen, now, 120)
        assert ["made", "came"] == [row.id for row in found.appeared]
        assert {"made"} == found.new
        assert [("went", 170, 180)] == [(row.id, row.start, row.end) for row in found.gone]
        assert (rule, 100, 200) == (seen.rule, seen.start, seen.end)
    assert {"went", "begun"} == {row.id for row in booking_changes(before, now, 119.5).gone}


def test_what_is_missing_comes_by_its_start_and_then_by_its_number() -> None:
    before = CompleteRead(
        0, 100, "start", Table.of([booking(name, at, 99) for name, at in (("10", 5), ("9", 5), ("2", 6), ("30", 4))])
    )
    assert ["30", "9", "10", "2"] == [row.id for row in booking_changes(before, CompleteRead(0, 100, "start"), 0).gone]
