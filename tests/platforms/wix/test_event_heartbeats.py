"""The heartbeats that the collector ``events`` listens for, over real HTTP: which arrive, how late, and which are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.private_calendar import EventsObservation, ImportedEvents, ImportFault, ImportHeartbeat
from exporter.simulator.wix import GOOGLE, MICROSOFT
from exporter.state.status_history import open_status_history
from tests.harness.wix_calendars import (
    EVENTS,
    HOUR,
    LIST,
    MINUTE,
    NIGHT,
    PARTLY_ODD,
    Calendars,
    Salon,
    conflicts,
    only,
)
from tests.harness.wix_site import key_of

STRANGER = "00000000-1111-4222-8333-444444444444"


async def test_a_heartbeat_that_is_expected_nowhere_is_told_of_nowhere(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(5)
    row = await only(calendars)
    assert (None, {}) == (row.heartbeat, row.faults)


async def test_a_daily_heartbeat_arrives_and_takes_nobodys_time(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    salon.site.bookings.add(NIGHT - HOUR, NIGHT + HOUR, staff=salon.staff)
    seen = await salon.look()
    assert {"next_24h": 0, "next_7d": 0} == conflicts(seen)
    assert [(ImportHeartbeat(arrives=True), {})] == [(row.heartbeat, row.faults) for row in seen.imports]


async def test_what_lasts_longer_at_the_same_minute_is_a_private_event(salon: Salon) -> None:
    salon.start_listening()
    salon.beat(length=360)
    salon.site.bookings.add(NIGHT - HOUR, NIGHT + HOUR, staff=salon.staff)
    seen = await salon.look()
    assert 1 == conflicts(seen)["next_24h"]
    assert {ImportFault.HEARTBEAT} == seen.imports[0].faults.keys()


async def test_a_heartbeat_that_is_missing_is_told_since_the_first_poll_that_missed_it_until_it_is_back(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    await salon.look()
    salon.site.private.clear()
    salon.plan(20, days=40)
    missed = await only(salon, 1)
    assert ({ImportFault.HEARTBEAT: salon.bench.clock.now}, ImportHeartbeat(arrives=False)) == (missed.faults, missed.heartbeat)
    assert missed.faults == (await only(salon, 1)).faults
    salon.beat()
    back = await only(salon, 1)
    assert ({}, ImportHeartbeat(arrives=True)) == (back.faults, back.heartbeat)


async def test_a_heartbeat_that_never_came_is_missing_from_the_first_poll_on(salon: Salon) -> None:
    salon.start_listening()
    assert {ImportFault.HEARTBEAT: salon.bench.clock.now + 60} == (await only(salon)).faults


async def test_a_series_that_ends_is_missing_once_its_last_has_begun(salon: Salon) -> None:
    salon.start_listening()
    salon.beat(days=1)
    await salon.look()
    salon.bench.clock.now = NIGHT - 61
    assert {} == (await salon.poll()).imports[0].faults
    assert {ImportFault.HEARTBEAT} == (await salon.poll()).imports[0].faults.keys()


async def test_an_import_that_brings_nothing_at_all_after_a_week_is_silent_and_not_called_missing_as_well(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    for _ in range(8):
        await salon.look(24)
    salon.site.private.clear()
    row = await only(salon, 1)
    assert ([ImportFault.SILENT], ImportHeartbeat(arrives=False)) == (list(row.faults), row.heartbeat)


def leave_only_the_heartbeat(salon: Salon) -> None:
    salon.site.private.clear()
    salon.beat()


async def test_a_daily_heartbeat_that_still_stands_does_not_hide_that_nothing_else_comes(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    for _ in range(8):
        await salon.look(24)
    last = salon.bench.clock.now
    leave_only_the_heartbeat(salon)
    row = await only(salon, 1)
    assert ({ImportFault.SILENT: last}, ImportHeartbeat(arrives=True)) == (row.faults, row.heartbeat)
    assert (7, None) == (row.events["next_7d"], row.farthest)


async def test_a_daily_heartbeat_alone_is_no_change_of_the_events(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    await salon.look()
    changed = (await only(salon, 24)).changed
    salon.beat()  # another series at the same time
    salon.site.private.plan(salon.staff.schedule_id, NIGHT + 2 * MINUTE, NIGHT + 3 * MINUTE, days=40)
    assert changed != (await only(salon, 1)).changed
    changed = salon.bench.clock.now
    salon.site.private.clear()
    salon.plan(20, days=40)
    salon.site.private.plan(salon.staff.schedule_id, NIGHT + 2 * MINUTE, NIGHT + 3 * MINUTE, days=40)
    row = await only(salon, 1)
    assert (changed, [ImportFault.HEARTBEAT]) == (row.changed, list(row.faults))


async def test_a_heartbeat_that_goes_missing_after_the_events_is_told_instead_of_them(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    for _ in range(8):
        await salon.look(24)
    leave_only_the_heartbeat(salon)
    assert [ImportFault.SILENT] == list((await only(salon, 1)).faults)
    salon.site.private.clear()
    assert {ImportFault.HEARTBEAT: salon.bench.clock.now + HOUR + 60} == (await only(salon, 1)).faults


async def test_a_heartbeat_that_is_written_each_hour_proves_that_an_import_without_other_events_lives(hourly: Salon) -> None:
    hourly.start_listening()
    for _ in range(8):
        hourly.write()
        await hourly.look(24)
    hourly.site.private.clear()
    hourly.write()
    assert {} == (await only(hourly, 1)).faults


async def test_of_a_connection_that_does_not_work_no_heartbeat_is_missed(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    await salon.look()
    salon.site.connections.revoke_token(salon.connection)
    assert {} == (await only(salon, 1)).faults


# What nobody can know


async def of_anna(salon: Salon, hours: float) -> list[ImportedEvents]:
    """Poll, however much of it fails."""
    salon.bench.clock.now += hours * HOUR - MINUTE
    seen = (await salon.bench.poll(EVENTS)).observation
    assert isinstance(seen, EventsObservation)
    return [row for row in seen.imports if row.schedule == "Anna"]


async def test_a_poll_in_which_its_provider_fails_says_nothing_and_what_was_known_stays_up_to_max_age(salon: Salon) -> None:
    salon.start_listening()
    salon.site.connections.connect(MICROSOFT, salon.site.add_staff().schedule_id)
    salon.beat()
    await salon.look()
    salon.site.provider_down(GOOGLE)
    salon.site.private.clear()
    shown = [[(row.heartbeat, row.faults) for row in await of_anna(salon, 0.2)] for _ in range(4)]
    assert [[(ImportHeartbeat(arrives=True), {})]] * 2 + [[]] * 2 == shown


async def test_another_provider_that_fails_for_long_hides_neither_that_a_heartbeat_is_missing_nor_that_it_is_back(
    salon: Salon,
) -> None:
    salon.start_listening()
    salon.site.connections.connect(MICROSOFT, salon.site.add_staff().schedule_id)
    salon.beat()
    await salon.look()
    salon.site.provider_down(MICROSOFT)
    salon.site.private.clear()
    salon.plan(20, days=40)
    shown = [[(row.heartbeat, list(row.faults)) for row in await of_anna(salon, 0.5)] for _ in range(6)]
    assert [[(ImportHeartbeat(arrives=False), [ImportFault.HEARTBEAT])]] * 6 == shown
    salon.beat()
    assert [(ImportHeartbeat(arrives=True), {})] == [(row.heartbeat, row.faults) for row in await of_anna(salon, 0.5)]


async def test_another_provider_that_fails_for_weeks_does_not_hide_that_an_import_fell_silent(salon: Salon) -> None:
    salon.open(target={"aliases": {salon.staff.schedule_id: "Anna"}})
    salon.site.connections.connect(MICROSOFT, salon.site.add_staff().schedule_id)
    await salon.look()
    salon.site.provider_down(MICROSOFT)
    for _ in range(9):
        assert [{}] == [row.faults for row in await of_anna(salon, 24)]
    last = salon.bench.clock.now
    salon.site.private.clear()
    for _ in range(9):
        assert [{ImportFault.SILENT: last}] == [row.faults for row in await of_anna(salon, 24)]


async def test_while_a_row_cannot_be_read_no_import_is_judged(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    await salon.look()
    salon.bench.answer_with(LIST, PARTLY_ODD)
    assert [[{}]] * 3 == [[row.faults for row in await of_anna(salon, 1)] for _ in range(3)]


async def test_before_a_poll_could_read_everything_nothing_is_missing(salon: Salon) -> None:
    salon.start_listening()
    salon.bench.answer_with(LIST, PARTLY_ODD.replace("SCHEDULE", salon.staff.schedule_id))
    row = await only(salon)
    assert (None, {}) == (row.heartbeat, row.faults)


async def test_without_the_connections_nothing_is_told_and_it_still_takes_nobodys_time(salon: Salon) -> None:
    salon.bench.open(
        salon.target(connections=False, target={"aliases": {salon.staff.schedule_id: "Anna"}}, heartbeats=(salon.row,))
    )
    salon.beat()
    salon.site.bookings.add(NIGHT - HOUR, NIGHT + HOUR, staff=salon.staff)
    seen = await salon.look()
    assert ({"next_24h": 0, "next_7d": 0}, (), ()) == (conflicts(seen), seen.imports, seen.unheard)


async def test_a_schedule_without_a_calendar_is_named_as_the_board_names_it(salon: Salon) -> None:
    salon.row["schedule"] = STRANGER
    salon.start_listening()
    assert (key_of(STRANGER),) == (await salon.look()).unheard
    salon.row["schedule"] = "Anna"
    salon.start_listening()
    assert () == (await salon.look()).unheard


# Several connections of one schedule


async def test_a_schedule_whose_import_is_switched_off_is_named(salon: Salon) -> None:
    [made] = [one.id for one in salon.site.connections]
    salon.start_listening()
    salon.beat()
    assert () == (await salon.look()).unheard
    salon.site.connections.amend(made, syncConfig={"listEventFromCalendars": {"enabled": False}, "syncToCalendar": {}})
    assert ("Anna",) == (await salon.look(1)).unheard


async def test_a_day_after_its_connection_was_cut_the_heartbeat_has_to_come_through_another(salon: Salon) -> None:
    salon.start_listening()
    salon.beat()
    await salon.look()
    [made] = [one.id for one in salon.site.connections]
    salon.site.connections.disconnect(made)
    salon.site.connections.connect(MICROSOFT, salon.staff.schedule_id, status="SYNCED")
    salon.site.private.clear()
    salon.site.private.plan(salon.staff.schedule_id, NIGHT + 20 * HOUR, NIGHT + 21 * HOUR, days=60, provider=MICROSOFT)
    found = [[list(row.faults) for row in (await salon.look(8)).imports] for _ in range(4)]
    assert [[[]]] * 2 + [[[ImportFault.HEARTBEAT]]] * 2 == found


async def test_of_several_connections_that_counts_through_which_it_last_came(salon: Salon) -> None:
    salon.site.connections.connect(MICROSOFT, salon.staff.schedule_id, status="SYNCED")
    salon.start_listening()
    salon.beat(provider=MICROSOFT)
    seen = await salon.look()
    assert [None, ImportHeartbeat(arrives=True)] == [row.heartbeat for row in seen.imports]
    salon.site.private.clear()
    salon.plan(20, days=40)
    salon.plan(21, days=40, provider=MICROSOFT)
    rows = (await salon.look(1)).imports
    assert [(None, False), (ImportHeartbeat(arrives=False), True)] == [(row.heartbeat, bool(row.faults)) for row in rows]


async def test_where_it_never_came_each_of_several_connections_misses_it_unless_one_does_not_work(salon: Salon) -> None:
    other = salon.site.connections.connect(MICROSOFT, salon.staff.schedule_id, status="SYNCED")
    salon.start_listening()
    assert [True, True] == [bool(row.faults) for row in (await salon.look()).imports]
    salon.site.connections.revoke_token(other)
    assert [False, False] == [bool(row.faults) for row in (await salon.look()).imports]


# What a script writes


async def test_the_lag_is_from_the_hour_in_which_it_was_written_until_a_poll_saw_it(hourly: Salon) -> None:
    hourly.start_listening()
    await hourly.settle()
    written = hourly.write()
    await hourly.look(0.25)
    row = await only(hourly, 0.25)
    assert ImportHeartbeat(arrives=True, written=written, lag=21 * MINUTE) == row.heartbeat
    assert {} == row.faults


async def test_of_one_that_was_there_at_the_first_poll_the_lag_is_not_known(hourly: Salon) -> None:
    hourly.start_listening()
    written = hourly.write()
    assert ImportHeartbeat(arrives=True, written=written) == (await only(hourly)).heartbeat


@pytest.mark.parametrize(("minutes", "is_known"), [(59, True), (60, False)])
async def test_where_no_poll_looked_within_the_hour_before_the_lag_is_not_known(
    hourly: Salon, minutes: float, is_known: bool
) -> None:
    hourly.start_listening()
    await hourly.settle()
    hourly.write()
    row = await only(hourly, minutes / 60)
    assert row.heartbeat is not None
    assert is_known is (row.heartbeat.lag is not None)


async def test_one_that_was_written_longer_ago_than_late_after_is_missing(hourly: Salon) -> None:
    hourly.start_listening()
    await hourly.settle()
    written = hourly.write()
    for hours in (1, 1):
        assert {} == (await only(hourly, hours)).faults
    late = await only(hourly, 1)
    assert {ImportFault.HEARTBEAT} == late.faults.keys()
    assert ImportHeartbeat(arrives=False, written=written) == late.heartbeat
    hourly.write()
    assert {} == (await only(hourly, 0.1)).faults


async def test_a_restart_knows_the_lag_and_since_when_it_is_missing(hourly: Salon, tmp_path: Path) -> None:
    bench = hourly.bench
    rows: list[ImportedEvents] = []
    bench.since = open_status_history(tmp_path / "state.json", bench.clock)
    hourly.start_listening()
    await hourly.settle()
    hourly.write()
    rows.append(await only(hourly, 0.1))
    await bench.since.aclose()
    bench.since = open_status_history(tmp_path / "state.json", bench.clock)
    hourly.start_listening()
    rows.append(await only(hourly, 0.1))
    assert rows[0].heartbeat == rows[1].heartbeat
    rows.append(await only(hourly, 4))
    await bench.since.aclose()
    bench.since = open_status_history(tmp_path / "state.json", bench.clock)
    hourly.start_listening()
    rows.append(await only(hourly, 0.1))
    assert {ImportFault.HEARTBEAT} == rows[2].faults.keys()
    assert [round(since) for since in rows[2].faults.values()] == [round(since) for since in rows[3].faults.values()]
    await bench.since.aclose()


async def test_of_a_schedule_with_two_connections_nothing_is_missing_when_the_one_that_brought_it_is_cut(salon: Salon) -> None:
    other = salon.site.connections.connect(MICROSOFT, salon.staff.schedule_id, status="SYNCED")
    salon.start_listening()
    salon.beat(provider=MICROSOFT)
    await salon.look()
    salon.site.connections.disconnect(other)
    for _ in range(3):
        imports = (await salon.look(1)).imports
        assert [{}] == [row.faults for row in imports]
        assert [None] == [row.heartbeat for row in imports]
    salon.beat(provider=GOOGLE)
    (row,) = (await salon.look(1)).imports
    assert row.heartbeat == ImportHeartbeat(arrives=True)


async def test_between_deleting_one_and_writing_the_next_the_newest_counts_until_it_is_late(
    hourly: Salon,
) -> None:
    hourly.start_listening()
    await hourly.settle()
    written = hourly.write()
    await hourly.look(0.25)
    hourly.site.private.clear()
    hourly.plan(20, days=40)
    row = await only(hourly, 0.25)
    assert ImportHeartbeat(arrives=True, written=written) == row.heartbeat
    assert {} == row.faults
    for _ in range(3):
        row = await only(hourly, 1)
    assert [ImportFault.HEARTBEAT] == list(row.faults)
