"""Booking counts and the next booking, compared with a count of our own (docs/platforms/wix.md 6)."""

from __future__ import annotations

from collections.abc import Callable
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
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix.bookings import Booking, BookingKind
from exporter.simulator.wix.faults import function_removed, system_error
from tests.harness.wix_site import DAY, WINDOWS, WixBench, by_window, running_site

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


@pytest.mark.slow
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
async def test_every_window_holds_what_a_count_by_hand_finds(
    conflicts: bool, now: datetime, world: list[tuple[float, int, str, int | None, float]], statuses: list[str]
) -> None:
    async with running_site(start=now.timestamp() - 60) as bench:
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


async def test_counting_makes_one_call_for_each_window_and_status_and_reads_no_rows(bench: WixBench) -> None:
    bench.open(bench.target(bookings={}))
    await bench.count()
    assert (9, 0) == (bench.calls(COUNT), bench.calls(QUERY))  # the last one for what Wix marks
    first = next(iter(bench.simulator.log))
    now = datetime.fromtimestamp(bench.clock.now, ZoneInfo("UTC")).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    conditions = first.params["filter"]["$and"]  # type: ignore[index]  # logged parameters are plain JSON
    assert conditions[1:] == [{"startDate": {"$lt": now}}, {"status": {"$in": ["CONFIRMED"]}}]


async def test_all_windows_of_a_poll_share_one_frozen_now(bench: WixBench) -> None:
    bench.spoil(FaultKind.SLOW_HEADERS, COUNT, seconds=2.0)
    bench.open(bench.target(bookings={}))
    windows = by_window(await bench.count())
    assert windows["last_24h"].window.end == windows["next_24h"].window.start == windows["next_7d"].window.start


async def test_bounds_are_whole_milliseconds_so_that_we_show_what_was_asked(bench: WixBench) -> None:
    bench.clock.now += 0.123456
    bench.open(bench.target(bookings={"windows": (DAY,)}))
    (window,) = (await bench.count()).windows
    assert window.window.start == pytest.approx(bench.clock.now, abs=0.001)
    assert round(window.window.start * 1000) / 1000 == window.window.start


@pytest.mark.parametrize("prefix", ["/_api/bookings-reader", "/bookings/bookings-reader"])
async def test_both_prefixes_of_the_reader_work(bench: WixBench, prefix: str) -> None:
    bench.open(bench.target(bookings={"reader_prefix": prefix}))
    await bench.count()


async def test_a_count_as_text_is_a_number(bench: WixBench) -> None:
    bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR)
    bench.switches.count_as = "text"
    bench.open(bench.target(bookings={"windows": (DAY,)}))
    assert 1 == (await bench.count()).windows[0].bookings


@pytest.mark.parametrize(
    "body",
    ["{}", '{"count":null}', '{"count":-1}', '{"count":1.5}', '{"count":true}', '{"count":"many"}', "[]", "3", '{"total":3}'],
)
async def test_a_missing_or_odd_count_is_an_error_and_never_a_zero(bench: WixBench, body: str) -> None:
    bench.answer_with(COUNT, body)
    bench.open(bench.target(bookings={}))
    assert isinstance(await bench.failure(BOOKINGS), InvalidResponseError)
    assert 0 == bench.calls(QUERY)


def refuse(bench: WixBench) -> None:
    bench.answer_with(COUNT, "{}", status=403)


def retire(bench: WixBench) -> None:
    bench.simulator.faults.add(function_removed(COUNT))


def reject(bench: WixBench) -> None:
    bench.answer_with(COUNT, "{}", status=400)


@pytest.mark.parametrize("trouble", [refuse, retire, reject])
async def test_where_counting_is_refused_the_rows_are_read_and_counted(
    bench: WixBench, trouble: Callable[[WixBench], None]
) -> None:
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


async def test_counting_is_tried_again_an_hour_after_it_was_refused(bench: WixBench) -> None:
    bench.answer_with(COUNT, "{}", status=403, times=1)
    bench.open(bench.target(bookings={}))
    for _ in range(3):
        await bench.count()
    assert (1, 3) == (bench.calls(COUNT), bench.calls(QUERY))
    bench.clock.now += HOUR
    await bench.count()
    assert (10, 3) == (bench.calls(COUNT), bench.calls(QUERY))


async def test_where_rows_are_refused_too_the_first_refusal_is_told(bench: WixBench) -> None:
    refuse(bench)
    bench.answer_with(QUERY, "{}", status=404)
    bench.open(bench.target(bookings={}))
    assert isinstance(await bench.failure(BOOKINGS), PermissionDeniedError)


async def test_a_passing_fault_of_counting_does_not_lead_to_reading_rows(bench: WixBench) -> None:
    bench.simulator.faults.add(system_error(COUNT))
    bench.open(bench.target(bookings={}))
    assert isinstance(await bench.failure(BOOKINGS), ServerError)
    bench.simulator.faults.clear()
    bench.spoil(FaultKind.RATE_LIMITED, COUNT)
    assert isinstance(await bench.failure(BOOKINGS), RateLimitedError)
    assert 0 == bench.calls(QUERY)


async def test_a_target_with_bookings_alone_never_asks_for_connections(bench: WixBench) -> None:
    whole = bench.target(bookings=ROWS)
    bench.open(whole.model_copy(update={"collectors": whole.collectors.model_copy(update={"connections": None})}))
    await bench.count()
    await bench.session.check()
    assert [BOOKINGS] == list(bench.session.collectors)
    assert ("query_bookings", "count_bookings") == bench.session.expected.operations
    assert 0 == bench.calls("ListConnections")


async def test_where_counting_is_refused_and_there_is_too_much_to_read_the_refusal_is_told(bench: WixBench) -> None:
    for index in range(250):
        bench.site.bookings.add(bench.clock.now + 120 + index, bench.clock.now + 180 + index)
    refuse(bench)
    bench.open(bench.target(bookings={"max_bookings": 200}))
    assert isinstance(await bench.failure(BOOKINGS), PermissionDeniedError)


async def test_a_course_counts_once_where_it_starts(bench: WixBench) -> None:
    now = bench.clock.now
    bench.site.bookings.add(now + HOUR, now + 90 * 24 * HOUR, kind=BookingKind.COURSE)
    bench.site.bookings.add(now - 30 * 24 * HOUR, now + 60 * 24 * HOUR, kind=BookingKind.COURSE)
    bench.open(bench.target(bookings=ROWS))
    counted = {name: window.bookings for name, window in by_window(await bench.count()).items()}
    assert (1, 1, 0) == (counted["next_24h"], counted["next_7d"], counted["last_24h"])


@pytest.mark.parametrize("hours", [1.0, 100 * 24.0])
@pytest.mark.parametrize("window", [DAY, WindowSpec("past", "now-48h", "now-24h"), WindowSpec("later", "now+48h", "now+72h")])
async def test_the_next_booking_is_found_also_outside_of_the_windows(bench: WixBench, hours: float, window: WindowSpec) -> None:
    start = bench.clock.now + 60 + hours * HOUR
    bench.site.bookings.add(start, start + HOUR)
    bench.site.bookings.add(start - HOUR / 2, start + HOUR, status="CANCELED")
    bench.site.bookings.add(start + 50 * HOUR, start + 51 * HOUR)  # with an hour to go, this one lies in the last window
    statuses = ("CONFIRMED", "PENDING", "CANCELED")
    bench.open(bench.target(bookings={**ROWS, "statuses": statuses, "windows": (window,)}))
    assert (await bench.count()).next_booking == start


async def test_a_window_that_is_empty_at_the_moment_is_a_config_matter(bench: WixBench) -> None:
    empty = WindowSpec("morning", "now", "now/d")
    bench.open(bench.target(bookings={"windows": (empty,)}))
    assert isinstance(await bench.failure(BOOKINGS), TargetConfigError)
    assert 0 == len(bench.simulator.log)
