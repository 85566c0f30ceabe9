"""The collector ``events``: private events against bookings, over real HTTP (docs/platforms/wix.md 5)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from exporter.policy import AcceptedReason, TargetPolicy
from exporter.private_calendar import Cause, EventsObservation
from exporter.simulator.wix import APPLE, GOOGLE, MICROSOFT, sync_config
from exporter.simulator.wix.bookings import BookingKind
from exporter.simulator.wix.connections import EXPORT_DEDICATED, IMPORT_PRIMARY
from exporter.simulator.wix.private_events import PrivateEvent
from exporter.state.status_history import open_status_history
from tests.harness.wix_calendars import (
    DAY,
    EVENTS,
    HOUR,
    LIST,
    Calendars,
    causes,
    conflicts,
)


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
