"""Where a list ends: the rules that no portal of today needs, page by page (bitrix24.md 4.2 and 13)."""

from __future__ import annotations

import pytest
from msgspec import Raw

from exporter.bookings import Booking
from exporter.errors import InvalidResponseError
from exporter.platforms.bitrix24.decode import Page, Reply
from exporter.platforms.bitrix24.pager import _Pages


def add(pages: _Pages[Booking], first: int, last: int, following: int | None = None) -> None:
    """Add a page with the ids from ``first`` up to ``last`` - 1."""
    rows = tuple(Booking(str(number), 0.0, 1.0) for number in range(first, last))
    pages.add(Reply(Raw(b"{}"), following), Page(rows, tuple(row.id for row in rows), len(rows), 0))


def test_a_page_that_is_not_full_is_the_last_and_blocks_may_reach_beyond_it() -> None:
    pages = _Pages[Booking]("list")
    add(pages, 1, 51)
    assert not pages.complete
    add(pages, 51, 60)
    add(pages, 60, 60)
    assert (pages.complete, pages.needed, len(pages.rows)) == (True, 2, 59)


def test_rows_beyond_a_page_that_is_not_full_are_read_to_their_end() -> None:
    pages = _Pages[Booking]("list")
    add(pages, 1, 51)
    add(pages, 51, 100)
    add(pages, 100, 150)
    assert not pages.complete
    add(pages, 150, 151)
    assert (pages.complete, pages.needed, len(pages.rows)) == (True, 4, 150)


def test_a_page_that_names_a_next_one_is_not_the_last() -> None:
    pages = _Pages[Booking]("list")
    add(pages, 1, 41, 50)
    assert not pages.complete
    add(pages, 51, 52)
    assert pages.complete


@pytest.mark.parametrize("following", [50, 70, 99])
def test_pages_that_change_their_size_on_the_way_are_an_error(following: int) -> None:
    pages = _Pages[Booking]("list")
    add(pages, 1, 51, 50)
    with pytest.raises(InvalidResponseError):
        add(pages, 51, 101, following)
