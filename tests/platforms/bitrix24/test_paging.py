"""Where a list ends: the rules that no portal of today needs, page by page (bitrix24.md 4.2 and 13)."""

from __future__ import annotations

from contextlib import nullcontext
from random import Random

import pytest
from msgspec import Raw

from exporter.counting.bookings import Booking, reservations
from exporter.errors import InvalidResponseError, TargetConfigError
from exporter.platforms.bitrix24.answers import Reply, RowPage
from exporter.platforms.bitrix24.paging import _Pages


def pages_of(most: int = 1000) -> _Pages[Booking]:
    return _Pages("list", most, lambda: TargetConfigError("too many"), reservations)


def add(pages: _Pages[Booking], first: int, last: int, following: int | None = None) -> None:
    """Add a page with the ids from ``first`` up to ``last`` - 1."""
    rows = tuple(Booking(str(number), 0.0, 1.0) for number in range(first, last))
    pages.add(Reply(Raw(b"{}"), following), RowPage(rows, tuple(row.id for row in rows), len(rows), 0))


def test_a_page_that_is_not_full_is_the_last_and_blocks_may_reach_beyond_it() -> None:
    pages = pages_of()
    add(pages, 1, 51)
    assert not pages.complete
    add(pages, 51, 60)
    add(pages, 60, 60)
    assert (True, 2, 59) == (pages.complete, pages.needed, len(pages.rows))


def test_rows_beyond_a_page_that_is_not_full_are_read_to_their_end() -> None:
    pages = pages_of()
    add(pages, 1, 51)
    add(pages, 51, 100)
    add(pages, 100, 150)
    assert not pages.complete
    add(pages, 150, 151)
    assert (True, 4, 150) == (pages.complete, pages.needed, len(pages.rows))


def test_a_page_that_names_a_next_one_is_not_the_last() -> None:
    pages = pages_of()
    add(pages, 1, 41, 50)
    assert not pages.complete
    add(pages, 51, 52)
    assert pages.complete


@pytest.mark.parametrize("following", [50, 70, 99])
def test_pages_that_change_their_size_on_the_way_are_an_error(following: int) -> None:
    pages = pages_of()
    add(pages, 1, 51, 50)
    with pytest.raises(InvalidResponseError):
        add(pages, 51, 101, following)


@pytest.mark.parametrize("most", [49, 50, 51, 99, 100, 101])
def test_rows_up_to_the_cap_are_taken_and_one_more_is_too_many(most: int) -> None:
    pages = pages_of(most)
    read(pages, rows=most)
    assert (True, most) == (pages.complete, len(pages.rows))
    with pytest.raises(TargetConfigError, match="too many"):
        read(pages_of(most), rows=most + 1)


def read(pages: _Pages[Booking], rows: int) -> None:
    """Add the pages of a list of ``rows`` bookings, up to the one that proves its end."""
    for first in range(1, rows + 2, 50):
        add(pages, first, min(first + 50, rows + 1))


@pytest.mark.parametrize(("resources", "weight"), [(0, 1), (1, 1), (2, 2), (100, 100)])
def test_a_booking_counts_towards_the_cap_once_for_each_of_its_resources(resources: int, weight: int) -> None:
    rows = tuple(Booking(str(number), 0.0, 1.0, tuple(map(str, range(resources)))) for number in range(10))
    page = RowPage(rows, tuple(row.id for row in rows), len(rows), 0)
    moved = RowPage(rows[-1:], ("9",), 1, 0)
    pages = pages_of(most=10 * weight)
    pages.add(Reply(Raw(b"{}"), 50), page)
    pages.add(Reply(Raw(b"{}")), moved)
    assert (True, 10) == (pages.complete, len(pages.rows))
    with pytest.raises(TargetConfigError, match="too many"):
        pages_of(most=10 * weight - 1).add(Reply(Raw(b"{}"), 50), page)


def test_a_row_that_moved_to_the_next_page_while_it_was_read_is_one_row() -> None:
    pages = pages_of(most=99)
    add(pages, 1, 51)
    add(pages, 50, 100)
    add(pages, 100, 100)
    assert (True, 99) == (pages.complete, len(pages.rows))


@pytest.mark.parametrize("fresh", [1, 10, 24])
def test_pages_that_creep_forward_end_soon(fresh: int) -> None:
    pages = pages_of(most=200_000)
    with pytest.raises(InvalidResponseError, match="repeats most of its rows"):
        creep(pages, fresh)
    assert pages.count < 60


def creep(pages: _Pages[Booking], fresh: int) -> None:
    """Add full pages, each ``fresh`` rows further than the one before."""
    for turn in range(60):
        add(pages, 1 + turn * fresh, 51 + turn * fresh)


def test_empty_pages_that_name_a_next_one_for_ever_are_an_error_at_once() -> None:
    pages = pages_of()
    add(pages, 1, 51, 50)
    with pytest.raises(InvalidResponseError, match="repeats a page"):
        add(pages, 51, 51, 100)


def test_rows_that_nobody_can_tell_apart_do_not_keep_a_read_going() -> None:
    pages = pages_of(most=200_000)
    with pytest.raises(InvalidResponseError):
        pages.add(Reply(Raw(b"{}")), RowPage((), ("1",), 50, 50))


def test_malformed_rows_with_an_id_count_towards_the_cap() -> None:
    pages = pages_of(most=49)
    with pytest.raises(TargetConfigError):
        pages.add(Reply(Raw(b"{}")), RowPage((), tuple(str(number) for number in range(1, 51)), 50, 50))


@pytest.mark.parametrize("following", [501, 10**9])
def test_a_page_size_above_any_that_a_portal_has_is_not_believed(following: int) -> None:
    with pytest.raises(InvalidResponseError, match="more than 500 rows"):
        add(pages_of(), 1, 51, following)


def test_pages_that_hardly_bring_anything_end_when_those_of_the_cap_would_have_been_read_twice() -> None:
    pages = pages_of(1000)
    for number in range(51):  # 20 pages hold 1,000 rows; twice those, ten to spare and the one that shows it
        add(pages, number + 1, number + 2, 50 * number + 50)
    with pytest.raises(InvalidResponseError, match="without end"):
        add(pages, 60, 61, 50 * 52)


@pytest.mark.parametrize("seed", range(20))
def test_rows_in_whatever_order_count_once_each_and_as_they_were_read_last(seed: int) -> None:
    random = Random(seed)
    in_order = random.randrange(4)  # so many pages come by ascending id, then come what may
    ids = [*range(1, 1 + 50 * in_order), *(random.randrange(1, 1000) for _ in range(300))]
    rows = [Booking(str(number), 0.0, 1.0, ("1",) * random.randrange(4)) for number in ids]
    so_far = [{row.id: row for row in rows[: end + 50]} for end in range(0, len(rows), 50)]
    most = max(sum(reservations(tuple(last.values()))) for last in so_far)
    for cap in (most, most - 1):
        pages = pages_of(cap)
        with pytest.raises(TargetConfigError, match="too many") if cap < most else nullcontext():
            for start in range(0, len(rows), 50):
                part = rows[start : start + 50]
                pages.add(Reply(Raw(b"{}"), start + 50), RowPage(part, [row.id for row in part], len(part), 0))
            assert {row.id: row for row in pages.rows} == so_far[-1]
            assert len(pages.rows) == len(so_far[-1])
