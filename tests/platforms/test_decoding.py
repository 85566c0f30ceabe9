"""Where answers are worked on: few rows in the event loop, many in a thread, the same for every platform."""

from __future__ import annotations

import asyncio
import json
import threading

import httpx
import msgspec
import pytest

from exporter.errors import InvalidResponseError, PollError
from exporter.model import CollectorName
from exporter.platforms.decoding import off_the_loop, rows_in
from exporter.polling.admission import Admission
from exporter.simulator.faults import Fault, FaultKind
from tests.harness.bitrix24_target import LIST, poll_bookings, poll_links, running_portal
from tests.harness.clock import ManualClock
from tests.harness.threads import CountingThreads
from tests.harness.wix_site import by_window, running_site

MANY = 5000


@pytest.mark.parametrize(("rows", "in_the_loop"), [(0, True), (200, True), (201, False), (100_000, False)])
async def test_up_to_200_rows_are_worked_on_at_once_and_more_in_a_thread(rows: int, in_the_loop: bool) -> None:
    worker = await off_the_loop(Admission(ManualClock()), rows, threading.get_ident)
    assert in_the_loop is (worker == threading.get_ident())


async def test_what_work_in_a_thread_raises_is_raised_and_its_place_is_free_again() -> None:
    async def refused() -> None:
        def work() -> None:
            raise InvalidResponseError("odd")

        with pytest.raises(InvalidResponseError, match="odd"):
            await off_the_loop(admission, 1000, work)

    admission = Admission(ManualClock())
    async with asyncio.timeout(30):
        for _ in range(200):  # three times as many as there are places
            await refused()


def test_a_body_of_100_kib_is_200_rows_whether_it_is_bytes_or_a_part_of_an_answer() -> None:
    body = json.dumps("x" * (100 * 1024 - 2)).encode()
    assert 200 == rows_in(body) == rows_in(msgspec.Raw(body))


@pytest.mark.slow
@pytest.mark.parametrize(("connections", "shown", "in_threads"), [(4, 4, False), (1000, 500, True)])
async def test_a_list_of_connections_is_read_in_a_thread_when_it_is_long(
    connections: int, shown: int, in_threads: bool
) -> None:
    async with running_site() as bench:
        bench.site.connect_many(connections)
        threads = CountingThreads()
        assert shown == len((await bench.observe()).connections)
        assert in_threads is (threads.given > 0)


@pytest.mark.parametrize("platform", ["wix", "bitrix24"])
async def test_a_page_that_is_nothing_but_odd_rows_is_read_in_a_thread(platform: str) -> None:
    def body(rows: object) -> str:
        if platform == "wix":
            return json.dumps({"extendedBookings": rows, "pagingMetadata": {"hasNext": False}})
        return json.dumps({"result": {"booking": rows}, "time": {}})

    odd = [{"name": "x" * 20}] * MANY

    if platform == "wix":
        async with running_site() as bench:
            bench.answer_with("QueryExtendedBookings", body(odd))
            threads = CountingThreads()
            with pytest.raises(PollError):
                await bench.open(bench.target(bookings={"conflicts": True})).collectors[CollectorName.BOOKINGS].poll()
            assert 1 == threads.given
    else:
        async with running_portal() as portal:
            fault = Fault(FaultKind.BODY, operation=LIST, body=body(odd), content_type="application/json")
            portal.simulator.faults.add(fault)
            session, threads = portal.open(), CountingThreads()
            with pytest.raises(PollError):
                await poll_bookings(session)
            assert threads.given >= 1


@pytest.mark.slow
async def test_whatever_is_done_with_all_bookings_of_a_portal_is_done_in_threads_when_they_are_many() -> None:
    """They are put together, measured for conflicts, compared with those of the last poll, packed and counted."""

    async with running_portal() as bench:
        bench.world.fill(20, bench.now, days=(-0.9, 6.9))
        session, threads = bench.open(), CountingThreads()
        await poll_bookings(session)
        assert 0 == threads.given
        bench.world.fill(1000, bench.now, days=(-0.9, 6.9))
        await poll_bookings(session)
        assert 5 == threads.given
        crosses_the_end = bench.now + 6.95 * 86400
        bench.world.add_booking(
            crosses_the_end, crosses_the_end + 86400, resource_ids=(1,)
        )  # its partners are put to the others
        await poll_bookings(session)
        assert 5 + 6 == threads.given


TOMORROW = {"startDate": "2026-09-22T09:00:00Z", "endDate": "2026-09-22T10:00:00Z", "status": "CONFIRMED"}


async def small_pages(request: httpx.Request) -> httpx.Response | None:
    """Answer with three pages that are read in the loop, with more rows in all than are counted there."""
    if not request.url.path.endswith("/query"):
        return None
    page = int(json.loads(await request.aread())["query"]["cursorPaging"].get("cursor", 0))
    rows = [{"booking": {"id": str(number), **TOMORROW}} for number in range(page * 100, page * 100 + 100)]
    paging = {"hasNext": page < 2, "cursors": {"next": str(page + 1)}}
    return httpx.Response(200, json={"extendedBookings": rows, "pagingMetadata": paging})


@pytest.mark.parametrize(("conflicts", "sweeps"), [(True, 2), (False, 1)])
async def test_whatever_wix_is_asked_its_rows_are_swept_in_threads_when_they_are_many(conflicts: bool, sweeps: int) -> None:
    async with running_site() as bench:
        bench.http.instead = small_pages
        bench.answer_with("CountExtendedBookings", "{}", status=403)
        bench.open(bench.target(bookings={"conflicts": conflicts}))
        threads = CountingThreads()
        assert 300 == by_window(await bench.count())["next_7d"].bookings
        assert sweeps == threads.given


@pytest.mark.slow
@pytest.mark.parametrize(("bookings", "sweeps"), [(20, 0), (250, 3)])
async def test_bookings_are_put_together_chosen_and_their_links_counted_in_threads_when_they_are_many(
    bookings: int, sweeps: int
) -> None:
    async with running_portal() as bench:
        bench.world.fill(bookings, bench.now, days=(0.1, 6.9))
        session = bench.open(links={})
        threads = CountingThreads()
        await poll_links(session)
        assert sweeps == threads.given
