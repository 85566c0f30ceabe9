"""Every booking once: pages, windows, bounds, days when the clocks change (bitrix24.md sections 2 and 4)."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime
from math import ceil
from zoneinfo import ZoneInfo

import pytest

from exporter.booking_links import LinksObservation
from exporter.counting.bookings import Booking
from exporter.counting.windows import WindowSpec
from exporter.errors import InvalidResponseError, TargetConfigError
from exporter.model import CollectorName
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.bitrix24.answers import Reply, RowPage
from exporter.platforms.bitrix24.batching import Batcher
from exporter.platforms.bitrix24.paging import Pager, within
from exporter.platforms.bitrix24.settings import Budget
from exporter.simulator.bitrix24.world import PortalWorld
from exporter.simulator.faults import Fault, FaultKind
from tests.harness.bitrix24_target import (
    DAY,
    HOUR,
    LIST,
    NEXT_7D,
    WINDOWS,
    Bench,
    counts,
    poll_bookings,
    poll_links,
    running_portal,
)

WORLDS = [0, 1, 49, 50, 51, 99, 100, 2512]
BERLIN = ZoneInfo("Europe/Berlin")


def expected(bench: Bench, windows: tuple[WindowSpec, ...] = WINDOWS, zone: ZoneInfo = BERLIN) -> dict[str, int]:
    """Count the world itself, booking by booking, without anything of the client but the windows' bounds."""
    found = {}
    for spec in windows:
        window = spec.resolve(bench.now, zone)
        found[spec.name] = sum(window.start <= booking.start < window.end for booking in bench.world.bookings())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("rows", WORLDS)
async def test_every_booking_is_counted_once_whatever_the_size(bench: Bench, rows: int) -> None:
    bench.world.fill(rows, bench.now, days=(-0.9, 6.9))
    session = bench.open()
    cold = await poll_bookings(session)
    warm = await poll_bookings(session)
    assert expected(bench) == counts(cold) == counts(warm)
    seen = counts(warm)
    assert seen["last_24h"] + seen["next_7d"] == rows


@pytest.mark.slow
@pytest.mark.parametrize("rows", WORLDS)
async def test_a_stable_portal_costs_as_few_calls_as_the_api_allows(bench: Bench, rows: int) -> None:
    bench.world.fill(rows, bench.now, days=(-0.9, 6.9))
    session = bench.open()
    await poll_bookings(session)
    before = bench.calls()
    await poll_bookings(session)
    assert bench.calls() - before == 1 + ceil((rows // 50) / 50)


@pytest.mark.slow
async def test_ten_thousand_bookings_are_exact_in_at_most_six_calls_with_the_bucket_on(bench: Bench) -> None:
    bench.portal.set_plan("standard")
    bench.world.fill(10_000, bench.now, days=(-0.9, 6.9))
    session = bench.open(budget=Budget())
    assert counts(await poll_bookings(session)) == expected(bench)
    before = bench.calls()
    bench.clock.now += 300
    assert counts(await poll_bookings(session)) == expected(bench)
    assert bench.calls() - before <= 6
    assert "503" not in bench.events.codes()


@pytest.mark.slow
async def test_a_hundred_thousand_bookings_are_read_whole_with_the_defaults(bench: Bench) -> None:
    for second in range(100_000):  # bare rows: what takes the time here is what a poll does with them
        bench.world.add_booking(bench.now + HOUR + second, bench.now + 2 * HOUR + second)
    session = bench.open(windows=NEXT_7D)
    assert {"next_7d": 100_000} == counts(await poll_bookings(session))


@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 49, 50, 51, 120])
async def test_exactly_max_bookings_are_read_and_one_more_is_a_config_matter_and_not_a_part(bench: Bench, most: int) -> None:
    bench.world.fill(most, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D, bookings={"max_bookings": most})
    for _ in range(2):
        assert counts(await poll_bookings(session)) == {"next_7d": most}
        assert sum(linked_and_not(await poll_links(session))) == most
        extra = bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR)
        for poll, collector in ((poll_bookings, "bookings"), (poll_links, "links")):
            told = f"of {collector} .* more than {most} bookings, and max_bookings .* narrower windows for {collector}"
            with pytest.raises(TargetConfigError, match=told):
                await poll(session)
        bench.world.delete_booking(extra.id)


def linked_and_not(observation: LinksObservation) -> tuple[int, int]:
    return observation.windows[0].linked, observation.windows[0].unlinked


async def test_partners_of_conflicts_beyond_the_windows_are_bookings_that_a_poll_reads(bench: Bench) -> None:
    bench.world.add_booking(bench.now + HOUR, bench.now + 30 * DAY, resource_ids=(1,))
    for day in (2, 3, 10, 11):  # no single range that is read holds more than three
        bench.world.add_booking(bench.now + day * DAY, bench.now + day * DAY + HOUR, resource_ids=(1,))
    assert 3 == (await poll_bookings(bench.open(windows=NEXT_7D, bookings={"max_bookings": 5}))).windows[0].conflicting
    with pytest.raises(TargetConfigError, match="more than 4 bookings"):
        await poll_bookings(bench.open(windows=NEXT_7D, bookings={"max_bookings": 4}))


async def test_bookings_of_many_resources_reach_the_limit_sooner(bench: Bench) -> None:
    for day in (2, 10):  # the second is read as it may overlap with the first, which reaches out of the window
        bench.world.add_booking(bench.now + day * DAY, bench.now + 20 * DAY, resource_ids=tuple(range(1, 21)))
    assert 1 == (await poll_bookings(bench.open(windows=NEXT_7D, bookings={"max_bookings": 40}))).windows[0].conflicting
    assert (1, 0) == linked_and_not(await poll_links(bench.open(windows=NEXT_7D, bookings={"max_bookings": 20})))[::-1]
    for poll, most in ((poll_bookings, 19), (poll_bookings, 39), (poll_links, 19)):
        with pytest.raises(TargetConfigError, match=f"more than {most} bookings"):
            await poll(bench.open(windows=NEXT_7D, bookings={"max_bookings": most}))


@pytest.mark.slow
async def test_a_portal_that_invents_bookings_for_ever_is_left_at_the_limit(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.endless_list = True
    bench.world.fill(1, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D, bookings={"max_bookings": 5000})
    for poll in (poll_bookings, poll_links):
        before = bench.calls(LIST) + bench.commands(LIST)
        with pytest.raises(TargetConfigError, match="more than 5000 bookings"):
            await poll(session)
        assert 101 <= bench.calls(LIST) + bench.commands(LIST) - before <= 101 + 50


async def test_the_official_example_is_one_booking(bench: Bench) -> None:
    bench.world.add_booking(
        bench.now + HOUR, bench.now + HOUR + 900, id=15, resource_ids=(1, 2), zone="Europe/Kaliningrad", name="x"
    )
    assert 1 == counts(await poll_bookings(bench.open()))["next_24h"]


@pytest.mark.parametrize(("rule", "inside"), [("start", ["first", "zero"]), ("overlap", ["across", "around", "first", "zero"])])
async def test_bounds_are_half_open_and_a_crossing_booking_counts_by_the_rule(
    bench: Bench, rule: str, inside: list[str]
) -> None:
    start, end = bench.now, bench.now + 24 * HOUR
    for begin, finish in (
        (start, start + HOUR),  # first
        (start + 2 * HOUR, start + 2 * HOUR),  # zero
        (start - HOUR, start + HOUR),  # across
        (start - HOUR, end + HOUR),  # around
        (start - HOUR, start),  # ends at the beginning
        (end, end + HOUR),  # starts at the end
    ):
        bench.world.add_booking(begin, finish)
    observation = await poll_bookings(bench.open(bookings={"count": rule}, windows=WINDOWS[2:3]))
    assert counts(observation) == {"next_24h": len(inside)}


async def test_a_zero_length_booking_at_the_start_of_the_window_counts_on_older_builds_too(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.zero_length_at_start = False
    bench.world.add_booking(bench.now, bench.now)
    assert {"next_7d": 1} == counts(await poll_bookings(bench.open(windows=NEXT_7D)))


async def test_a_recurring_booking_that_the_portal_returns_for_every_window_counts_where_it_starts(bench: Bench) -> None:
    bench.world.add_booking(bench.now - 30 * DAY, bench.now - 30 * DAY + HOUR, until=int(bench.now + 30 * DAY))
    bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR, until=int(bench.now + 30 * DAY))
    assert {"last_24h": 0, "today": 1, "next_24h": 1, "next_7d": 1} == counts(await poll_bookings(bench.open()))


async def test_a_portal_that_reads_within_as_starts_inside_gives_the_same_counts(bench: Bench) -> None:
    bench.world.fill(300, bench.now, days=(-40, 40))
    bench.simulator.bitrix24.switches.within = "start"
    assert counts(await poll_bookings(bench.open())) == expected(bench)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
async def test_days_when_the_clocks_change_have_23_and_25_hours(day: str) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
    hours = {"2026-03-29": 23, "2026-10-25": 25}[day]

    async with running_portal(start=midnight.timestamp() - DAY) as bench:
        first = int(midnight.timestamp())
        for hour in range(-3, hours + 3):  # one each hour of absolute time
            bench.world.add_booking(first + hour * HOUR, first + hour * HOUR + 600)
        bench.clock.now = first + 12 * HOUR
        observation = await poll_bookings(bench.open(windows=WINDOWS[1:2]))
        assert counts(observation) == {"today": hours}
        assert observation.windows[0].window.end - observation.windows[0].window.start == hours * HOUR


async def test_pages_of_another_size_are_followed_as_the_portal_shows_them(bench: Bench) -> None:
    switches = bench.simulator.bitrix24.switches
    bench.world.fill(260, bench.now, days=(-0.9, 6.9))
    switches.page_size = 100  # page one has more than 50 rows
    assert counts(await poll_bookings(bench.open())) == expected(bench)
    switches.page_size, switches.real_totals = 20, True  # `next` says it
    assert counts(await poll_bookings(bench.open())) == expected(bench)


async def test_a_total_that_becomes_real_changes_nothing(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.real_totals = True
    bench.world.fill(130, bench.now, days=(-0.9, 6.9))
    assert counts(await poll_bookings(bench.open())) == expected(bench)


async def test_a_portal_that_ignores_start_is_an_error_and_not_a_count(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.ignores_start = True
    bench.world.fill(60, bench.now, days=(-0.9, 6.9))
    with pytest.raises(InvalidResponseError, match="ignores start"):
        await poll_bookings(bench.open())
    assert bench.calls() <= 2


async def test_a_batch_that_may_not_hold_the_method_falls_back_to_one_page_after_the_other(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.batch_blocked = frozenset({LIST})
    bench.world.fill(230, bench.now, days=(-0.9, 6.9))
    session = bench.open()
    assert counts(await poll_bookings(session)) == expected(bench)
    assert (1, 5) == (bench.calls("batch"), bench.calls(LIST))  # tried once, remembered for the process
    assert counts(await poll_bookings(session)) == expected(bench)
    assert (1, 10) == (bench.calls("batch"), bench.calls(LIST))


async def test_a_row_that_moves_to_a_later_page_while_we_read_counts_once(bench: Bench) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))

    def reveal_an_early_id(world: PortalWorld) -> None:
        world.edit_booking(1, start=int(bench.now + HOUR), end=int(bench.now + 2 * HOUR))

    bench.world.edit_booking(1, start=int(bench.now + 50 * DAY), end=int(bench.now + 51 * DAY))
    bench.portal.after_page.append(reveal_an_early_id)
    observation = await poll_bookings(bench.open(windows=NEXT_7D))
    assert {"next_7d": 119} == counts(observation)  # the next poll sees the revealed one; nothing is counted twice


@pytest.mark.parametrize("shape", ["object", "null"])
async def test_a_list_written_as_an_object_or_null_is_understood(bench: Bench, shape: str) -> None:
    switches = bench.simulator.bitrix24.switches
    if shape == "object":
        switches.list_shape = "object"
        bench.world.fill(60, bench.now, days=(-0.9, 6.9))
    else:
        switches.list_shape = "null"
    assert counts(await poll_bookings(bench.open())) == expected(bench)


async def test_bookings_that_end_before_they_start_are_left_out_and_counted(bench: Bench) -> None:
    bench.world.fill(10, bench.now, days=(0.1, 6.9))
    bench.world.add_booking(bench.now + 2 * HOUR, bench.now + HOUR)
    assert {"next_7d": 10} == counts(await poll_bookings(bench.open(windows=NEXT_7D)))
    assert bench.events.malformed == {CollectorName.BOOKINGS: 1}


async def test_a_window_is_complete_unless_a_row_had_to_be_left_out(bench: Bench) -> None:
    bench.world.fill(10, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D)
    bookings, links = await poll_bookings(session), await poll_links(session)
    assert (True, True) == (bookings.windows[0].complete, links.windows[0].complete)
    bench.world.add_booking(bench.now + 2 * HOUR, bench.now + HOUR)
    bookings, links = await poll_bookings(session), await poll_links(session)
    assert (False, False) == (bookings.windows[0].complete, links.windows[0].complete)
    assert 10 == links.windows[0].linked + links.windows[0].unlinked


async def test_a_page_that_names_a_next_one_is_not_the_last_however_few_rows_it_has(bench: Bench) -> None:
    bench.world.fill(60, bench.now, days=(0.1, 6.9))
    shown = bench.world.bookings()[:40]
    rows = [{"id": row.id, "datePeriod": {"from": {"timestamp": row.start}, "to": {"timestamp": row.end}}} for row in shown]
    body = json.dumps({"result": {"booking": rows}, "next": 50})
    bench.simulator.faults.add(Fault(FaultKind.BODY, operation=LIST, body=body, content_type="application/json", times=1))
    assert {"next_7d": 50} == counts(await poll_bookings(bench.open(windows=NEXT_7D)))


async def test_the_next_booking_is_the_soonest_ahead_in_the_windows(bench: Bench) -> None:
    session = bench.open()
    empty = await poll_bookings(session)
    assert (None, True) == (empty.next_booking, empty.measures_next)
    bench.world.add_booking(bench.now - HOUR, bench.now + HOUR)
    bench.world.add_booking(bench.now + 3 * HOUR, bench.now + 4 * HOUR)
    bench.world.add_booking(bench.now + 2 * HOUR, bench.now + 3 * HOUR)
    assert (await poll_bookings(session)).next_booking == int(bench.now + 2 * HOUR)
    past = await poll_bookings(bench.open(windows=WINDOWS[:1]))
    assert (None, False) == (past.next_booking, past.measures_next)


async def test_nothing_but_reads_is_ever_sent(bench: Bench) -> None:
    bench.world.fill(120, bench.now)
    await poll_bookings(bench.open())
    assert {} == bench.simulator.log.writes()
    assert {"POST"} == {call.method for call in bench.simulator.log}


async def test_a_stable_portal_is_asked_for_the_same_pages_in_every_poll(bench: Bench) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D)
    asked = []
    for _ in range(5):
        before = bench.commands(LIST)
        await poll_bookings(session)
        asked.append(bench.commands(LIST) - before)
    assert [3, 3, 3, 3] == asked[1:]  # two that it needs and one more, beside page one


async def test_a_portal_that_grows_and_shrinks_tenfold_is_read_right_at_once(bench: Bench) -> None:
    bench.world.fill(60, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D)
    await poll_bookings(session)
    bench.world.fill(600, bench.now, days=(0.1, 6.9))
    assert {"next_7d": 660} == counts(await poll_bookings(session))
    for booking in bench.world.bookings()[:620]:
        bench.world.delete_booking(booking.id)
    before = bench.calls(LIST)
    assert {"next_7d": 40} == counts(await poll_bookings(session))
    assert 1 == bench.calls(LIST) - before


@pytest.mark.slow
async def test_between_200_rows_of_a_batch_and_the_next_the_event_loop_has_a_turn(bench: Bench) -> None:
    bench.world.fill(2500, bench.now, days=(0.1, 6.9))
    turns, at = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def read(reply: Reply) -> RowPage[Booking]:
        at.append(turns)
        return booking_pages.bookings(reply)

    api = bench.open()._api
    pager = Pager(api, Batcher(api, 50), LIST, read, max_rows=5000, too_many=lambda: TargetConfigError("too many"))
    for _ in range(2):  # the second time it knows how many pages there are, and asks for 50 in one batch
        at.clear()
        other = asyncio.ensure_future(others())
        rows, _ = await pager.read_all(within(int(bench.now), int(bench.now) + 7 * DAY))
        other.cancel()
        assert 2500 == len(rows)
    in_one_turn = Counter(at)
    assert max(in_one_turn.values()) * 50 <= 200
    assert 51 == len(at)
