"""Two exporters with one state file: one polls; the other does not start, or waits and takes over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pkgutil
import resource
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from exporter.commands.check_config import check_online
from exporter.commands.probe import probe_now
from exporter.config import load_config
from exporter.errors import ConfigError, TargetConfigError
from exporter.runtime import TargetFactory, take_over_when_free
from exporter.state.state_lock import StateFileInUseError
from exporter.state.status_history import open_status_history
from tests.harness.application import RunningApplication, application, driven
from tests.harness.business import Business
from tests.harness.clock import ManualClock

SINCE = "connection_status_since_timestamp_seconds"
HOURLY = {"connections": {"interval": "1h"}}


def config(business: Business, *names: str, state_file: str | None = "state.json", file: str = "exporter.yml") -> Path:
    """Write a configuration of Wix targets with a state file in the folder of the test."""
    targets = [business.wix_target(name, collectors=HOURLY) for name in names or ("wix",)]
    top = {} if state_file is None else {"state_file": str(business.folder / state_file)}
    return business.config(*targets, name=file, **top)


class Pair:
    """An active exporter and one that may stand by, on one clock, with one state file."""

    def __init__(
        self,
        business: Business,
        clock: ManualClock,
        standby: RunningApplication,
        active: Callable[[], Awaitable[None]],
        waiting: asyncio.Task[None],
    ) -> None:
        self.business = business
        self.clock = clock
        self.standby = standby
        self.end_active = active
        self.waiting = waiting

    async def pass_time(self, seconds: float) -> None:
        """Let the time pass in steps, each as long as threads need for it."""
        for _ in range(round(seconds / 0.25)):
            await self.standby.pass_time(0.25)

    def asked(self) -> int:
        return len(list(self.business.simulator.log))


@contextlib.asynccontextmanager
async def pair(business: Business) -> AsyncIterator[Pair]:
    """Run both, the active one with a finished poll, the other one trying to take over."""
    clock = ManualClock(business.simulator.now())
    async with contextlib.AsyncExitStack() as stack:
        active = await stack.enter_async_context(application(config(business), clock))
        ending = stack.pop_all()
        await active.finished_polls()
        async with application(config(business, file="second.yml"), clock, may_stand_by=True) as standby:
            waiting = asyncio.create_task(take_over_when_free(standby.app, clock))
            try:
                yield Pair(business, clock, standby, ending.aclose, waiting)
            finally:
                waiting.cancel()
                await ending.aclose()


@pytest.fixture
async def both(business: Business) -> AsyncIterator[Pair]:
    async with pair(business) as started:
        yield started


def families(page: str) -> set[str]:
    return {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")}


async def test_a_second_exporter_without_standby_does_not_start_and_asks_no_platform(both: Pair) -> None:
    before = both.asked()
    with pytest.raises(StateFileInUseError, match=r"another exporter \(process \d+ on .+\) uses the state file"):
        async with application(config(both.business, file="third.yml"), both.clock):
            raise AssertionError
    assert before == both.asked()


@pytest.mark.slow
async def test_while_it_waits_it_polls_nothing_and_shows_only_itself(both: Pair) -> None:
    before = both.asked()
    await both.pass_time(30)
    assert before == both.asked()
    view = both.standby.app.view()
    assert (True, False, ()) == (view.standby, view.ready, view.targets)
    page = await both.standby.page()
    assert "booking_sync_standby 1.0\n" in page
    assert "booking_sync_ready 0.0\n" in page
    assert "booking_sync_config_last_reload_successful 1.0\n" in page
    about_targets = {name for name in families(page) if name.startswith(("booking_sync_collector", "booking_sync_target"))}
    assert set() == about_targets
    assert "target=" not in page
    assert "salon" not in page


async def test_who_is_active_says_that_it_is_no_standby(business: Business) -> None:
    for may_stand_by in (False, True):
        clock = ManualClock(business.simulator.now())
        async with application(config(business), clock, may_stand_by=may_stand_by) as app:
            assert 0 == (await app.samples())["standby"]
            assert await app.app.take_over()


@pytest.mark.slow
async def test_it_takes_over_within_five_seconds_with_the_ages_of_the_other(both: Pair) -> None:
    await both.pass_time(100)
    # So that only the file can know it.
    path = both.business.folder / "state.json"
    content = json.loads(path.read_bytes())
    for entry in content["targets"]["wix"]["connections"].values():
        entry[:] = [[1_700_000_000.0, entry[-1][1]]]
    path.write_text(json.dumps(content))
    before = both.asked()
    with structlog.testing.capture_logs() as logged:
        await both.end_active()
        began = both.clock.monotonic()
        while both.standby.app.standby:
            await both.pass_time(0.25)
    assert both.clock.monotonic() - began <= 5
    assert ["standby_takes_over"] == [line["event"] for line in logged if "standby" in line["event"]]
    await both.standby.finished_polls()
    assert before < both.asked()
    page = await both.standby.samples()
    assert (0, 1) == (page["standby"], page["ready"])
    assert {1_700_000_000.0} == {value for name, value in page.items() if name.startswith(SINCE)}


async def test_a_reload_while_it_waits_is_what_it_takes_over_with(both: Pair) -> None:
    before = both.asked()
    config(both.business, "wix", "another", file="second.yml")
    await driven(both, both.standby.app.reload())
    assert both.standby.app.standby
    assert before == both.asked()
    assert "another" in both.standby.app.effective_config()
    await driven(both, both.end_active())
    await both.pass_time(5)
    assert ["wix", "another"] == [target.name for target in both.standby.app.view().targets]


async def test_a_reload_while_it_waits_that_is_refused_keeps_the_old_configuration_and_waits_on(both: Pair) -> None:
    both.business.config(both.business.wix_target("wix", site_id=5), name="second.yml")
    with pytest.raises(ConfigError):
        await driven(both, both.standby.app.reload())
    page = await both.standby.samples()
    assert (1, 0) == (page["standby"], page["config_last_reload_successful"])
    await driven(both, both.end_active())
    await both.pass_time(5)
    assert ["wix"] == [target.name for target in both.standby.app.view().targets]


async def test_a_target_that_cannot_be_opened_shows_before_it_is_needed(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise TargetConfigError("cannot be opened")

    monkeypatch.setattr("exporter.runtime.targets.open_session", broken)
    config(both.business, "wix", "more", file="second.yml")
    with pytest.raises(ConfigError, match="cannot be opened"):
        await driven(both, both.standby.app.reload())
    assert both.standby.app.standby


async def test_a_reload_takes_the_new_state_file_before_it_lets_the_old_one_go(both: Pair) -> None:
    clock, business = both.clock, both.business
    async with application(config(business, state_file="third.json", file="third.yml"), clock) as third:
        config(business, state_file="state.json", file="third.yml")
        with pytest.raises(ConfigError, match="state_file: another exporter"):
            await driven(both, third.app.reload())
        with pytest.raises(StateFileInUseError):  # the refused reload kept the old one
            async with application(config(business, state_file="third.json", file="fourth.yml"), clock):
                raise AssertionError
        config(business, state_file="fourth.json", file="third.yml")
        await driven(both, third.app.reload())
        async with application(config(business, state_file="third.json", file="fourth.yml"), clock):
            pass
        with pytest.raises(StateFileInUseError):
            async with application(config(business, state_file="fourth.json", file="fourth.yml"), clock):
                raise AssertionError


async def test_an_active_one_whose_new_state_file_is_in_use_goes_on_with_the_old_one(both: Pair) -> None:
    path = config(both.business, state_file="own.json", file="third.yml")
    async with application(path, both.clock, may_stand_by=True) as third:
        config(both.business, file="third.yml")
        with pytest.raises(ConfigError, match="state_file: another exporter"):
            await driven(both, third.app.reload())
        assert not third.app.standby
        assert ["wix"] == [target.name for target in third.app.view().targets]


async def test_a_reload_that_fails_later_lets_the_new_state_file_go(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    async with application(config(both.business, state_file="own.json", file="third.yml"), both.clock) as third:
        config(both.business, state_file="new.json", file="third.yml")

        async def refused(*_: object) -> None:
            raise ConfigError([])

        with monkeypatch.context() as patch:
            patch.setattr(TargetFactory, "open_targets", refused)
            with pytest.raises(ConfigError):
                await driven(both, third.app.reload())
            await both.pass_time(0.5)
        async with application(config(both.business, state_file="new.json", file="fourth.yml"), both.clock):
            pass


def bug_once(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Let the first call of ``path`` end with a bug."""
    works, calls = pkgutil.resolve_name(path), count()

    def broken(*given: object) -> object:
        if next(calls) == 0:
            raise RuntimeError("planted")
        return works(*given)

    monkeypatch.setattr(path, broken)


async def _taken_over(both: Pair) -> None:
    """Try until the standby takes over: an attempt that was cancelled may hold the lock for a moment longer."""
    while not await both.standby.app.take_over():
        await both.pass_time(0.5)


@pytest.mark.parametrize(
    "path",
    [
        "exporter.runtime.application.config_hash",
        "exporter.runtime.targets.open_session",
        "exporter.runtime.targets.LiveTarget.show_counters",
    ],
)
async def test_a_bug_while_it_takes_over_keeps_the_state_file_from_nobody(
    both: Pair, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.waiting.cancel()
    await driven(both, both.end_active())
    bug_once(monkeypatch, path)
    with pytest.raises(RuntimeError, match="planted"):
        await _taken_over(both)
    await both.pass_time(0.5)
    assert both.standby.app.standby
    assert await both.standby.app.take_over()


async def test_who_stops_waiting_while_the_state_file_is_being_opened_keeps_it_from_nobody(
    both: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.waiting.cancel()
    await driven(both, both.end_active())
    has_begun, may_go_on = threading.Event(), threading.Event()

    def slowly(*of: Any) -> Any:  # noqa: ANN401  what it takes and gives
        has_begun.set()
        may_go_on.wait(20)
        return open_status_history(*of)

    with monkeypatch.context() as patch:
        patch.setattr("exporter.runtime.application.open_status_history", slowly)
        trying = asyncio.create_task(both.standby.app.take_over())
        await asyncio.to_thread(has_begun.wait, 20)
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        may_go_on.set()
    for _ in range(20):
        await both.pass_time(0.5)
        if await both.standby.app.take_over():
            break
    assert not both.standby.app.standby


@pytest.mark.slow
async def test_a_bug_late_in_a_reload_keeps_the_new_state_file_from_nobody(both: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    async with application(config(both.business, state_file="own.json", file="third.yml"), both.clock) as third:
        config(both.business, state_file="new.json", file="third.yml")
        bug_once(monkeypatch, "exporter.runtime.targets.LiveTarget.show_counters")
        with pytest.raises(ConfigError, match="a bug in the exporter"):
            await driven(both, third.app.reload())
        await both.pass_time(0.5)
        async with application(config(both.business, state_file="new.json", file="fourth.yml"), both.clock):
            pass


@pytest.mark.slow
async def test_a_standby_that_cannot_take_over_says_why_once_and_does_when_it_can(
    both: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise TargetConfigError("cannot be opened")

    with structlog.testing.capture_logs() as logged, monkeypatch.context() as patch:
        patch.setattr("exporter.runtime.targets.open_session", broken)
        await driven(both, both.end_active())
        await both.pass_time(20)
    assert [["targets[wix]: cannot be opened"]] == [
        line["problems"] for line in logged if line["event"] == "config_reload_failed"
    ]
    page = await both.standby.samples()
    assert (1, 0) == (page["standby"], page["config_last_reload_successful"])
    await both.pass_time(5)
    page = await both.standby.samples()
    assert (0, 1) == (page["standby"], page["config_last_reload_successful"])


async def test_a_standby_that_may_open_no_more_files_takes_nothing_over_from_who_is_active(both: Pair) -> None:
    both.waiting.cancel()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        assert not await both.standby.app.take_over()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert both.standby.app.standby
    assert not await both.standby.app.take_over()
    await driven(both, both.end_active())
    assert await both.standby.app.take_over()


async def test_a_state_file_that_is_only_spelt_anew_is_kept_with_all_targets(business: Business) -> None:
    clock = ManualClock(business.simulator.now())
    (business.folder / "link").symlink_to(business.folder)
    async with application(config(business), clock) as app:
        await app.finished_polls()
        config(business, state_file="link/state.json")
        reload = asyncio.create_task(app.app.reload())
        while not reload.done():
            await app.pass_time(0.5)
        await reload
        polls = [state.finished_polls for target in app.app.view().targets for state in target.collectors]
        assert [1] == polls


async def test_probe_and_check_config_leave_the_state_file_to_the_running_exporter(business: Business) -> None:
    clock = ManualClock(business.simulator.now())
    path = config(business)
    async with application(path, clock) as app:
        await app.finished_polls()
        state = business.folder / "state.json"
        await app.written(state)
        before = (state.read_bytes(), state.stat().st_ino)
        assert 0 == await probe_now(load_config(path), [], "metrics")
        assert [] == await check_online(load_config(path), lambda _: None, print)
        assert before == (state.read_bytes(), state.stat().st_ino)


async def test_where_no_lock_can_be_had_it_polls_and_says_so(both: Pair) -> None:
    (both.business.folder / "file").touch()
    path = config(both.business, state_file="file/state.json", file="third.yml")
    with structlog.testing.capture_logs() as logged:
        async with application(path, both.clock, may_stand_by=True) as third:
            assert not third.app.standby
    assert "state_file_not_locked" in [line["event"] for line in logged]
