"""The collector ``events``: private events against bookings, over real HTTP (docs/platforms/wix.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter.errors import (
    InvalidResponseError,
    PermissionDeniedError,
    PollTimeoutError,
    ServerError,
    TargetConfigError,
)
from exporter.model import CollectorName
from exporter.platforms.base import RefusedPart
from exporter.platforms.inventory import Inventory
from exporter.platforms.wix.session import WixSession
from exporter.platforms.wix.settings import WixCollectors, WixConnections, WixEvents, WixTarget
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.private_calendar import Cause, EventsObservation, ImportedEvents, ImportFault
from exporter.simulator import FaultKind, canary
from exporter.simulator.wix import APPLE, GOOGLE, MICROSOFT, sync_config
from exporter.simulator.wix.bookings import BookingKind, Staff
from exporter.simulator.wix.connections import EXPORT_DEDICATED, IMPORT_PRIMARY
from exporter.simulator.wix.operations import ALL_PERMISSIONS
from exporter.simulator.wix.private_events import PrivateEvent
from exporter.state.status_history import open_status_history
from tests.harness.wix_site import WINDOWS, WixBench

HOUR = 3600.0
DAY = 86_400.0
EVENTS = CollectorName.EVENTS
LIST = "ListEvents"
QUERY = "QueryExtendedBookings"
PARTLY_ODD = (
    '{"events": [{"scheduleId": 7}, {"scheduleId": "SCHEDULE", "calendarType": "GOOGLE", '
    '"start": "2027-01-01T10:00:00Z", "end": "2027-01-01T11:00:00Z"}]}'
)


class Calendars:
    """A site whose staff has a connected calendar; hours count from the first poll. Nothing is invented."""

    def __init__(self, bench: WixBench) -> None:
        self.bench = bench
        self.site = bench.site
        self.site.private.invents = False
        self.staff = bench.site.add_staff()
        self.connection = self.site.connections.connect(GOOGLE, self.staff.schedule_id)
        self.start = bench.clock.now + 60

    def target(self, *, connections: bool = True, target: Mapping[str, Any] | None = None, **events: Any) -> WixTarget:  # noqa: ANN401  settings
        common: dict[str, Any] = {"interval": 60.0, "max_age": 300.0}
        chosen: dict[str, Any] = {"events": WixEvents(**{**common, "interval": 600.0, "max_age": 1800.0, **events})}
        if connections:
            chosen["connections"] = WixConnections(**common, windows=WINDOWS)
        collectors = WixCollectors(**chosen)
        return self.bench.target(collectors=collectors, **(target or {}))

    def open(self, **options: Any) -> None:  # noqa: ANN401  as for target
        self.bench.open(self.target(**options))

    def at(self, hours: float) -> float:
        return self.start + hours * HOUR

    def book(self, hours: float, length: float = 1, staff: Staff | None = None, **how: Any) -> str:  # noqa: ANN401  fields
        return self.site.bookings.add(self.at(hours), self.at(hours + length), staff=staff or self.staff, **how)

    def plan(self, hours: float, length: float = 1, **how: Any) -> None:  # noqa: ANN401  as plan takes them
        self.site.private.plan(self.staff.schedule_id, self.at(hours), self.at(hours + length), **how)

    async def inventory(self) -> Inventory:
        session = self.bench.session
        assert isinstance(session, WixSession)
        return await session.inventory()

    async def look(self, after: float = 0) -> EventsObservation:
        """Poll both collectors, ``after`` hours and a minute later; both must succeed fully."""
        self.bench.clock.now += after * HOUR
        await self.see_connections()
        self.bench.clock.now -= 60
        return await self.poll()

    async def see_connections(self) -> None:
        if CollectorName.CONNECTIONS in self.bench.session.collectors:
            assert (await self.bench.poll()).failure is None

    async def poll(self) -> EventsObservation:
        result = await self.bench.poll(EVENTS)
        assert result.failure is None
        assert isinstance(result.observation, EventsObservation)
        return result.observation


@pytest.fixture
def calendars(bench: WixBench) -> Calendars:
    return Calendars(bench)


def conflicts(seen: EventsObservation) -> dict[str, int]:
    """Return how many bookings conflict in each window, whatever the cause."""
    return {row.window.name: sum(row.conflicts.values()) for row in seen.windows}


def causes(seen: EventsObservation, window: str = "next_7d") -> dict[str, int]:
    [row] = [row for row in seen.windows if row.window.name == window]
    return {str(cause): number for cause, number in row.conflicts.items() if number}


async def test_a_booking_that_a_private_event_overlaps_is_a_conflict_of_its_window(calendars: Calendars) -> None:
    calendars.open()
    for hours in (2, 30):
        calendars.book(hours)
        calendars.plan(hours + 0.5)
    seen = await calendars.look()
    assert {"next_24h": 1, "next_7d": 2} == conflicts(seen)
    assert all(row.complete for row in seen.windows)


async def test_windows_are_those_in_which_bookings_begin_half_open(calendars: Calendars) -> None:
    calendars.open()
    for hours in (0, 24, 7 * 24 - 1, 7 * 24):
        calendars.book(hours, 0.5)
        calendars.plan(hours - 0.1, 1)
    assert {"next_24h": 1, "next_7d": 3} == conflicts(await calendars.look())


@pytest.mark.parametrize(("hours", "length"), [(1, 1), (3, 1), (2.5, 0), (30, 1)])
async def test_what_only_touches_a_booking_or_lies_elsewhere_is_no_conflict(
    calendars: Calendars, hours: float, length: float
) -> None:
    calendars.open()
    calendars.book(2)
    calendars.plan(hours, length)
    assert (1 if length == 0 else 0) == conflicts(await calendars.look())["next_7d"]


@pytest.mark.parametrize("status", ["CANCELED", "DECLINED", "CREATED", "WAITING_LIST"])
async def test_a_booking_that_is_not_on_the_calendar_takes_nobodys_time(calendars: Calendars, status: str) -> None:
    calendars.open()
    calendars.book(2, status=status)
    calendars.plan(2.5)
    assert 0 == conflicts(await calendars.look())["next_7d"]


async def test_a_pending_booking_and_each_seat_of_a_class_take_time_and_a_course_none(calendars: Calendars) -> None:
    calendars.open()
    calendars.book(2, status="PENDING")
    calendars.site.bookings.add_class(calendars.staff, calendars.at(4), seats=3)
    calendars.site.bookings.add_course(calendars.at(1), weeks=3)
    calendars.site.bookings.add(calendars.at(1), calendars.at(900), kind=BookingKind.COURSE, staff=calendars.staff)
    calendars.plan(2, 4)
    assert 4 == conflicts(await calendars.look())["next_7d"]


@pytest.mark.parametrize(("transparency", "found"), [("TRANSPARENT", 0), ("OPAQUE", 1), ("UNKNOWN_TRANSPARENCY", 1), (None, 1)])
async def test_a_resource_that_serves_several_at_a_time_has_no_conflict(
    calendars: Calendars, transparency: str | None, found: int
) -> None:
    calendars.open()
    calendars.book(2, transparency=transparency)
    calendars.plan(2.5)
    assert found == conflicts(await calendars.look())["next_7d"]


async def test_an_event_of_another_schedule_is_no_conflict(calendars: Calendars) -> None:
    calendars.open()
    other = calendars.site.add_staff()
    calendars.site.connections.connect(GOOGLE, other.schedule_id)
    calendars.book(2, staff=other)
    calendars.plan(2)
    assert 0 == conflicts(await calendars.look())["next_7d"]


async def test_an_event_that_straddles_now_counts_for_a_booking_that_begins_after_now(calendars: Calendars) -> None:
    calendars.open()
    calendars.book(1)
    calendars.plan(-5, 6.5)
    assert 1 == conflicts(await calendars.look())["next_24h"]


@pytest.mark.parametrize(("option", "found"), [(False, 0), (True, 1)])
@pytest.mark.parametrize("tells", [False, True])
async def test_a_whole_day_takes_no_time_unless_it_is_said_to(
    calendars: Calendars, option: bool, found: int, tells: bool
) -> None:
    midnight = 1_790_028_000.0  # in Berlin
    calendars.open(all_day=option)
    calendars.site.bookings.add(midnight + 10 * HOUR, midnight + 11 * HOUR, staff=calendars.staff)
    private, schedule = calendars.site.private, calendars.staff.schedule_id
    private.plan(schedule, midnight, midnight + DAY, all_day=True, tells_all_day=tells)
    assert found == conflicts(await calendars.look())["next_7d"]


@pytest.mark.parametrize(
    ("said", "found"), [("", 0), (', "allDay": null', 0), (', "allDay": false', 1), (', "allDay": true', 0)]
)
async def test_from_midnight_to_midnight_is_a_whole_day_unless_the_row_says_that_it_is_not(
    calendars: Calendars, said: str, found: int
) -> None:
    calendars.open()
    calendars.site.bookings.add(1_790_028_000.0 + HOUR, 1_790_028_000.0 + 2 * HOUR, staff=calendars.staff)
    times = '"start": "2026-09-21T22:00:00Z", "end": "2026-09-22T22:00:00.000Z"'
    row = f'{{"scheduleId": "{calendars.staff.schedule_id}", "calendarType": "GOOGLE", {times}{said}}}'
    calendars.bench.answer_with(LIST, f'{{"events": [{row}]}}')
    assert found == conflicts(await calendars.look())["next_7d"]


async def test_a_booking_that_is_accepted_is_not_counted(calendars: Calendars) -> None:
    meant = calendars.book(2)
    calendars.plan(2.5)
    calendars.bench.policy = TargetPolicy(bookings={meant: AcceptedReason("a friend")})
    calendars.open()
    seen = await calendars.look()
    assert (0, ()) == (conflicts(seen)["next_7d"], seen.conflicts)


async def test_a_booking_counts_once_however_many_events_overlap_it_and_however_often_they_come(calendars: Calendars) -> None:
    calendars.open()
    calendars.bench.switches.events_twice_after_reconnect = True
    calendars.site.connections.reconnect(calendars.connection)
    calendars.site.connections.connect(MICROSOFT, calendars.staff.schedule_id)
    calendars.book(2, 2)
    for minute in range(10):
        calendars.plan(2 + minute / 10, 1)
    calendars.plan(2.5, provider=MICROSOFT)
    seen = await calendars.look()
    assert 1 == conflicts(seen)["next_7d"]
    assert [10, 1] == [row.events["next_7d"] for row in seen.imports]


async def test_the_conflicts_are_listed_with_booking_schedule_start_and_cause_the_soonest_first(calendars: Calendars) -> None:
    calendars.open(target={"aliases": {calendars.staff.schedule_id: "Chair 1"}})
    later, sooner = calendars.book(9), calendars.book(5)
    calendars.plan(4, 8)
    seen = await calendars.look()
    assert [(sooner, "Chair 1", calendars.at(5), "unknown"), (later, "Chair 1", calendars.at(9), "unknown")] == [
        (row.booking, row.schedule, row.start, str(row.cause)) for row in seen.conflicts
    ]
    assert calendars.at(5) == seen.next_conflict


async def test_ten_conflicts_are_listed_and_all_are_counted(calendars: Calendars) -> None:
    calendars.open()
    for number in range(14):
        calendars.book(2 + number)
    calendars.plan(1, 20)
    seen = await calendars.look()
    assert (10, 14) == (len(seen.conflicts), conflicts(seen)["next_24h"])


async def test_eleven_that_were_not_blocked_leave_a_place_for_one_that_was_booked_over(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(1, 14)
    over = calendars.book(40)
    await calendars.look(after=0.1)
    calendars.plan(40.25, 1)
    calendars.bench.clock.now += 600
    for number in range(11):
        calendars.book(2 + number)
    seen = await calendars.poll()
    assert {"booked_over": 1, "not_blocked": 11} == causes(seen)
    assert (10, over) == (len(seen.conflicts), seen.conflicts[-1].booking)


async def test_ten_bookings_that_were_booked_over_do_not_hide_one_that_was_not_blocked(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(19, 1)
    for number in range(10):
        calendars.book(2 + number)
    await calendars.look(after=0.1)
    calendars.plan(2, 11)
    calendars.bench.clock.now += 600
    hidden = calendars.book(18.5)
    seen = await calendars.poll()
    assert {"booked_over": 10, "not_blocked": 1} == causes(seen)
    assert (10, hidden) == (len(seen.conflicts), seen.conflicts[0].booking)


# Copies of bookings


def exporting_buffers(calendars: Calendars) -> None:
    buffered = sync_config(IMPORT_PRIMARY, {**EXPORT_DEDICATED, "includeBufferTime": True})
    calendars.site.connections.amend(calendars.connection, syncConfig=buffered)


async def test_copies_of_bookings_are_no_conflict_nor_is_the_buffer_time_beside_them(calendars: Calendars) -> None:
    calendars.open()
    calendars.bench.switches.echoes = True
    exporting_buffers(calendars)
    calendars.book(2)
    calendars.book(3.1)  # within the buffer time of the first
    calendars.book(30)
    seen = await calendars.look()
    assert {"next_24h": 0, "next_7d": 0} == conflicts(seen)
    assert [2, 3] == [row.copies for row in seen.windows]


async def test_the_copy_of_a_booking_that_was_just_moved_is_no_conflict_with_it_for_an_hour(calendars: Calendars) -> None:
    calendars.open()
    booking = calendars.book(6)
    calendars.plan(6)
    await calendars.look()
    calendars.site.bookings.amend(booking, start=calendars.at(6.5), end=calendars.at(7.5))
    found = [causes(await calendars.look(hours)) for hours in (0.1, 0.8, 0.2)]
    assert [{}, {}, {"unknown": 1}] == found


async def test_the_copy_of_a_booking_that_was_just_cancelled_does_not_block_the_next_for_an_hour(calendars: Calendars) -> None:
    calendars.open()
    booking = calendars.book(6)
    calendars.plan(6)
    calendars.plan(7, 0.25)  # its buffer time
    await calendars.look()
    calendars.site.bookings.cancel(booking)
    calendars.bench.clock.now += 300
    calendars.book(6.5)
    found = [causes(await calendars.look(hours)) for hours in (0.1, 0.7, 0.2)]
    assert [{}, {}, {"not_blocked": 1}] == found


async def test_copies_are_counted_from_the_first_that_came_and_absent_before(calendars: Calendars) -> None:
    calendars.open()
    calendars.book(2)
    assert [None, None] == [row.copies for row in (await calendars.look()).windows]
    calendars.bench.switches.echoes = True
    assert [1, 1] == [row.copies for row in (await calendars.look()).windows]
    calendars.bench.switches.echoes = False
    assert [0, 0] == [row.copies for row in (await calendars.look()).windows]


# Causes


async def test_an_event_that_was_known_before_the_booking_was_made_did_not_block(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(5)
    await calendars.look()
    calendars.bench.clock.now += 600
    calendars.book(5.5)
    seen = await calendars.look()
    assert ({"not_blocked": 1}, calendars.at(5.5)) == (causes(seen), seen.next_conflict)


async def test_an_event_that_came_after_the_booking_was_put_over_it(calendars: Calendars) -> None:
    calendars.open()
    calendars.book(5, created=calendars.start - DAY)
    await calendars.look()
    calendars.plan(4.5)
    calendars.plan(5.5)
    seen = await calendars.look(1)
    assert ({"booked_over": 1}, None) == (causes(seen), seen.next_conflict)


async def test_where_the_first_poll_finds_both_nobody_knows_which_came_first(calendars: Calendars) -> None:
    calendars.open()
    calendars.book(5, created=calendars.start - DAY)
    calendars.plan(5.5)
    assert {"unknown": 1} == causes(await calendars.look())


async def test_what_enters_the_window_as_time_goes_by_was_not_seen_to_come(calendars: Calendars) -> None:
    calendars.open()
    calendars.book(7 * 24 + 2, created=calendars.start - DAY)
    calendars.plan(7 * 24 + 2.5)
    await calendars.look()
    assert {"unknown": 1} == causes(await calendars.look(5))


async def test_a_booking_that_was_changed_after_the_event_came_may_have_been_moved_there(calendars: Calendars) -> None:
    calendars.open()
    booking = calendars.book(5, created=calendars.start - DAY)
    await calendars.look()
    calendars.plan(7.5)
    await calendars.look(1)
    calendars.site.bookings.amend(booking, start=calendars.at(7), end=calendars.at(8))
    assert {"unknown": 1} == causes(await calendars.look(1))


async def test_made_between_the_two_polls_that_bound_the_event_nobody_knows_which_came_first(calendars: Calendars) -> None:
    calendars.open()
    await calendars.look()
    calendars.bench.clock.now += 1800
    calendars.book(5)
    calendars.plan(5.5)
    assert {"unknown": 1} == causes(await calendars.look(0.5))


async def test_one_event_that_did_not_block_decides_among_several(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(5)
    await calendars.look()
    calendars.bench.clock.now += 600
    calendars.book(5, 2)
    await calendars.look()
    calendars.plan(6.5)
    assert {"not_blocked": 1} == causes(await calendars.look(1))


@pytest.mark.parametrize(("kept", "cause"), [(True, "not_blocked"), (False, "unknown")])
async def test_a_restart_keeps_the_cause_with_a_state_file_and_not_without(
    calendars: Calendars, tmp_path: Path, kept: bool, cause: str
) -> None:
    bench = calendars.bench

    def restart() -> None:
        bench.since = open_status_history(tmp_path / "state.json", bench.clock) if kept else type(bench.since)()
        calendars.open()

    restart()
    calendars.plan(5)
    await calendars.look()
    bench.clock.now += 1200
    calendars.book(5.5)
    await calendars.look()
    await bench.since.aclose()
    restart()
    bench.clock.now += 600
    assert {cause: 1} == causes(await calendars.look())
    await bench.since.aclose()


async def test_a_restart_keeps_that_an_event_was_not_there(calendars: Calendars, tmp_path: Path) -> None:
    bench = calendars.bench
    bench.since = open_status_history(tmp_path / "state.json", bench.clock)
    calendars.open()
    calendars.book(30, created=calendars.start - DAY)
    await calendars.look()
    await bench.since.aclose()
    bench.since = open_status_history(tmp_path / "state.json", bench.clock)
    calendars.open()
    calendars.plan(30.5)
    assert {"booked_over": 1} == causes(await calendars.look(10))
    await bench.since.aclose()


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(("planned_first", "cause"), [(True, "not_blocked"), (False, "booked_over")])
async def test_a_cause_is_known_for_as_long_as_the_event_lasts_however_long_its_provider_fails(
    calendars: Calendars, tmp_path: Path, planned_first: bool, cause: str, is_restarted: bool
) -> None:
    bench, down = calendars.bench, calendars.site.provider_down
    bench.since = open_status_history(tmp_path / "state.json", bench.clock)
    calendars.open()
    calendars.site.connections.connect(MICROSOFT, calendars.staff.schedule_id)
    await calendars.look()
    for is_plan in (planned_first, not planned_first):
        bench.clock.now += 600
        if is_plan:
            calendars.plan(30, 600, provider=MICROSOFT)
        else:
            calendars.book(24 * 20)
        await calendars.look(1)
    down(MICROSOFT)
    for _ in range(18):
        bench.clock.now += DAY
        await bench.poll(EVENTS)
        if is_restarted:
            await bench.since.aclose()
            bench.since = open_status_history(tmp_path / "state.json", bench.clock)
            calendars.open()
    down(GOOGLE)  # so that no poll is whole for longer still
    calendars.site.provider_up(MICROSOFT)
    for provider in (GOOGLE, None):
        seen = (await bench.poll(EVENTS)).observation
        assert isinstance(seen, EventsObservation)
        assert {cause: 1} == causes(seen), provider
        calendars.site.provider_up()
    await bench.since.aclose()


async def test_the_state_file_tells_no_schedule_and_no_time_of_an_event(calendars: Calendars, tmp_path: Path) -> None:
    bench, path = calendars.bench, tmp_path / "state.json"
    bench.since = open_status_history(path, bench.clock)
    calendars.open()
    calendars.plan(30)
    await calendars.look()
    await bench.since.aclose()
    text = path.read_text()
    assert '"events"' in text
    assert calendars.staff.schedule_id not in text
    assert str(int(calendars.at(30))) not in text


# How an import lives


async def only(calendars: Calendars, after: float = 0) -> ImportedEvents:
    [row] = (await calendars.look(after)).imports
    return row


async def test_events_are_counted_by_connection_and_window_with_the_farthest_start(calendars: Calendars) -> None:
    calendars.open(target={"aliases": {calendars.staff.schedule_id: "Chair 1"}})
    calendars.plan(-1, 2)
    calendars.plan(2, days=3)
    row = await only(calendars)
    assert ("Chair 1", "Chair 1", {"next_24h": 2, "next_7d": 4}) == (row.connection, row.schedule, row.events)
    assert calendars.at(50) == row.farthest


async def test_a_connection_without_events_has_none_and_no_farthest_start(calendars: Calendars) -> None:
    calendars.open()
    row = await only(calendars)
    assert ({"next_24h": 0, "next_7d": 0}, None) == (row.events, row.farthest)


async def test_a_connection_that_does_not_import_or_was_cut_has_no_numbers(calendars: Calendars) -> None:
    calendars.open()
    life = calendars.site.connections
    life.connect(APPLE, calendars.staff.schedule_id, config=sync_config(None))
    life.disconnect(life.connect(MICROSOFT, calendars.staff.schedule_id))
    assert 1 == len((await calendars.look()).imports)


async def test_connections_of_one_schedule_and_type_each_have_the_events_of_both(calendars: Calendars) -> None:
    calendars.open()
    calendars.site.connections.connect(GOOGLE, calendars.staff.schedule_id)
    calendars.plan(2)
    seen = await calendars.look()
    assert [1, 1] == [row.events["next_7d"] for row in seen.imports]
    assert 2 == len({row.connection for row in seen.imports})


async def test_without_the_collector_connections_there_are_conflicts_and_no_imports(calendars: Calendars) -> None:
    calendars.open(connections=False)
    calendars.book(2)
    calendars.plan(2.5)
    seen = await calendars.look()
    assert (1, ()) == (conflicts(seen)["next_7d"], seen.imports)


async def test_a_change_is_dated_with_the_poll_that_saw_it_and_time_alone_is_none(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(3, days=20)
    first = await only(calendars)
    assert calendars.bench.clock.now == first.changed
    assert first.changed == (await only(calendars, 30)).changed, "events went by, and others came into sight"
    calendars.plan(50)
    changed = await only(calendars, 1)
    assert calendars.bench.clock.now == changed.changed
    calendars.site.private.clear()
    gone = await only(calendars, 1)
    assert calendars.bench.clock.now == gone.changed


async def test_an_import_that_had_events_for_a_week_and_has_none_is_silent_until_they_are_back(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(1, days=40)
    for _ in range(8):
        assert {} == (await only(calendars, 24)).faults
    last = calendars.bench.clock.now
    calendars.site.private.clear()
    for _ in range(3):
        assert {ImportFault.SILENT: last} == (await only(calendars, 1)).faults
    calendars.plan(24 * 10, days=9)
    assert {} == (await only(calendars, 1)).faults


async def test_what_was_found_of_an_import_is_withdrawn_when_polls_see_a_part_alone_for_max_age(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(1, days=40)
    for _ in range(8):
        await calendars.look(24)
    calendars.site.private.clear()
    assert {ImportFault.SILENT} == (await only(calendars, 1)).faults.keys()
    calendars.bench.answer_with(LIST, PARTLY_ODD.replace("SCHEDULE", calendars.staff.schedule_id))
    assert [1, 0] == [len((await only(calendars, hours)).faults) for hours in (0.2, 0.5)]


async def test_an_import_that_had_events_for_six_days_only_is_not_missed(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(1, days=40)
    for _ in range(6):
        await only(calendars, 24)
    calendars.site.private.clear()
    assert {} == (await only(calendars, 1)).faults


async def test_a_connection_that_does_not_work_is_not_called_silent(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(1, days=40)
    for _ in range(8):
        await only(calendars, 24)
    calendars.site.connections.revoke_token(calendars.connection)
    row = await only(calendars, 1)
    assert ({}, 0) == (row.faults, row.events["next_7d"])


async def test_a_connection_of_which_a_check_tells_that_it_imports_nothing_is_not_called_silent_as_well(
    calendars: Calendars,
) -> None:
    calendars.site.connections.disconnect(calendars.connection)
    made = calendars.site.connections.connect(APPLE, calendars.staff.schedule_id, status="SYNCED")
    calendars.open()
    calendars.plan(1, days=40, provider=APPLE)
    for _ in range(8):
        await only(calendars, 24)
    calendars.site.private.clear()
    assert {ImportFault.SILENT} == (await only(calendars, 0.1)).faults.keys()
    calendars.site.connections.kill_token(made)
    assert {} == (await only(calendars, 2)).faults


async def test_events_that_do_not_change_for_a_week_are_frozen_once_they_were_seen_to_change(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(1, days=60)
    for _ in range(9):
        assert {} == (await only(calendars, 24)).faults, "nobody ever saw them change"
    for hours in (0, 2, 4):
        calendars.plan(24 * 12 + hours)
        changed = (await only(calendars, 1)).changed
    # They had not changed for eight days before, so three times that is nothing odd.
    for _ in range(24):
        assert {} == (await only(calendars, 24)).faults
    assert {ImportFault.FROZEN: changed} == (await only(calendars, 24)).faults
    calendars.plan(24 * 37)
    assert {} == (await only(calendars, 1)).faults


async def test_two_changes_in_a_hurry_are_too_few_to_know_how_often_a_calendar_changes(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(1, days=60)
    await only(calendars)
    for hours in (20, 22):
        calendars.plan(hours)
        await only(calendars, 1)
    for _ in range(30):
        assert {} == (await only(calendars, 24)).faults


async def test_an_import_whose_events_end_much_sooner_than_the_day_before_is_shortened(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(1, days=20)
    for _ in range(26):
        assert {} == (await only(calendars, 1)).faults
    calendars.site.private.clear()
    calendars.plan(28, days=2)
    cut = await only(calendars, 1)
    assert {ImportFault.SHORTENED: calendars.bench.clock.now} == cut.faults
    calendars.plan(28, days=20)
    assert {} == (await only(calendars, 1)).faults


async def test_the_history_of_an_import_survives_a_restart(calendars: Calendars, tmp_path: Path) -> None:
    bench = calendars.bench
    calendars.plan(1, days=40)
    for _ in range(8):
        bench.since = open_status_history(tmp_path / "state.json", bench.clock)
        calendars.open()
        await only(calendars, 24)
        await bench.since.aclose()
    calendars.site.private.clear()
    bench.since = open_status_history(tmp_path / "state.json", bench.clock)
    calendars.open()
    assert [ImportFault.SILENT] == list((await only(calendars, 1)).faults)
    await bench.since.aclose()


# What goes wrong


async def test_events_of_a_schedule_that_nobody_knows_are_counted_as_such_and_nowhere_else(calendars: Calendars) -> None:
    calendars.open()
    calendars.site.private.plan_stray("00000000-1111-4222-8333-444444444444", calendars.at(2), calendars.at(3))
    seen = await calendars.look()
    assert [0] == [row.events["next_7d"] for row in seen.imports]
    assert {(EVENTS, "schedule"): 1} == calendars.bench.events.unrecognized


async def test_schedules_that_the_configuration_leaves_out_are_left_out_without_a_word(calendars: Calendars) -> None:
    other = calendars.site.add_staff()
    calendars.site.connections.connect(GOOGLE, other.schedule_id)
    calendars.open(target={"schedule_ids": (other.schedule_id,)})
    calendars.book(2)
    calendars.plan(2.5)
    seen = await calendars.look()
    assert (0, 1) == (conflicts(seen)["next_7d"], len(seen.imports))
    assert {} == calendars.bench.events.unrecognized


async def test_a_provider_that_fails_keeps_its_events_as_last_known_up_to_max_age(calendars: Calendars) -> None:
    calendars.open()
    calendars.site.connections.connect(MICROSOFT, calendars.staff.schedule_id)
    calendars.book(5)
    calendars.plan(5.5, provider=MICROSOFT)
    calendars.plan(9)
    await calendars.look()
    calendars.site.provider_down(MICROSOFT)
    for kept in (True, True, False):
        calendars.bench.clock.now += 600
        result = await calendars.bench.poll(EVENTS)
        assert isinstance(result.failure, ServerError)
        assert "microsoft" in result.failure.message
        seen = result.observation
        assert isinstance(seen, EventsObservation)
        assert {"google": True, "microsoft": False} == seen.providers
        assert {"next_24h": kept, "next_7d": kept} == conflicts(seen)
        assert [kept, kept] == [row.complete for row in seen.windows]
        assert [1, 1][: 1 + kept] == [row.events["next_7d"] for row in seen.imports]


async def test_what_was_not_read_because_a_provider_failed_is_not_gone(calendars: Calendars) -> None:
    calendars.open()
    life = calendars.site.connections
    life.connect(MICROSOFT, calendars.staff.schedule_id)
    calendars.plan(5, provider=MICROSOFT, days=9)
    changed = [row.changed for row in (await calendars.look()).imports]
    calendars.site.provider_down(MICROSOFT)
    for _ in range(5):
        calendars.bench.clock.now += 600
        await calendars.bench.poll(EVENTS)
    calendars.site.provider_up()
    calendars.bench.clock.now += 600
    calendars.book(5.5)
    seen = await calendars.look(1)
    assert changed == [row.changed for row in seen.imports]
    assert {"not_blocked": 1} == causes(seen)


async def test_all_providers_failing_is_a_failed_poll(calendars: Calendars) -> None:
    calendars.open()
    calendars.site.provider_down()
    assert isinstance(await calendars.bench.failure(EVENTS), ServerError)


async def test_events_that_have_to_be_asked_for_later_hold_no_other_poll(calendars: Calendars) -> None:
    calendars.open()
    calendars.bench.spoil(FaultKind.STATUS, LIST, status=503, retry_after="3600")
    assert 3600 == (await calendars.bench.failure(EVENTS)).retry_after
    await calendars.see_connections()


async def test_a_missing_right_is_an_ordinary_failure_of_this_collector_alone(calendars: Calendars) -> None:
    key = calendars.bench.simulator.wix.add_key(
        calendars.site, permissions=ALL_PERMISSIONS - {"CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS"}
    )
    calendars.bench.key = key
    calendars.open()
    assert isinstance(await calendars.bench.failure(EVENTS), PermissionDeniedError)
    assert 1 == len((await calendars.bench.observe()).connections)


@pytest.mark.parametrize("right", ["CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS", "BOOKINGS.BOOKING_READ"])
async def test_a_check_of_the_credential_tells_which_right_is_missing(calendars: Calendars, right: str) -> None:
    calendars.open()
    await calendars.bench.session.check()
    lacking = ALL_PERMISSIONS - {right, "BOOKINGS.BOOKING_READ_ANY"}
    calendars.bench.key = calendars.bench.simulator.wix.add_key(calendars.site, permissions=lacking)
    calendars.open()
    refused = [seen for seen in await calendars.bench.session.check() if isinstance(seen, RefusedPart)]
    assert EVENTS in [seen.collector for seen in refused]
    assert "CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS and BOOKINGS.BOOKING_READ" in [seen.needs for seen in refused]


async def test_the_listing_of_a_site_names_the_right_that_events_lack_where_they_are_watched(calendars: Calendars) -> None:
    right = "CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS"
    calendars.bench.key = calendars.bench.simulator.wix.add_key(calendars.site, permissions=ALL_PERMISSIONS - {right})
    calendars.open()
    (gap,) = (await calendars.inventory()).gaps
    assert ("private events", True) == (gap.what, right in f"{gap.message} {gap.fix}")
    calendars.bench.open()
    assert () == (await calendars.inventory()).gaps


async def test_more_events_than_the_option_allows_fail_and_name_it(calendars: Calendars) -> None:
    calendars.open(max_events=3)
    calendars.plan(2, days=4)
    error = await calendars.bench.failure(EVENTS)
    assert isinstance(error, TargetConfigError)
    assert "max_events of the collector events" in error.message


async def test_more_than_1000_events_are_read_over_their_cursors_each_with_the_bounds(calendars: Calendars) -> None:
    calendars.open()
    for minute in range(2300):
        calendars.plan(1 + minute / 30, 1 / 60)
    assert {"next_7d": 2300}.items() <= (await only(calendars)).events.items()
    assert 3 == calendars.bench.calls(LIST)
    asked = [dict(call.params) for call in calendars.bench.simulator.log if call.operation == LIST]
    assert {"NO_PI"} == {one["fieldsets"] for one in asked}
    assert {"1000"} == {one["cursorPaging.limit"] for one in asked}
    assert 1 == len({one["from"] for one in asked})


async def test_one_call_for_the_events_and_one_for_the_bookings_and_at_first_one_for_those_that_were_cancelled(
    calendars: Calendars,
) -> None:
    calendars.open(connections=False)
    await calendars.look()
    assert (1, 2) == (calendars.bench.calls(LIST), calendars.bench.calls(QUERY))
    await calendars.look(1 / 6)
    assert (2, 3) == (calendars.bench.calls(LIST), calendars.bench.calls(QUERY))


@pytest.mark.parametrize("minutes", [2, 58])
async def test_the_copy_of_a_booking_that_was_cancelled_before_a_restart_is_no_private_event(
    calendars: Calendars, minutes: int
) -> None:
    calendars.open()
    booked = calendars.book(30)
    calendars.plan(30)  # its copy
    for _ in range(3):
        await calendars.look(1)
    calendars.site.bookings.amend(booked, status="CANCELED")
    calendars.bench.clock.now += 60
    calendars.book(30, 1.5)
    calendars.bench.clock.now += 60 * (minutes - 1)
    calendars.open()
    assert {"next_24h": 0, "next_7d": 0} == conflicts(await calendars.look())


async def test_a_slow_answer_is_waited_for_half_a_minute_also_where_the_target_waits_less(calendars: Calendars) -> None:
    calendars.open()
    calendars.bench.spoil(FaultKind.SLOW_HEADERS, LIST, seconds=25)
    await calendars.look()
    calendars.bench.simulator.faults.clear()
    calendars.bench.spoil(FaultKind.SLOW_HEADERS, LIST, seconds=35)
    assert isinstance(await calendars.bench.failure(EVENTS), PollTimeoutError)


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"events": {}}',
        '{"events": [1, 2]}',
        '{"events": [{"scheduleId": "s", "start": "2026-09-22T10:00:00Z"}]}',
        '{"events": [], "pagingMetadata": {"hasNext": true}}',
    ],
)
async def test_an_answer_that_is_no_page_of_events_is_a_failed_poll(calendars: Calendars, body: str) -> None:
    calendars.open()
    calendars.bench.answer_with(LIST, body)
    assert isinstance(await calendars.bench.failure(EVENTS), InvalidResponseError)


async def test_an_answer_that_goes_in_circles_is_a_failed_poll(calendars: Calendars) -> None:
    calendars.open()
    row = f'{{"scheduleId": "{calendars.staff.schedule_id}", "start": "2026-09-22T10:00:00Z", "end": "2026-09-22T11:00:00Z"}}'
    body = f'{{"events": [{row}], "pagingMetadata": {{"hasNext": true, "cursors": {{"next": "JWE.same"}}}}}}'
    calendars.bench.answer_with(LIST, body)
    error = await calendars.bench.failure(EVENTS)
    assert "again and again" in error.message


async def test_an_odd_row_is_counted_and_leaves_the_windows_incomplete(calendars: Calendars) -> None:
    calendars.open()
    good = f'{{"scheduleId": "{calendars.staff.schedule_id}", "calendarType": "GOOGLE", "start": "2026-09-22T10:00:00Z", "end": "2026-09-22T11:00:00Z"}}'  # noqa: E501  one row
    odd = [
        '{"scheduleId": 7}',
        good.replace('"start"', '"begin"'),
        good.replace("T11", "T09"),
        good.replace(calendars.staff.schedule_id, ""),
    ]
    calendars.bench.answer_with(LIST, f'{{"events": [{", ".join([good, *odd])}]}}')
    seen = await calendars.look()
    assert {EVENTS: 4} == dict(calendars.bench.events.malformed)
    assert [False, False] == [row.complete for row in seen.windows]


async def test_words_that_we_do_not_know_are_counted(calendars: Calendars) -> None:
    calendars.open(connections=False)
    times = '"start": "2026-09-22T10:00:00Z", "end": "2026-09-22T11:00:00Z"'
    rows = f'{{"scheduleId": "s", "calendarType": "PROTON", "allDay": "yes", {times}}}'
    calendars.bench.answer_with(LIST, f'{{"events": [{rows}]}}')
    await calendars.look()
    assert {(EVENTS, "calendar_type"): 1, (EVENTS, "all_day"): 1} == dict(calendars.bench.events.unrecognized)


async def test_no_name_and_no_title_passes_the_decoder(calendars: Calendars) -> None:
    calendars.open()
    calendars.book(2)
    calendars.plan(2.5)
    seen = await calendars.look()
    told = repr(seen)
    for planted in (canary.FIRST_NAME, canary.LAST_NAME, canary.EMAIL, canary.TITLE):
        assert planted not in told


# The same by brute force


def _naive(calendars: Calendars, now: float, seconds: float) -> int:
    site = calendars.site
    bookings = [
        row
        for row in site.bookings
        if row.status in {"CONFIRMED", "PENDING"}
        and row.resource_id
        and not row.is_course
        and row.transparency != "TRANSPARENT"
    ]
    events = [(schedule, event) for schedule, _, event in site.private._planned if not event.all_day]

    def is_copy(schedule: str, event: PrivateEvent) -> bool:
        return any(
            schedule == row.schedule_id and abs(row.start - event.start) <= 60 and abs(row.end - event.end) <= 60
            for row in bookings
        )

    copies = [(schedule, event) for schedule, event in events if is_copy(schedule, event)]

    def beside(schedule: str, event: PrivateEvent) -> bool:
        return event.end - event.start <= 3600 and any(
            schedule == other and (abs(event.start - copy.end) <= 60 or abs(event.end - copy.start) <= 60)
            for other, copy in copies
        )

    private = [(s, e) for s, e in events if not is_copy(s, e) and not beside(s, e)]
    return sum(
        any(s == row.schedule_id and e.start < row.end and row.start < e.end and e.end > now for s, e in private)
        for row in bookings
        if now <= row.start < now + seconds
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
async def test_the_counts_are_those_of_comparing_each_booking_with_each_event(calendars: Calendars, seed: int) -> None:
    random = Random(seed)
    staff = [calendars.staff, calendars.site.add_staff(), calendars.site.add_staff()]
    for one in staff[1:]:
        calendars.site.connections.connect(random.choice((GOOGLE, APPLE)), one.schedule_id)
    providers = {row.schedule_id: calendars.site.providers[row.provider_id] for row in calendars.site.connections}
    quarter = 900.0
    for _ in range(80):
        start = calendars.start + random.randrange(-20, 7 * 96) * quarter
        calendars.site.bookings.add(
            start,
            start + random.choice((1, 2, 4, 8)) * quarter,
            staff=random.choice(staff),
            status=random.choice(("CONFIRMED", "CONFIRMED", "PENDING", "CANCELED", "WAITING_LIST")),
            kind=random.choice((BookingKind.INDIVIDUAL, BookingKind.INDIVIDUAL, BookingKind.COURSE)),
            transparency=random.choice((None, None, "OPAQUE", "TRANSPARENT")),
        )
    for _ in range(150):
        schedule = random.choice(staff).schedule_id
        start = calendars.start + random.randrange(-20, 7 * 96) * quarter + random.choice((0, 30, 120))
        calendars.site.private.plan(
            schedule,
            start,
            start + random.choice((0, 1, 2, 4, 12)) * quarter,
            provider=providers[schedule],
            all_day=random.random() < 0.1,
        )
    calendars.open()
    seen = await calendars.look()
    now = seen.windows[0].window.start
    expected = {"next_24h": _naive(calendars, now, DAY), "next_7d": _naive(calendars, now, 7 * DAY)}
    assert expected == conflicts(seen)
    assert 0 < expected["next_7d"]
    assert {Cause.UNKNOWN} == {cause for row in seen.windows for cause, number in row.conflicts.items() if number}
