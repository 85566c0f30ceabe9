"""Every booking once: pages and where they end, how many are read at most, and rows that are odd (docs/platforms/wix.md 6)."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import InvalidResponseError, TargetConfigError
from exporter.model import CollectorName
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix.bookings import ABSENT
from tests.harness.wix_site import DAY, WixBench

HOUR = 3600.0
QUERY = "QueryExtendedBookings"
ROWS: dict[str, Any] = {"conflicts": True}
BOOKINGS = CollectorName.BOOKINGS


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 99, 100, 101, 200])
@pytest.mark.parametrize("quirk", ["none", "trailing_empty_page", "omit_has_next"])
async def test_rows_are_read_whole_whatever_the_number_of_pages(bench: WixBench, number: int, quirk: str) -> None:
    if quirk != "none":
        setattr(bench.switches, quirk, True)
    for index in range(number):
        bench.site.bookings.add(bench.clock.now + 60 + index, bench.clock.now + 120 + index)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (window.bookings, window.complete) == (number, True)


@pytest.mark.slow
async def test_a_world_of_2512_bookings_is_read_whole(bench: WixBench) -> None:
    for index in range(2512):
        bench.site.bookings.add(bench.clock.now + 60 + index, bench.clock.now + 120 + index)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (2512, True) == (window.bookings, window.complete)


@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 99, 100, 101, 250])
async def test_exactly_max_bookings_are_read_and_one_more_is_a_config_matter_and_not_a_part(bench: WixBench, most: int) -> None:
    for index in range(most):
        bench.site.bookings.add(bench.clock.now + 120 + index, bench.clock.now + 180 + index)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,), "max_bookings": most}))
    assert [window.bookings for window in (await bench.count()).windows] == [most]
    bench.site.bookings.add(bench.clock.now + 60, bench.clock.now + 90)
    error = await bench.failure(BOOKINGS)
    assert isinstance(error, TargetConfigError)
    assert f"more than {most} bookings, and max_bookings" in error.message
    assert error.message.endswith("or switch conflicts off to only count")


async def test_partners_of_conflicts_beyond_the_windows_are_bookings_that_a_poll_reads(bench: WixBench) -> None:
    staff, now = bench.site.add_staff(), bench.clock.now
    bench.site.bookings.add(now + HOUR, now + 60 * HOUR, staff=staff)
    for hours in (40, 50):
        bench.site.bookings.add(now + hours * HOUR, now + hours * HOUR + 60, staff=staff)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,), "max_bookings": 3}))
    assert [1] == [window.conflicting for window in (await bench.count()).windows]
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,), "max_bookings": 2}))
    assert isinstance(await bench.failure(BOOKINGS), TargetConfigError)


async def test_reading_in_circles_is_an_error_and_not_a_count(bench: WixBench) -> None:
    bench.switches.repeat_cursor = True
    for index in range(150):
        bench.site.bookings.add(bench.clock.now + 120 + index, bench.clock.now + 180 + index)
    bench.open(bench.target(bookings=ROWS))
    assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)
    assert bench.calls(QUERY) < 5


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"bookings":[]}',
        '{"extendedBookings":null}',
        '{"extendedBookings":[{"booking":{"id":"a"}}]}',
        '{"extendedBookings":[7]}',
        '{"extendedBookings":[],"pagingMetadata":{"hasNext":true}}',
    ],
)
async def test_an_answer_that_is_not_a_page_of_bookings_is_a_failed_poll(bench: WixBench, body: str) -> None:
    bench.answer_with(QUERY, body)
    bench.open(bench.target(bookings=ROWS))
    assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)


def page(ids: Iterable[str], **paging: object) -> str:
    """Return a page of one-hour bookings half an hour from the start of the test."""
    at = datetime.fromtimestamp(1_790_000_000 + HOUR, ZoneInfo("UTC")).isoformat()
    row = {"startDate": at, "endDate": at, "createdDate": "2026-01-01T00:00:00Z", "status": "CONFIRMED"}
    rows = [{"booking": {"id": one, **row}} for one in ids]
    return json.dumps({"extendedBookings": rows, **({"pagingMetadata": paging} if paging else {})})


async def counted(bench: WixBench, *pages: str, complete: bool = True) -> int:
    """Let the first query be answered with ``pages`` and all others with none; returns what is counted."""
    for one in pages:
        bench.answer_with(QUERY, one, times=1)
    bench.answer_with(QUERY, page(""))
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert window.complete is complete
    return window.bookings


async def test_an_empty_page_that_says_there_is_more_is_not_the_last(bench: WixBench) -> None:
    first = page("ab", cursors={"next": "c1"}, hasNext=True)
    assert 3 == await counted(bench, first, page("", cursors={"next": "c2"}, hasNext=True), page("c", hasNext=False))


async def test_an_empty_page_that_says_nothing_else_is_the_last(bench: WixBench) -> None:
    assert 2 == await counted(bench, page("ab", cursors={"next": "c1"}), page("", cursors={"next": "c2"}), page("cd"))


async def test_a_cursor_behind_the_last_page_is_not_followed(bench: WixBench) -> None:
    assert 2 == await counted(bench, page("ab", cursors={"next": "c1"}, hasNext=False), page("cd"))


async def test_a_skipped_row_on_an_early_page_makes_the_whole_read_incomplete(bench: WixBench) -> None:
    first = json.loads(page("ab", cursors={"next": "c1"}))
    first["extendedBookings"].append({"booking": {"id": "odd"}})
    assert 3 == await counted(bench, json.dumps(first), page("c"), complete=False)


@pytest.mark.parametrize(
    "pages",
    [
        (page("a" * 100),),  # a full page that says nothing about the next one
        (page("ab", cursors={"next": "c1"}), page("ab", cursors={"next": "c2"})),  # the same rows under another cursor
        (page("", cursors={"next": "c1"}, hasNext=True), page("", cursors={"next": "c1"}, hasNext=True)),
    ],
)
async def test_a_read_whose_end_cannot_be_told_is_an_error_and_not_a_count(bench: WixBench, pages: tuple[str, ...]) -> None:
    with pytest.raises(InvalidResponseError):
        await counted(bench, *pages)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [0, 1, 99])
async def test_pages_without_end_that_bring_hardly_anything_are_an_error_after_twice_the_pages_of_the_limit(
    bench: WixBench, rows: int
) -> None:
    for number in range(100):
        ids = [f"new {number}", *(f"known {index}" for index in range(1, rows))][:rows]
        bench.answer_with(QUERY, page(ids, cursors={"next": f"c{number}"}, hasNext=True), times=1)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,), "max_bookings": 1000}))
    error = await bench.failure(BOOKINGS)
    assert isinstance(error, InvalidResponseError)
    assert "without end" in error.message
    assert 30 == bench.calls(QUERY)


@pytest.mark.slow
async def test_cursors_as_long_as_a_page_are_followed_and_not_kept(bench: WixBench) -> None:
    for number in range(20):
        answer = page([f"new {number}"], cursors={"next": f"c{number}" + "x" * 1_000_000}, hasNext=number < 19)
        bench.answer_with(QUERY, answer, times=1)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    tracemalloc.start()
    try:
        await bench.count()
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("status", [ABSENT, None, "", 7, ["CONFIRMED"]])
async def test_a_row_without_a_status_is_not_left_out_in_silence(bench: WixBench, status: object) -> None:
    start = bench.clock.now + HOUR
    odd = bench.site.bookings.add(start, start + HOUR, patch={"status": status})
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)
    bench.site.bookings.add(start, start + HOUR)
    (window,) = (await bench.count()).windows
    assert (1, False) == (window.bookings, window.complete)
    assert bench.events.malformed[BOOKINGS] >= 1
    assert 0 == bench.events.vanished
    bench.site.bookings.amend(odd, patch={})
    (window,) = (await bench.count()).windows
    assert (2, True) == (window.bookings, window.complete)


async def test_a_row_whose_status_changed_since_it_was_indexed_counts_as_what_it_is_now(bench: WixBench) -> None:
    start = bench.clock.now + HOUR
    bench.site.bookings.add(start, start + HOUR)
    bench.site.bookings.add(start, start + HOUR, patch={"status": "CANCELED"})
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (1, {"confirmed": 1, "pending": 0}, True) == (window.bookings, window.by_status, window.complete)


@pytest.mark.parametrize("hours", [1, 25])
async def test_an_incomplete_read_says_so_and_loses_no_booking(bench: WixBench, hours: float) -> None:
    staff, now = bench.site.add_staff(), bench.clock.now
    bench.site.bookings.add(now + 23 * HOUR, now + 26 * HOUR, staff=staff)  # reaches beyond the window
    odd = bench.site.bookings.add(now + hours * HOUR, now + (hours + 1) * HOUR)
    bench.site.bookings.add(now + 25 * HOUR, now + 26 * HOUR)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    assert (await bench.count()).windows[0].complete
    bench.site.bookings.amend(odd, patch={"startDate": "soon"})
    assert not (await bench.count()).windows[0].complete
    assert 0 == bench.events.vanished


async def test_a_page_that_breaks_off_fails_the_whole_read(bench: WixBench) -> None:
    for index in range(150):
        bench.site.bookings.add(bench.clock.now + 120 + index, bench.clock.now + 180 + index)
    bench.spoil(FaultKind.TRUNCATED, QUERY, after=1)
    bench.open(bench.target(bookings=ROWS))
    assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)


async def test_a_row_that_cannot_be_placed_makes_the_windows_incomplete(bench: WixBench) -> None:
    start = bench.clock.now + HOUR
    bench.site.bookings.add(start, start + HOUR)
    bench.site.bookings.add(start, start + HOUR, patch={"startDate": "soon"})
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (1, False) == (window.bookings, window.complete)
    assert bench.events.malformed[BOOKINGS] >= 1


@pytest.mark.parametrize("patch", [{"endDate": ABSENT}, {"endDate": None}, {"bookedEntity": "odd"}, {"bookedEntity": ABSENT}])
async def test_a_row_without_an_end_or_a_resource_still_counts(bench: WixBench, patch: dict[str, object]) -> None:
    staff, start = bench.site.add_staff(), bench.clock.now + HOUR
    bench.site.bookings.add(start, start + HOUR, staff=staff)
    bench.site.bookings.add(start, start + HOUR, staff=staff, patch=patch)
    bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert (2, True) == (window.bookings, window.complete)
