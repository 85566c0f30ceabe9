"""Somebody sets the wall clock: no age and no verdict changes, what is too old goes on time, and the page's moments follow."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import structlog.testing
from prometheus_client import CollectorRegistry

from exporter.commands.daemon import _log_clock_steps
from exporter.metrics import Instruments
from exporter.simulator.faults import Fault, FaultKind
from exporter.state.findings import problems
from tests.harness.application import RunningApplication, application
from tests.harness.business import Business, running_business
from tests.harness.clock import ManualClock

STEPS: Final = (3600.0, -3600.0, 5.0, -5.0, 30 * 86_400.0, -30 * 86_400.0)
EVERY: Final = {"interval": "5s", "max_age": "20s"}


@contextlib.asynccontextmanager
async def polled_targets(
    folder: Path,
    *,
    later: float = 0.0,
    **top: Any,  # noqa: ANN401  keys of the configuration
) -> AsyncIterator[tuple[RunningApplication, Business]]:
    """Watch a site and a portal that have been polled while the block runs, on a clock that is ``later`` seconds ahead."""
    async with running_business(folder) as there:
        config = there.config(
            there.wix_target(collectors={"connections": EVERY, "bookings": EVERY}),
            there.bitrix24_target(collectors={"bookings": EVERY, "links": {**EVERY, "window": "next_7d"}}),
            **top,
        )
        async with application(config, ManualClock(there.simulator.now() + later)) as app:
            await app.finished_polls()
            yield app, there


async def all_polled_again(app: RunningApplication) -> None:
    """Let every collector finish a poll that began after this moment: one may be under way."""
    states = [state for target in app.app.view().targets for state in target.collectors]
    await app.finished_polls(max(state.finished_polls for state in states) + 2)


def ages(page: dict[str, float]) -> dict[str, float]:
    """Return how long ago the moments of a page were, by the page's own clock; those ahead are negative."""
    moments = ("collector_last_success_", "collector_next_poll_", "connection_status_since_")
    return {name: round(page["time_seconds"] - value, 3) for name, value in page.items() if name.startswith(moments)}


def verdicts(app: RunningApplication) -> list[str]:
    return [f"{problem.kind} {problem.target} {problem.subject} {problem.title}" for problem in problems(app.app.view())]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
async def test_what_is_too_old_is_withdrawn_on_time_whatever_was_done_to_the_clock(step: float, tmp_path: Path) -> None:
    async with polled_targets(tmp_path) as (app, there):
        there.simulator.faults.add(Fault(FaultKind.STATUS, status=500))
        await app.pass_time(6)
        app.clock.set_by += step
        await app.pass_time(1)
        fresh = await app.samples()
        assert {0.0} == {value for name, value in fresh.items() if name.startswith("collector_data_expired")}
        await app.pass_time(20)
        old = await app.samples()
        assert {1.0} == {value for name, value in old.items() if name.startswith("collector_data_expired")}
        assert not [name for name in old if name.startswith(("bookings{", "connection_status{", "linked_bookings{"))]


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_changes_no_age_and_no_verdict(step: float, tmp_path: Path) -> None:
    async with polled_targets(tmp_path) as (app, there):
        there.simulator.faults.add(Fault(FaultKind.STATUS, "bitrix24", status=500))
        await app.pass_time(6)
        before, judged = await app.samples(), verdicts(app)
        app.clock.set_by += step
        after = await app.samples()
        assert ages(before) == ages(after)
        assert judged == verdicts(app)
        assert step == pytest.approx(after["time_seconds"] - before["time_seconds"])
        assert 8 < len(ages(after))


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
async def test_a_step_while_polls_are_under_way_leaves_no_age_behind_that_is_wrong(step: float, tmp_path: Path) -> None:
    async with polled_targets(tmp_path) as (app, there):
        there.simulator.faults.add(Fault(FaultKind.NEVER, times=4))
        await app.pass_time(5.5)  # asked, and not answered
        app.clock.set_by += step
        there.simulator.faults.clear()
        for _ in range(40):
            await app.pass_time(0.5)
            assert all(-10.5 <= age <= 30 for name, age in ages(await app.samples()).items() if "since" not in name)
        page = await app.samples()
        assert {1.0} == {value for name, value in page.items() if name.startswith("collector_up")}


@pytest.mark.slow
async def test_polls_go_on_at_their_pace_after_the_clock_was_set_back(tmp_path: Path) -> None:
    async with polled_targets(tmp_path) as (app, there):
        app.clock.set_by = -86_400.0
        before = there.simulator.log.count(platform="wix")
        await app.pass_time(50)
        assert there.simulator.log.count(platform="wix") - before >= 20, "two collectors, every 5 s for 50 s"


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
async def test_the_state_file_has_the_moments_of_the_clock_that_was_set(step: float, tmp_path: Path) -> None:
    path = tmp_path / "state.json"

    async with polled_targets(tmp_path, state_file=str(path)) as (app, there):
        app.clock.set_by = step
        await all_polled_again(app)
        shown = [value for name, value in (await app.samples()).items() if name.startswith("connection_status_since_")]
        written = json.loads(path.read_bytes())["targets"]["salon-wix"]["connections"].values()
        assert sorted(shown) == pytest.approx(sorted(states[-1][0] for states in written))
        assert min(shown) >= there.simulator.now() + step - 600


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
async def test_moments_of_an_earlier_run_stay_where_the_calendar_has_them(step: float, tmp_path: Path) -> None:
    """A machine without a battery starts with a clock that is behind, and sets it when the network is there."""
    path = tmp_path / "state.json"
    async with polled_targets(tmp_path, state_file=str(path)) as (app, _):
        known = [value for name, value in (await app.samples()).items() if name.startswith("connection_status_since_")]
    async with polled_targets(tmp_path, later=86_400, state_file=str(path)) as (app, _):
        app.clock.set_by = step
        await all_polled_again(app)
        shown = [value for name, value in (await app.samples()).items() if name.startswith("connection_status_since_")]
        if step > 0:
            assert sorted(known) == pytest.approx(sorted(shown))
        else:  # seen before they can have been, so they count from now
            assert all(value <= app.clock.time() for value in shown)


async def test_the_moment_of_the_last_reload_follows_and_the_step_is_logged_once() -> None:
    clock, instruments = ManualClock(), Instruments(CollectorRegistry())
    instruments.config_loaded(ok=True, at=clock.time() - 60, hash="2a")
    telling = asyncio.create_task(_log_clock_steps(clock, instruments))
    await clock.advance(3)
    clock.set_by = 3600.0
    with structlog.testing.capture_logs() as logged:
        await clock.advance(10)
    telling.cancel()
    name = "booking_sync_config_last_reload_success_timestamp_seconds"
    # 13 seconds have passed, and the age is what it would be without the step.
    assert 73 == pytest.approx(clock.time() - (instruments.registry.get_sample_value(name) or 0.0))
    assert [("clock_stepped", 3600.0)] == [(line["event"], line["seconds"]) for line in logged]


async def test_a_step_that_is_told_once_more_after_a_bug_moves_nothing_twice() -> None:
    clock, instruments = ManualClock(), Instruments(CollectorRegistry())
    instruments.config_loaded(ok=True, at=clock.steady(), hash="2a")
    clock.set_by = 3600.0
    for _ in range(2):  # begun, ended by a bug, and begun again
        telling = asyncio.create_task(_log_clock_steps(clock, instruments))
        await clock.advance(3)
        telling.cancel()
    name = "booking_sync_config_last_reload_success_timestamp_seconds"
    assert 6 == pytest.approx(clock.time() - (instruments.registry.get_sample_value(name) or 0.0))
    instruments.config_loaded(ok=True, at=clock.steady(), hash="2b")
    assert clock.time() == pytest.approx(instruments.registry.get_sample_value(name) or 0.0)
