"""What goes wrong when the collector ``events`` reads, and what it asks (docs/platforms/wix.md 5)."""

from __future__ import annotations

import pytest

from exporter.errors import (
    InvalidResponseError,
    PermissionDeniedError,
    PollTimeoutError,
    ServerError,
    TargetConfigError,
)
from exporter.platforms.base import RefusedPart
from exporter.private_calendar import EventsObservation
from exporter.simulator import FaultKind, canary
from exporter.simulator.wix import GOOGLE, MICROSOFT
from exporter.simulator.wix.operations import ALL_PERMISSIONS
from tests.harness.wix_calendars import (
    EVENTS,
    LIST,
    QUERY,
    Calendars,
    causes,
    conflicts,
    only,
)


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
