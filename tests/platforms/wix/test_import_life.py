"""How the collector ``events`` tells whether an import lives: silent, frozen, shortened (docs/platforms/wix.md 5)."""

from __future__ import annotations

from pathlib import Path

from exporter.private_calendar import ImportFault
from exporter.simulator.wix import APPLE, GOOGLE, MICROSOFT, sync_config
from exporter.state.status_history import open_status_history
from tests.harness.wix_calendars import (
    LIST,
    PARTLY_ODD,
    Calendars,
    conflicts,
    only,
)


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
