"""The demo says of each incident whether the board shows it: each is played, and the board is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from exporter.commands.demo import DEMO_COLLECTORS, DEMO_GRACE, demo_targets, with_collectors
from exporter.commands.demo_pairs import calendar_targets, known_pairs, pairs
from exporter.commands.known_week import STATE_FILE, write_known_week
from exporter.simulator import Simulator, running
from exporter.simulator.drills import INCIDENTS, SCENARIOS, Incident, demo_world, run_scenario
from exporter.web.status_page import board_of
from tests.harness.application import RunningApplication, application
from tests.harness.clock import ManualClock

INTERVAL = 300.0
COLLECTORS = {
    "wix": {
        "connections": {"interval": "5m", "check_interval": "5m"},
        "bookings": {"interval": "5m", "conflicts": True},
        "events": {"interval": "5m"},
        "slots": {"interval": "5m"},
    },
    "bitrix24": {"bookings": {"interval": "5m"}, "links": {"interval": "5m", "window": "next_7d"}},
    "calendar": {"busy": {"interval": "5m"}},
}
NIGHT = 4_500.0


def configuration(folder: Path, simulator: Simulator, origin: str, collectors: Mapping[str, Any] = COLLECTORS) -> Path:
    file = folder / "exporter.yml"
    # A feed is read by a process of its own, which knows nothing of this clock.
    watched = (*demo_targets(origin), *calendar_targets(origin, feeds=False))
    targets = [with_collectors(target, collectors) for target in watched]
    content = {"timezone": "Europe/Berlin", "state_file": STATE_FILE, "targets": targets, "pairs": pairs(DEMO_GRACE)}
    file.write_text(yaml.safe_dump(content))
    write_known_week(folder / STATE_FILE, simulator, targets, known_pairs(file, simulator))
    return file


async def polled_twice(app: RunningApplication) -> None:
    """Let the time pass in large steps: an interval is five minutes."""
    while not all(state.finished_polls >= 2 for target in app.app.view().targets for state in target.collectors):
        await app.pass_time(5.0)


async def seconds_until_shown(app: RunningApplication) -> float | None:
    """Let the night pass until the board shows anything; return how long that took."""
    began = app.clock.monotonic()
    while (passed := app.clock.monotonic() - began) < NIGHT:
        if board_of(app.app.view()).cards:
            return passed
        await app.pass_time(INTERVAL / 5)
    return None


@pytest.mark.slow
@pytest.mark.parametrize("played", INCIDENTS, ids=lambda incident: incident.name)
async def test_the_board_shows_an_incident_when_the_demo_says_so(played: Incident, tmp_path: Path) -> None:
    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    async with running(simulator.app) as origin, application(configuration(tmp_path, simulator, origin), clock) as app:
        await polled_twice(app)
        assert [] == list(board_of(app.app.view()).cards), "all is well before"
        simulator.incidents.start(played.name)
        shown = await seconds_until_shown(app)
    if played.on_board_after > NIGHT:  # that it is shown then: tests/state/test_intake.py
        assert shown is None
    else:
        assert shown is not None
        # With the poll after the moment, and the half minute for which a limited API is asked again. A check is due with a
        # poll, or with the one after it, and a copy is one of six batches, which is then looked at once more.
        # A minute of grace is over with the second poll, and both ends have to agree.
        polls = 8 if played.name == "copy-moved" else 4 if played.after_grace else 3 if played.by_check else 2
        assert played.on_board_after <= shown <= played.on_board_after + polls * INTERVAL + 30


@pytest.mark.slow
async def test_the_worst_night_has_double_bookings_on_both_platforms_and_a_broken_calendar_at_once(tmp_path: Path) -> None:
    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    async with running(simulator.app) as origin, application(configuration(tmp_path, simulator, origin), clock) as app:
        await run_scenario(SCENARIOS["worst-night"], simulator.incidents, clock)
        await polled_twice(app)
        summary = board_of(app.app.view()).status.summary
        assert (2, 1) == (summary.problems_critical, summary.problems_warning)


@pytest.mark.slow
async def test_the_demo_verifies_its_links_for_as_long_as_it_runs_and_shows_that_they_were_lost(tmp_path: Path) -> None:
    spent = [0.0]

    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    async with (
        running(simulator.app) as origin,
        application(configuration(tmp_path, simulator, origin, DEMO_COLLECTORS), clock) as app,
    ):

        def look() -> None:
            spent.extend(row.seconds for target in app.app.view().targets for row in target.usage.operating)

        before = await kinds_seen(app, 660.0, look)
        simulator.incidents.start("lost-crm-link")
        during = await kinds_seen(app, 80.0, look)
    assert set() == before
    assert {"unlinked_bookings"} == during
    # Past half of the operating time of ten minutes nothing known is asked again, and no link is seen to be lost.
    assert 120.0 > max(spent) > 60.0


@pytest.mark.slow
async def test_the_board_of_the_demo_shows_each_incident_and_is_well_again_when_the_next_one_begins(tmp_path: Path) -> None:
    left: dict[str, list[str]] = {}
    during: dict[str, set[str]] = {}

    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    async with (
        running(simulator.app) as origin,
        application(configuration(tmp_path, simulator, origin, DEMO_COLLECTORS), clock) as app,
    ):
        await polled_twice(app)
        goes_on: list[str] = []

        def look(name: str, begins: bool) -> None:
            goes_on[:] = [name] if begins else []
            if begins and name not in left:
                left[name] = [str(card.kind) for card in board_of(app.app.view()).cards]
                during[name] = set()

        night = asyncio.create_task(run_scenario(SCENARIOS["bad-night"], simulator.incidents, clock, tell=look))
        while len(left) < len(INCIDENTS) or goes_on:
            await app.pass_time(2.0)
            for name in goes_on:
                during[name] |= {str(card.kind) for card in board_of(app.app.view()).cards}
        night.cancel()
    assert {incident.name: [] for incident in INCIDENTS} == left
    assert {
        "token-revoked": {"connection_error"},
        "sync-stuck": set(),  # for an hour nothing is wrong with it
        "provider-down": {"provider_failing"},
        "double-booking": {"conflict"},
        "lost-crm-link": {"unlinked_bookings"},
        "api-throttled": {"collector_failing", "api_limited"},
        "intake-stopped": set(),  # for a day nobody can know
        "access-lost": {"connection_probe_failed"},
        "invite-expired": {"staff_unprotected"},
        "private-event-sold": {"external_conflict"},
        "import-silent": {"import_silent"},
        "copy-moved": {"calendar_mismatch"},
        "busy-time-offered": {"slots_over_busy"},
        "service-closed": {"no_open_slots"},
        "booking-lost": {"booking_not_in_calendar"},
        "cancelled-copy-stays": {"cancelled_in_calendar"},
        "calendar-shifted": {"booking_not_in_calendar", "calendar_shifted"},
        "calendar-password-changed": {"collector_failing"},
    } == during


@pytest.mark.slow
async def test_where_all_says_synced_a_newcomer_sees_within_five_minutes_what_each_check_finds(tmp_path: Path) -> None:
    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    async with (
        running(simulator.app) as origin,
        application(configuration(tmp_path, simulator, origin, DEMO_COLLECTORS), clock) as app,
    ):
        playing = asyncio.create_task(run_scenario(SCENARIOS["says-synced"], simulator.incidents, clock))
        await kinds_seen(app, 300.0, lambda: None)
        cards = board_of(app.app.view()).cards
        playing.cancel()
    assert {
        "connection_probe_failed",
        "staff_unprotected",
        "external_conflict",
        "import_silent",
        "calendar_mismatch",
        "slots_over_busy",
    } == {str(card.kind) for card in cards}
    assert {"synced", "connected"} == {
        connection.status
        for target in app.app.view().targets
        for state in target.collectors
        for connection in getattr(state.observation, "connections", ())
    }


@pytest.mark.slow
async def test_the_proof_shows_within_five_minutes_that_a_booking_is_lost_and_a_cancelled_one_is_not(tmp_path: Path) -> None:
    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    file = configuration(tmp_path, simulator, "http://127.0.0.1:8099", DEMO_COLLECTORS)
    began = clock.time()
    async with application(file, clock, through=httpx.ASGITransport(simulator.app)) as app:
        await app.finished_polls()
        first = board_of(app.app.view()).cards
        states = {str(proof.state) for target in app.app.view().targets for proof in target.pairs}
        playing = asyncio.create_task(run_scenario(SCENARIOS["proof"], simulator.incidents, clock))
        await kinds_seen(app, 300.0, lambda: None)
        cards = board_of(app.app.view()).cards
        proofs = [proof for target in app.app.view().targets for proof in target.pairs]
        playing.cancel()
    found = [row.since for proof in proofs for row in proof.missing]
    found += [row.since for proof in proofs for row in proof.left]
    assert ([], {"proved"}) == (list(first), states)
    assert {"booking_not_in_calendar", "cancelled_in_calendar"} == {str(card.kind) for card in cards}
    assert min(found) > began
    assert 2 == len(found)


@pytest.mark.slow
async def test_a_week_with_private_events_is_known_to_the_demo_and_finds_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    async with (
        running(simulator.app) as origin,
        application(configuration(tmp_path, simulator, origin, DEMO_COLLECTORS), clock) as app,
    ):
        assert set() == await kinds_seen(app, 900.0, lambda: None)
        simulator.incidents.start("import-silent")
        assert {"import_silent"} == await kinds_seen(app, 30.0, lambda: None)


async def kinds_seen(app: RunningApplication, seconds: float, look: Callable[[], None]) -> set[str]:
    """Let the time pass and ``look`` now and then; return the kinds of all cards that the board had meanwhile."""
    ends = app.clock.monotonic() + seconds
    seen: set[str] = set()
    while app.clock.monotonic() < ends:
        await app.pass_time(5.0)
        look()
        seen |= {str(card.kind) for card in board_of(app.app.view()).cards}
    return seen
