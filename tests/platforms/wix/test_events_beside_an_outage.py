"""What the collector ``events`` tells of one import while the provider of another fails, and over restarts in such a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from exporter.private_calendar import EventsObservation, ImportedEvents, ImportFault, ImportHeartbeat
from exporter.simulator.wix import MICROSOFT
from exporter.state.status_history import FileStatusHistory, StatusHistory, open_status_history
from tests.harness.wix_calendars import (
    EVENTS,
    HOUR,
    Calendars,
    Salon,
)

DOWN = pytest.mark.parametrize("is_down", [False, True], ids=["all well", "another provider down"])
RESTARTED = pytest.mark.parametrize("is_restarted", [False, True], ids=["running on", "restarted"])


async def step(site: Calendars, hours: float = 0.0) -> Sequence[ImportedEvents]:
    """Poll the connections and, in the same minute, the events, however much of it fails."""
    site.bench.clock.now += hours * HOUR
    await site.bench.poll()
    site.bench.clock.now -= 60
    seen = (await site.bench.poll(EVENTS)).observation
    assert isinstance(seen, EventsObservation)
    return seen.imports


def faults(rows: Sequence[ImportedEvents]) -> list[list[ImportFault]]:
    return [list(row.faults) for row in rows if row.faults]


async def start(site: Calendars, folder: Path) -> None:
    """Start, or start again, with a state file."""
    if isinstance(site.bench.since, FileStatusHistory):
        await site.bench.since.aclose()
    site.bench.since = open_status_history(folder / "state.json", site.bench.clock)
    site.start_listening() if isinstance(site, Salon) else site.open()


@DOWN
async def test_a_heartbeat_that_is_missing_stays_told_while_another_calendar_of_the_schedule_cannot_be_read(
    salon: Salon, is_down: bool
) -> None:
    salon.start_listening()
    salon.beat()
    salon.site.connections.connect(MICROSOFT, salon.staff.schedule_id)
    await step(salon)
    salon.site.private.clear()
    salon.plan(20, days=40)
    told = [row.faults for row in await step(salon, 1)]
    if is_down:
        salon.site.provider_down(MICROSOFT)
    assert [*told] == [row.faults for row in await step(salon, 1 / 60)]
    assert [[ImportFault.HEARTBEAT]] == faults(await step(salon, 1 / 60))


@DOWN
async def test_a_heartbeat_that_arrives_is_told_while_another_calendar_of_the_schedule_cannot_be_read(
    salon: Salon, is_down: bool
) -> None:
    salon.start_listening()
    salon.site.connections.connect(MICROSOFT, salon.staff.schedule_id)
    await step(salon)
    salon.beat()
    if is_down:
        salon.site.provider_down(MICROSOFT)
    rows = await step(salon, 1 / 6)
    assert [ImportHeartbeat(arrives=True)] == [row.heartbeat for row in rows if row.heartbeat and row.heartbeat.arrives]
    assert [] == faults(rows)


@RESTARTED
async def test_a_heartbeat_is_not_missing_while_the_provider_through_which_it_comes_is_down_for_days(
    salon: Salon, tmp_path: Path, is_restarted: bool
) -> None:
    await start(salon, tmp_path)
    salon.site.connections.connect(MICROSOFT, salon.staff.schedule_id)
    salon.beat(provider=MICROSOFT)
    await step(salon)
    salon.site.provider_down(MICROSOFT)
    for _ in range(4):
        await step(salon, 5)
    if is_restarted:
        await start(salon, tmp_path)
    assert [[]] * 8 == [faults(await step(salon, 5)) for _ in range(8)]
    salon.site.provider_up(MICROSOFT)
    assert [] == faults(await step(salon, 1))


async def test_nobody_is_told_to_miss_a_heartbeat_that_was_never_heard_while_a_provider_is_down(salon: Salon) -> None:
    salon.start_listening()
    salon.site.connections.connect(MICROSOFT, salon.staff.schedule_id)
    salon.beat(provider=MICROSOFT)
    await step(salon)
    salon.site.provider_down(MICROSOFT)
    await step(salon, 1)
    salon.bench.since = StatusHistory()  # a restart without a state file
    salon.start_listening()
    assert [] == faults(await step(salon, 1 / 6))


@RESTARTED
@DOWN
async def test_an_import_that_is_silent_stays_told(
    calendars: Calendars, tmp_path: Path, is_down: bool, is_restarted: bool
) -> None:
    calendars.site.connections.connect(MICROSOFT, calendars.site.add_staff().schedule_id)
    await start(calendars, tmp_path)
    calendars.plan(20, days=60)
    await step(calendars)
    if is_down:
        calendars.site.provider_down(MICROSOFT)
    for _ in range(10):
        await step(calendars, 24)
    calendars.site.private.clear()
    await step(calendars, 1)
    for _ in range(9):
        if is_restarted:
            await start(calendars, tmp_path)
        assert [[ImportFault.SILENT]] == faults(await step(calendars, 24))


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_start_whose_first_poll_knows_no_connections_forgets_no_life_of_an_import(
    calendars: Calendars, tmp_path: Path, is_late: bool
) -> None:
    await start(calendars, tmp_path)
    calendars.plan(20, days=60)
    for _ in range(10):
        await step(calendars, 24)
    await start(calendars, tmp_path)
    if is_late:
        await calendars.bench.poll(EVENTS)
    await step(calendars, 1)
    calendars.site.private.clear()
    assert [[ImportFault.SILENT]] == faults(await step(calendars, 1))


async def test_one_calendar_that_comes_and_goes_leaves_the_faults_of_another_alone(calendars: Calendars) -> None:
    calendars.open()
    calendars.plan(20, days=90)
    for _ in range(8):
        made = calendars.site.connections.connect(MICROSOFT, calendars.site.add_staff().schedule_id)
        assert [] == faults(await step(calendars, 12))
        calendars.site.connections.drop(made)
        assert [] == faults(await step(calendars, 12))
    calendars.site.private.clear()
    assert [[ImportFault.SILENT]] == faults(await step(calendars, 1))
