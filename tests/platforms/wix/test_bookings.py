"""Booking counts, conflicts, the next booking and the intake, compared with a count of our own (fact sheet wix.md 6)."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.counting.windows import WindowSpec
from exporter.errors import InvalidResponseError, PermissionDeniedError, RateLimitedError, ServerError, TargetConfigError
from exporter.model import CollectorName
from exporter.policy import Known, TargetPolicy
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix.bookings import ABSENT, Booking, BookingKind
from exporter.simulator.wix.faults import function_removed, system_error
from tests.harness.wix_site import DAY, WINDOWS, WixBench, by_window, on_wix

HOUR = 3600.0
BERLIN = ZoneInfo("Europe/Berlin")
COUNT, QUERY = "CountExtendedBookings", "QueryExtendedBookings"
ROWS: dict[str, Any] = {"conflicts": True}
STATUSES = ("CREATED", "PENDING", "CONFIRMED", "CANCELED", "DECLINED", "WAITING_LIST")
BOOKINGS = CollectorName.BOOKINGS

# Both days on which the clocks change, and an ordinary one.
NOWS = [
    datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN),
    datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
    datetime(2026, 6, 1, 12, tzinfo=BERLIN),
]


def bounds(name: str, now: float) -> tuple[float, float]:
    """Return the bounds of a window of ``WINDOWS``, worked out without our date math."""
    local = datetime.fromtimestamp(now, BERLIN)
    midnight = datetime(local.year, local.month, local.day, tzinfo=BERLIN)
    tomorrow = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), BERLIN)
    return {
        "last_24h": (now - 24 * HOUR, now),
        "today": (midnight.timestamp(), tomorrow.timestamp()),
        "next_24h": (now, now + 24 * HOUR),
        # Days are calendar days: the same time of the day a week later, 167 or 169 hours when the clocks change.
        "next_7d": (now, (local + timedelta(days=7)).timestamp()),
    }[name]


def clashes(one: Booking, other: Booking) -> bool:
    same = one.resource_id is not None and one.resource_id == other.resource_id
    session = one.event_id == other.event_id and one.start == other.start
    return same and not session and one.start < other.end and other.start < one.end


@pytest.mark.parametrize("conflicts", [False, True])
@settings(max_examples=25, deadline=None)
@given(
    now=st.sampled_from(NOWS),
    world=st.lists(
        st.tuples(
            st.integers(-40, 12 * 24).map(lambda quarters: quarters * 900.0 * 4),
            st.sampled_from([0, 15, 60, 90, 600]),
            st.sampled_from(STATUSES),
            st.sampled_from([None, 0, 1]),
            st.sampled_from([0.0, 0.0, -1.0, 1.0]),  # rows may say whole seconds only,
        ),
        max_size=40,
    ),
    statuses=st.lists(st.sampled_from(STATUSES), min_size=1, unique=True),
)
def test_every_window_holds_what_a_count_by_hand_finds(
    conflicts: bool,
    now: datetime,
    world: list[tuple[float, int, str, int | None, float]],
    statuses: list[str],
) -> None:
    async def script(bench: WixBench) -> None:
        staff = [bench.site.add_staff(), bench.site.add_staff()]
        for offset, minutes, status, who, nudge in world:
            start = now.timestamp() + offset + nudge
            bench.site.bookings.add(start, start + minutes * 60, status=status, staff=None if who is None else staff[who])
        bench.open(bench.target(bookings={"statuses": tuple(statuses), "conflicts": conflicts}))
        observation = await bench.count()
        wanted = [booking for booking in bench.site.bookings if booking.status in statuses]
        live = [booking for booking in wanted if booking.status in {"CONFIRMED", "PENDING"}]
        assert [spec.name for spec in WINDOWS] == [window.window.name for window in observation.windows]
        for name, window in by_window(observation).items():
            start, end = bounds(name, now.timestamp())
            inside = [booking for booking in wanted if start <= booking.start < end]
            assert (start, end) == (window.window.start, window.window.end)
            assert len(inside) == window.bookings
            by_status = {status.lower(): sum(booking.status == status for booking in inside) for status in statuses}
            assert by_status == window.by_status
            clashing = sum(
                booking in live and any(clashes(booking, other) for other in live if other is not booking) for booking in inside
            )
            assert window.conflicting == (clashing if conflicts else None)
            assert window.complete
        if conflicts:
            ahead = [booking.start for booking in live if booking.start > now.timestamp()]
            assert observation.next_booking == min(ahead, default=None)
        assert observation.measures_next is (conflicts and bool({"CONFIRMED", "PENDING"} & set(statuses)))

    on_wix(script, start=now.timestamp() - 60)


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 99, 100, 101, 200])
@pytest.mark.parametrize("quirk", ["none", "trailing_empty_page", "omit_has_next"])
def test_rows_are_read_whole_whatever_the_number_of_pages(number: int, quirk: str) -> None:
    async def script(bench: WixBench) -> None:
        if quirk != "none":
            setattr(bench.switches, quirk, True)
        for index in range(number):
            bench.site.bookings.add(bench.clock.now + 60 + index, bench.clock.now + 120 + index)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.complete) == (number, True)

    on_wix(script)


def test_a_world_of_2512_bookings_is_read_whole() -> None:
    async def script(bench: WixBench) -> None:
        for index in range(2512):
            bench.site.bookings.add(bench.clock.now + 60 + index, bench.clock.now + 120 + index)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.complete) == (2512, True)

    on_wix(script)


def test_counting_makes_one_call_for_each_window_and_status_and_reads_no_rows() -> None:
    async def script(bench: WixBench) -> None:
        bench.open(bench.target(bookings={}))
        await bench.count()
        assert (bench.calls(COUNT), bench.calls(QUERY)) == (8, 0)
        first = next(iter(bench.simulator.log))
        now = datetime.fromtimestamp(bench.clock.now, ZoneInfo("UTC")).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        conditions = first.params["filter"]["$and"]  # type: ignore[index]  # logged parameters are plain JSON
        assert conditions[1:] == [{"startDate": {"$lt": now}}, {"status": {"$in": ["CONFIRMED"]}}]

    on_wix(script)


def test_all_windows_of_a_poll_share_one_frozen_now() -> None:
    async def script(bench: WixBench) -> None:
        bench.spoil(FaultKind.SLOW_HEADERS, COUNT, seconds=2.0)
        bench.open(bench.target(bookings={}))
        windows = by_window(await bench.count())
        assert windows["last_24h"].window.end == windows["next_24h"].window.start == windows["next_7d"].window.start

    on_wix(script)


def test_bounds_are_whole_milliseconds_so_that_we_show_what_was_asked() -> None:
    async def script(bench: WixBench) -> None:
        bench.clock.now += 0.123456
        bench.open(bench.target(bookings={"windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert window.window.start == pytest.approx(bench.clock.now, abs=0.001)
        assert round(window.window.start * 1000) / 1000 == window.window.start

    on_wix(script)


@pytest.mark.parametrize("prefix", ["/_api/bookings-reader", "/bookings/bookings-reader"])
def test_both_prefixes_of_the_reader_work(prefix: str) -> None:
    async def script(bench: WixBench) -> None:
        bench.open(bench.target(bookings={"reader_prefix": prefix}))
        await bench.count()

    on_wix(script)


def test_a_count_as_text_is_a_number() -> None:
    async def script(bench: WixBench) -> None:
        bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR)
        bench.switches.count_as = "text"
        bench.open(bench.target(bookings={"windows": (DAY,)}))
        assert (await bench.count()).windows[0].bookings == 1

    on_wix(script)


@pytest.mark.parametrize(
    "body",
    ["{}", '{"count":null}', '{"count":-1}', '{"count":1.5}', '{"count":true}', '{"count":"many"}', "[]", "3", '{"total":3}'],
)
def test_a_missing_or_odd_count_is_an_error_and_never_a_zero(body: str) -> None:
    async def script(bench: WixBench) -> None:
        bench.answer_with(COUNT, body)
        bench.open(bench.target(bookings={}))
        assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)
        assert bench.calls(QUERY) == 0

    on_wix(script)


def refuse(bench: WixBench) -> None:
    bench.answer_with(COUNT, "{}", status=403)


def retire(bench: WixBench) -> None:
    bench.simulator.faults.add(function_removed(COUNT))


def reject(bench: WixBench) -> None:
    bench.answer_with(COUNT, "{}", status=400)


@pytest.mark.parametrize("trouble", [refuse, retire, reject])
def test_where_counting_is_refused_the_rows_are_read_and_counted(trouble: Callable[[WixBench], None]) -> None:
    async def script(bench: WixBench) -> None:
        for hours, status in [(1, "CONFIRMED"), (2, "PENDING"), (3, "CANCELED"), (30, "CONFIRMED")]:
            bench.site.bookings.add(bench.clock.now + hours * HOUR, bench.clock.now + (hours + 1) * HOUR, status=status)
        bench.open(bench.target(bookings={}))
        by_counting = by_window(await bench.count())
        trouble(bench)
        with capture_logs() as logs:
            from_rows = by_window(await bench.count())
        assert {name: (window.bookings, window.by_status) for name, window in by_counting.items()} == {
            name: (window.bookings, window.by_status) for name, window in from_rows.items()
        }
        assert all(window.conflicting is None for window in from_rows.values())
        assert ["wix_count_refused"] == [entry["event"] for entry in logs]

    on_wix(script)


def test_counting_is_tried_again_an_hour_after_it_was_refused() -> None:
    async def script(bench: WixBench) -> None:
        bench.answer_with(COUNT, "{}", status=403, times=1)
        bench.open(bench.target(bookings={}))
        for _ in range(3):
            await bench.count()
        assert (bench.calls(COUNT), bench.calls(QUERY)) == (1, 3)
        bench.clock.now += HOUR
        await bench.count()
        assert (bench.calls(COUNT), bench.calls(QUERY)) == (9, 3)

    on_wix(script)


def test_where_rows_are_refused_too_the_first_refusal_is_told() -> None:
    async def script(bench: WixBench) -> None:
        refuse(bench)
        bench.answer_with(QUERY, "{}", status=404)
        bench.open(bench.target(bookings={}))
        assert isinstance(await bench.failure(BOOKINGS), PermissionDeniedError)

    on_wix(script)


def test_a_passing_fault_of_counting_does_not_lead_to_reading_rows() -> None:
    async def script(bench: WixBench) -> None:
        bench.simulator.faults.add(system_error(COUNT))
        bench.open(bench.target(bookings={}))
        assert isinstance(await bench.failure(BOOKINGS), ServerError)
        bench.simulator.faults.clear()
        bench.spoil(FaultKind.RATE_LIMITED, COUNT)
        assert isinstance(await bench.failure(BOOKINGS), RateLimitedError)
        assert bench.calls(QUERY) == 0

    on_wix(script)


@pytest.mark.parametrize("most", [1, 99, 100, 101, 250])
def test_exactly_max_bookings_are_read_and_one_more_is_a_config_matter_and_not_a_part(most: int) -> None:
    async def script(bench: WixBench) -> None:
        for index in range(most):
            bench.site.bookings.add(bench.clock.now + 120 + index, bench.clock.now + 180 + index)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,), "max_bookings": most}))
        assert [window.bookings for window in (await bench.count()).windows] == [most]
        bench.site.bookings.add(bench.clock.now + 60, bench.clock.now + 90)
        error = await bench.failure(BOOKINGS)
        assert isinstance(error, TargetConfigError)
        assert f"more than {most} bookings, and max_bookings" in error.message
        assert error.message.endswith("or switch conflicts off to only count")

    on_wix(script)


def test_partners_of_conflicts_beyond_the_windows_are_bookings_that_a_poll_reads() -> None:
    async def script(bench: WixBench) -> None:
        staff, now = bench.site.add_staff(), bench.clock.now
        bench.site.bookings.add(now + HOUR, now + 60 * HOUR, staff=staff)
        for hours in (40, 50):
            bench.site.bookings.add(now + hours * HOUR, now + hours * HOUR + 60, staff=staff)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,), "max_bookings": 3}))
        assert [window.conflicting for window in (await bench.count()).windows] == [1]
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,), "max_bookings": 2}))
        assert isinstance(await bench.failure(BOOKINGS), TargetConfigError)

    on_wix(script)


def test_a_target_with_bookings_alone_never_asks_for_connections() -> None:
    async def script(bench: WixBench) -> None:
        whole = bench.target(bookings=ROWS)
        bench.open(whole.model_copy(update={"collectors": whole.collectors.model_copy(update={"connections": None})}))
        await bench.count()
        await bench.session.check()
        assert (list(bench.session.collectors), bench.session.expected.operations) == ([BOOKINGS], ("query_bookings",))
        assert bench.calls("ListConnections") == 0

    on_wix(script)


def test_reading_in_circles_is_an_error_and_not_a_count() -> None:
    async def script(bench: WixBench) -> None:
        bench.switches.repeat_cursor = True
        for index in range(150):
            bench.site.bookings.add(bench.clock.now + 120 + index, bench.clock.now + 180 + index)
        bench.open(bench.target(bookings=ROWS))
        assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)
        assert bench.calls(QUERY) < 5

    on_wix(script)


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
def test_an_answer_that_is_not_a_page_of_bookings_is_a_failed_poll(body: str) -> None:
    async def script(bench: WixBench) -> None:
        bench.answer_with(QUERY, body)
        bench.open(bench.target(bookings=ROWS))
        assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)

    on_wix(script)


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


def test_an_empty_page_that_says_there_is_more_is_not_the_last() -> None:
    async def script(bench: WixBench) -> None:
        first = page("ab", cursors={"next": "c1"}, hasNext=True)
        assert await counted(bench, first, page("", cursors={"next": "c2"}, hasNext=True), page("c", hasNext=False)) == 3

    on_wix(script)


def test_an_empty_page_that_says_nothing_else_is_the_last() -> None:
    async def script(bench: WixBench) -> None:
        assert await counted(bench, page("ab", cursors={"next": "c1"}), page("", cursors={"next": "c2"}), page("cd")) == 2

    on_wix(script)


def test_a_cursor_behind_the_last_page_is_not_followed() -> None:
    async def script(bench: WixBench) -> None:
        assert await counted(bench, page("ab", cursors={"next": "c1"}, hasNext=False), page("cd")) == 2

    on_wix(script)


def test_a_skipped_row_on_an_early_page_makes_the_whole_read_incomplete() -> None:
    async def script(bench: WixBench) -> None:
        first = json.loads(page("ab", cursors={"next": "c1"}))
        first["extendedBookings"].append({"booking": {"id": "odd"}})
        assert await counted(bench, json.dumps(first), page("c"), complete=False) == 3

    on_wix(script)


@pytest.mark.parametrize(
    "pages",
    [
        (page("a" * 100),),  # a full page that says nothing about the next one
        (page("ab", cursors={"next": "c1"}), page("ab", cursors={"next": "c2"})),  # the same rows under another cursor
        (page("", cursors={"next": "c1"}, hasNext=True), page("", cursors={"next": "c1"}, hasNext=True)),
    ],
)
def test_a_read_whose_end_cannot_be_told_is_an_error_and_not_a_count(pages: tuple[str, ...]) -> None:
    async def script(bench: WixBench) -> None:
        with pytest.raises(InvalidResponseError):
            await counted(bench, *pages)

    on_wix(script)


@pytest.mark.parametrize("rows", [0, 1, 99])
def test_pages_without_end_that_bring_hardly_anything_are_an_error_after_twice_the_pages_of_the_limit(rows: int) -> None:
    async def script(bench: WixBench) -> None:
        for number in range(100):
            ids = [f"new {number}", *(f"known {index}" for index in range(1, rows))][:rows]
            bench.answer_with(QUERY, page(ids, cursors={"next": f"c{number}"}, hasNext=True), times=1)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,), "max_bookings": 1000}))
        error = await bench.failure(BOOKINGS)
        assert isinstance(error, InvalidResponseError)
        assert "without end" in error.message
        assert bench.calls(QUERY) == 30

    on_wix(script)


def test_cursors_as_long_as_a_page_are_followed_and_not_kept() -> None:
    async def script(bench: WixBench) -> int:
        for number in range(20):
            answer = page([f"new {number}"], cursors={"next": f"c{number}" + "x" * 1_000_000}, hasNext=number < 19)
            bench.answer_with(QUERY, answer, times=1)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        tracemalloc.start()
        try:
            await bench.count()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert on_wix(script) < 12_000_000


@pytest.mark.parametrize("status", [ABSENT, None, "", 7, ["CONFIRMED"]])
def test_a_row_without_a_status_is_not_left_out_in_silence(status: object) -> None:
    async def script(bench: WixBench) -> None:
        start = bench.clock.now + HOUR
        odd = bench.site.bookings.add(start, start + HOUR, patch={"status": status})
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)
        bench.site.bookings.add(start, start + HOUR)
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.complete) == (1, False)
        assert bench.events.malformed[BOOKINGS] >= 1
        assert bench.events.vanished == 0
        bench.site.bookings.amend(odd, patch={})
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.complete) == (2, True)

    on_wix(script)


def test_a_row_whose_status_changed_since_it_was_indexed_counts_as_what_it_is_now() -> None:
    async def script(bench: WixBench) -> None:
        start = bench.clock.now + HOUR
        bench.site.bookings.add(start, start + HOUR)
        bench.site.bookings.add(start, start + HOUR, patch={"status": "CANCELED"})
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.by_status, window.complete) == (1, {"confirmed": 1, "pending": 0}, True)

    on_wix(script)


@pytest.mark.parametrize("hours", [1, 25])
def test_an_incomplete_read_says_so_and_loses_no_booking(hours: float) -> None:
    async def script(bench: WixBench) -> None:
        staff, now = bench.site.add_staff(), bench.clock.now
        bench.site.bookings.add(now + 23 * HOUR, now + 26 * HOUR, staff=staff)  # reaches beyond the window
        odd = bench.site.bookings.add(now + hours * HOUR, now + (hours + 1) * HOUR)
        bench.site.bookings.add(now + 25 * HOUR, now + 26 * HOUR)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        assert (await bench.count()).windows[0].complete
        bench.site.bookings.amend(odd, patch={"startDate": "soon"})
        assert not (await bench.count()).windows[0].complete
        assert bench.events.vanished == 0

    on_wix(script)


def test_where_counting_is_refused_and_there_is_too_much_to_read_the_refusal_is_told() -> None:
    async def script(bench: WixBench) -> None:
        for index in range(250):
            bench.site.bookings.add(bench.clock.now + 120 + index, bench.clock.now + 180 + index)
        refuse(bench)
        bench.open(bench.target(bookings={"max_bookings": 200}))
        assert isinstance(await bench.failure(BOOKINGS), PermissionDeniedError)

    on_wix(script)


def test_two_classes_of_one_event_at_different_times_are_two_appointments() -> None:
    async def script(bench: WixBench) -> None:
        staff, start = bench.site.add_staff(), bench.clock.now + HOUR
        for minutes in (0, 0, 30):
            begin = start + minutes * 60
            bench.site.bookings.add(begin, begin + HOUR, kind=BookingKind.GROUP, staff=staff, event_id="class")
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.conflicting) == (3, 3)

    on_wix(script)


def test_a_page_that_breaks_off_fails_the_whole_read() -> None:
    async def script(bench: WixBench) -> None:
        for index in range(150):
            bench.site.bookings.add(bench.clock.now + 120 + index, bench.clock.now + 180 + index)
        bench.spoil(FaultKind.TRUNCATED, QUERY, after=1)
        bench.open(bench.target(bookings=ROWS))
        assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)

    on_wix(script)


def test_a_row_that_cannot_be_placed_makes_the_windows_incomplete() -> None:
    async def script(bench: WixBench) -> None:
        start = bench.clock.now + HOUR
        bench.site.bookings.add(start, start + HOUR)
        bench.site.bookings.add(start, start + HOUR, patch={"startDate": "soon"})
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.complete) == (1, False)
        assert bench.events.malformed[BOOKINGS] >= 1

    on_wix(script)


@pytest.mark.parametrize("patch", [{"endDate": ABSENT}, {"endDate": None}, {"bookedEntity": "odd"}, {"bookedEntity": ABSENT}])
def test_a_row_without_an_end_or_a_resource_still_counts(patch: dict[str, object]) -> None:
    async def script(bench: WixBench) -> None:
        staff, start = bench.site.add_staff(), bench.clock.now + HOUR
        bench.site.bookings.add(start, start + HOUR, staff=staff)
        bench.site.bookings.add(start, start + HOUR, staff=staff, patch=patch)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.complete) == (2, True)

    on_wix(script)


def test_a_double_booking_is_found_and_named() -> None:
    async def script(bench: WixBench) -> None:
        bench.site.add_staff()
        second = bench.site.bookings.double_book()
        bench.open(bench.target(bookings=ROWS))
        observation = await bench.count()
        assert by_window(observation)["next_24h"].conflicting == 2
        (conflict,) = observation.conflicts
        assert conflict.second == second
        bench.site.bookings.resolve(second)
        after = await bench.count()
        assert (by_window(after)["next_24h"].conflicting, after.conflicts) == (0, ())

    on_wix(script)


@pytest.mark.parametrize("hours", [(-2, -1, 3), (23, 24.5, 3), (-30, -29, 40)])
def test_a_partner_outside_of_the_window_counts_as_a_conflict(hours: tuple[float, float, float]) -> None:
    async def script(bench: WixBench) -> None:
        staff = bench.site.add_staff()
        inside = 0.5 if hours[0] < 0 else hours[0]
        outside = hours[0] if hours[0] < 0 else hours[1]
        at = bench.clock.now + 60
        bench.site.bookings.add(at + inside * HOUR, at + (inside + 2) * HOUR, staff=staff)
        bench.site.bookings.add(at + outside * HOUR, at + (outside + hours[2]) * HOUR, staff=staff)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.conflicting) == (1, 1)

    on_wix(script)


def test_a_resource_that_serves_several_at_a_time_has_no_conflicts() -> None:
    async def script(bench: WixBench) -> None:
        staff = bench.site.add_staff()
        bench.site.bookings.double_book()
        bench.open(bench.target(bookings={**ROWS, "overlapping_resources": frozenset({staff.resource_id})}))
        observation = await bench.count()
        assert (by_window(observation)["next_24h"].conflicting, observation.conflicts) == (0, ())

    on_wix(script)


def test_the_bookings_of_one_class_do_not_conflict_with_each_other() -> None:
    async def script(bench: WixBench) -> None:
        staff, start = bench.site.add_staff(), bench.clock.now + HOUR
        for _ in range(10):
            bench.site.bookings.add(start, start + HOUR, kind=BookingKind.GROUP, staff=staff, event_id="class")
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.conflicting) == (10, 0)

    on_wix(script)


def test_a_class_that_overlaps_an_appointment_conflicts_with_all_its_bookings() -> None:
    async def script(bench: WixBench) -> None:
        staff, start = bench.site.add_staff(), bench.clock.now + HOUR
        for _ in range(10):
            bench.site.bookings.add(start, start + HOUR, kind=BookingKind.GROUP, staff=staff, event_id="class")
        bench.site.bookings.add(start + HOUR / 2, start + 2 * HOUR, staff=staff)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        observation = await bench.count()
        assert observation.windows[0].conflicting == 11
        assert len(observation.conflicts) == 1

    on_wix(script)


@pytest.mark.parametrize("which", [0, 9])
def test_a_class_is_accepted_by_any_of_its_bookings_and_is_named_by_that_one(which: int) -> None:
    async def script(bench: WixBench) -> None:
        staff, start = bench.site.add_staff(), bench.clock.now + HOUR
        seats = [
            bench.site.bookings.add(start, start + HOUR, kind=BookingKind.GROUP, staff=staff, event_id="class")
            for _ in range(10)
        ]
        bench.site.bookings.add(start + HOUR / 2, start + 2 * HOUR, staff=staff)
        accepted = sorted(seats)[which]
        bench.policy = TargetPolicy(bookings={accepted: Known("a helper is there"), "gone": Known("over")})
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        observation = await bench.count()
        assert (11, 11) == (observation.windows[0].conflicting, observation.windows[0].accepted)
        assert accepted in {observation.conflicts[0].first, observation.conflicts[0].second}
        assert (None, ("gone",)) == (observation.next_conflict, observation.unknown_accepted)

    on_wix(script)


def test_cancelled_bookings_are_counted_when_asked_for_but_conflict_with_nobody() -> None:
    async def script(bench: WixBench) -> None:
        staff, start = bench.site.add_staff(), bench.clock.now + HOUR
        bench.site.bookings.add(start, start + HOUR, staff=staff)
        bench.site.bookings.add(start, start + HOUR, staff=staff, status="CANCELED")
        bench.open(bench.target(bookings={**ROWS, "statuses": ("CONFIRMED", "CANCELED"), "windows": (DAY,)}))
        (window,) = (await bench.count()).windows
        assert (window.bookings, window.conflicting) == (2, 0)

    on_wix(script)


def test_a_course_counts_once_where_it_starts() -> None:
    async def script(bench: WixBench) -> None:
        now = bench.clock.now
        bench.site.bookings.add(now + HOUR, now + 90 * 24 * HOUR, kind=BookingKind.COURSE)
        bench.site.bookings.add(now - 30 * 24 * HOUR, now + 60 * 24 * HOUR, kind=BookingKind.COURSE)
        bench.open(bench.target(bookings=ROWS))
        counted = {name: window.bookings for name, window in by_window(await bench.count()).items()}
        assert (counted["next_24h"], counted["next_7d"], counted["last_24h"]) == (1, 1, 0)

    on_wix(script)


@pytest.mark.parametrize("hours", [1.0, 100 * 24.0])
@pytest.mark.parametrize("window", [DAY, WindowSpec("past", "now-48h", "now-24h"), WindowSpec("later", "now+48h", "now+72h")])
def test_the_next_booking_is_found_also_outside_of_the_windows(hours: float, window: WindowSpec) -> None:
    async def script(bench: WixBench) -> None:
        start = bench.clock.now + 60 + hours * HOUR
        bench.site.bookings.add(start, start + HOUR)
        bench.site.bookings.add(start - HOUR / 2, start + HOUR, status="CANCELED")
        bench.site.bookings.add(start + 50 * HOUR, start + 51 * HOUR)  # with an hour to go, this one lies in the last window
        statuses = ("CONFIRMED", "PENDING", "CANCELED")
        bench.open(bench.target(bookings={**ROWS, "statuses": statuses, "windows": (window,)}))
        assert (await bench.count()).next_booking == start

    on_wix(script)


def test_new_bookings_are_discovered_when_they_are_made_however_far_ahead_they_are() -> None:
    async def script(bench: WixBench) -> None:
        bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR)
        bench.open(bench.target(bookings=ROWS))
        await bench.count()
        assert bench.events.discovered == 0
        bench.site.bookings.add(bench.clock.now + 2 * HOUR, bench.clock.now + 3 * HOUR)
        bench.site.bookings.add(bench.clock.now + 300 * 24 * HOUR, bench.clock.now + 300 * 24 * HOUR + HOUR)
        bench.site.bookings.add(bench.clock.now + 2 * HOUR, bench.clock.now + 3 * HOUR, status="CREATED")
        for _ in range(40):
            await bench.count()
        assert bench.events.discovered == 2

    on_wix(script)


def test_a_booking_that_enters_a_window_as_time_goes_by_is_not_new() -> None:
    async def script(bench: WixBench) -> None:
        start = bench.clock.now + 8 * 24 * HOUR
        bench.site.bookings.add(start, start + HOUR, created=bench.clock.now - 24 * HOUR)
        bench.open(bench.target(bookings=ROWS))
        assert by_window(await bench.count())["next_7d"].bookings == 0
        bench.clock.now += 2 * 24 * HOUR
        assert by_window(await bench.count())["next_7d"].bookings == 1
        assert (bench.events.discovered, bench.events.vanished) == (0, 0)

    on_wix(script)


def test_a_booking_that_the_reader_shows_late_is_discovered_once() -> None:
    async def script(bench: WixBench) -> None:
        bench.switches.reader_lag_seconds = 300.0
        bench.open(bench.target(bookings=ROWS))
        await bench.count()
        bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR)
        for _ in range(30):
            await bench.count()
        assert bench.events.discovered == 1

    on_wix(script)


def test_bookings_that_are_gone_before_their_start_have_vanished() -> None:
    async def script(bench: WixBench) -> None:
        now = bench.clock.now
        cancelled = bench.site.bookings.add(now + 5 * HOUR, now + 6 * HOUR)
        deleted = bench.site.bookings.add(now + 7 * HOUR, now + 8 * HOUR)
        past = bench.site.bookings.add(now - 5 * HOUR, now - 4 * HOUR)
        moved = bench.site.bookings.add(now + 9 * HOUR, now + 10 * HOUR)
        bench.open(bench.target(bookings=ROWS))
        await bench.count()
        bench.site.bookings.cancel(cancelled)
        bench.site.bookings.delete(deleted)
        bench.site.bookings.delete(past)
        bench.site.bookings.amend(moved, start=now + 20 * HOUR, end=now + 21 * HOUR)
        for _ in range(3):
            await bench.count()
        assert bench.events.vanished == 2

    on_wix(script)


def test_a_booking_that_starts_has_not_vanished() -> None:
    async def script(bench: WixBench) -> None:
        bench.site.bookings.add(bench.clock.now + 90, bench.clock.now + 120)
        bench.open(bench.target(bookings={**ROWS, "windows": (DAY,)}))
        for _ in range(4):
            await bench.count()
        assert bench.events.vanished == 0

    on_wix(script)


def test_a_failed_poll_neither_discovers_nor_loses_bookings() -> None:
    async def script(bench: WixBench) -> None:
        bench.site.bookings.add(bench.clock.now + 5 * HOUR, bench.clock.now + 6 * HOUR)
        bench.open(bench.target(bookings=ROWS))
        await bench.count()
        bench.simulator.faults.add(system_error(QUERY))
        bench.site.bookings.add(bench.clock.now + 7 * HOUR, bench.clock.now + 8 * HOUR)
        await bench.failure(BOOKINGS)
        bench.simulator.faults.clear()
        await bench.count()
        assert (bench.events.discovered, bench.events.vanished) == (1, 0)

    on_wix(script)


def test_a_window_that_is_empty_at_the_moment_is_a_config_matter() -> None:
    async def script(bench: WixBench) -> None:
        empty = WindowSpec("morning", "now", "now/d")
        bench.open(bench.target(bookings={"windows": (empty,)}))
        assert isinstance(await bench.failure(BOOKINGS), TargetConfigError)
        assert len(bench.simulator.log) == 0

    on_wix(script)
