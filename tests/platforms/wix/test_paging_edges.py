"""Where a read of bookings ends, and what is asked for it, without a site."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from exporter.errors import InvalidResponseError, TargetConfigError
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.booking_rows import PAGE_ROWS
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.paging import BookingsReader, bound, matching
from exporter.platforms.wix.settings import WixBookings
from exporter.polling.admission import Admission
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents

Body = dict[str, Any]
WANTED = matching(["CONFIRMED"], bound("startDate", "$gte", 0.0))


def row(number: int | None) -> Body:
    """Return a booking, or a row that nobody can read."""
    moments = {"startDate": "2026-09-21T10:00:00Z", "endDate": "2026-09-21T11:00:00Z"}
    booking = (
        {"id": f"00000000-0000-0000-0000-{number:012}", "status": "CONFIRMED", **moments} if number is not None else {"id": 5}
    )
    return {"booking": booking}


class Site:
    """Answers each question with the next of ``pages``: its bookings, and a cursor unless it is the last."""

    def __init__(
        self, pages: Sequence[Sequence[int | None]], *, cursors: Sequence[str] | None = None, most: int = 1000
    ) -> None:
        self.asked: list[Body] = []
        self._pages = pages
        self._cursors = cursors or [f"c{number}" for number in range(1, len(pages))]
        self.events = RecordedEvents()
        settings = WixBookings.model_construct(max_bookings=most, conflicts=True)
        self.reader = BookingsReader(cast("WixApi", self), self.events, Admission(ManualClock()), settings)

    async def call(self, endpoint: Endpoint, *, body: Body) -> SimpleNamespace:
        assert Endpoint.QUERY_BOOKINGS is endpoint
        number = len(self.asked)
        self.asked.append(body["query"])
        following = {"next": self._cursors[number]} if number < len(self._cursors) else {}
        page = {
            "extendedBookings": [row(one) for one in self._pages[number]],
            "pagingMetadata": {"hasNext": bool(following), "cursors": following},
        }
        return SimpleNamespace(body=json.dumps(page).encode(), status=200, headers={}, content_type="application/json")

    async def read(self) -> tuple[list[int], bool]:
        rows = await self.reader.read(WANTED, sort="startDate")
        return [int(one.booking.id[-12:]) for one in rows.rows], rows.complete


async def test_pages_are_of_a_hundred_and_later_ones_are_asked_for_by_the_cursor_alone() -> None:
    site = Site([range(100), range(100, 150)])
    assert (list(range(150)), True) == (await site.read())
    first = {"filter": WANTED, "sort": [{"fieldName": "startDate", "order": "ASC"}], "cursorPaging": {"limit": 100}}
    assert [first, {"cursorPaging": {"limit": 100, "cursor": "c1"}}] == site.asked


@pytest.mark.parametrize("most", [51, 99, 149])
async def test_one_booking_more_than_allowed_ends_the_read_at_once(most: int) -> None:
    site = Site([range(50), range(50, most + 1), range(200, 300)], most=most)
    with pytest.raises(TargetConfigError, match=f"more than {most} bookings"):
        await site.read()
    assert 2 == len(site.asked)
    rows, _ = await Site([range(50), range(50, most)], most=most).read()
    assert most == len(rows)


@pytest.mark.parametrize(("empty", "ends_well"), [(29, True), (30, False)])
async def test_a_read_of_a_thousand_bookings_ends_after_thirty_pages(empty: int, ends_well: bool) -> None:
    site = Site([*[[]] * empty, [1]])
    if ends_well:
        assert ([1], True) == (await site.read())
    else:
        with pytest.raises(InvalidResponseError, match="without end"):
            await site.read()
    assert 30 == len(site.asked)


async def test_a_cursor_that_comes_again_or_a_page_that_brings_nothing_new_is_an_error() -> None:
    with pytest.raises(InvalidResponseError, match="again and again"):
        (await Site([[1], [2], [3], [4]], cursors=["a", "b", "a", "c"]).read())
    with pytest.raises(InvalidResponseError, match="again and again"):
        (await Site([[1, 2], [1, 2], [3]]).read())
    assert ([1, 2, 3], True) == (await Site([[1, 2], [2, 3], []]).read())
    assert ([1, 2], True) == (await Site([[1], [], [2]]).read())


async def test_a_row_that_cannot_be_read_makes_a_read_a_part_and_is_counted() -> None:
    site = Site([[1, None], [2]])
    assert ([1, 2], False) == (await site.read())
    assert 1 == sum(site.events.malformed.values())


@pytest.mark.parametrize(
    ("pages", "found", "limits"),
    [([[7]], 7, [1]), ([[]], None, [1]), ([[None], [None, 8, 9]], 8, [1, PAGE_ROWS]), ([[None], [None]], None, [1, PAGE_ROWS])],
)
async def test_the_first_booking_is_asked_for_alone_and_once_more_among_a_page_when_it_cannot_be_read(
    pages: list[list[int | None]], found: int | None, limits: list[int]
) -> None:
    site = Site(pages, cursors=["c"])
    first = await site.reader.first(WANTED, sort="startDate")
    assert found == (None if first is None else int(first.booking.id[-12:]))
    assert limits == [body["cursorPaging"]["limit"] for body in site.asked]


def test_a_bound_is_a_moment_in_utc_to_the_millisecond() -> None:
    assert {"startDate": {"$lt": "2026-09-21T14:13:20.250Z"}} == bound("startDate", "$lt", 1_790_000_000.25)
    assert {"$and": [{"a": 1}, {"status": {"$in": ["PENDING"]}}]} == matching(("PENDING",), {"a": 1})
