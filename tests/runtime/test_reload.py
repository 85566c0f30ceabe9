"""Reloads of the whole exporter, against the simulated platforms, on a clock of the test's."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Collection, Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog.testing
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from exporter.config import Config, load_config
from exporter.errors import ConfigError, TargetConfigError
from exporter.metrics import Instruments, MetricsPage
from exporter.model import CollectorName
from exporter.platforms import registry
from exporter.platforms.base import Services, Session
from exporter.platforms.bitrix24 import BITRIX24
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.platforms.bitrix24.settings import BitrixTarget
from exporter.platforms.registry import PLATFORMS
from exporter.polling.admission import Admission
from exporter.polling.poll import Job
from exporter.runtime.application import Application
from exporter.runtime.targets import TargetFactory
from exporter.state import status_history
from exporter.state.state_file import read_parts
from exporter.web import Reloaded
from tests.harness.application import RunningApplication, driven
from tests.harness.business import API_KEY, Business, running_business
from tests.harness.clock import ManualClock
from tests.harness.hourly_business import HOURLY, calm, hang, hourly_application, live, portal
from tests.harness.pool import pool


async def test_a_reload_that_cannot_open_every_target_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business), calm(business, "second"))) as (
        app,
        business,
    ):
        before, session = await app.page(), live(app)["b24"].session
        assert isinstance(session, BitrixSession)
        bucket = session._lease.portal.bucket

        def broken(target: BitrixTarget, services: Services) -> Session:
            if target.name == "broken":
                raise TargetConfigError("cannot be opened")
            return BITRIX24.open_session(target, services)

        replaced = {**PLATFORMS, BITRIX24.name: replace(BITRIX24, open_session=broken)}
        monkeypatch.setattr(registry, "PLATFORMS", replaced)
        slow = {"requests_per_second": 0.5, "burst": 5}
        business.config(
            portal(business, "wix"),  # the name moves to another platform
            portal(business, "guest", budget=slow),  # shares the portal, with a smaller budget
            portal(business, "b24"),
            calm(business, "second", collectors={**HOURLY, "bookings": {"interval": "1h"}}),  # would count more
            portal(business, "broken"),
        )
        with pytest.raises(ConfigError, match="cannot be opened"):
            await driven(app, app.app.reload())
        assert (50, 40) == (bucket.rate, bucket.burst), "a session that was opened in vain is closed"
        after = await app.page()
        assert without_reload(before) == without_reload(after)
        assert live(app)["b24"].session is session


def without_reload(page: str) -> list[str]:
    """Return what a failed reload and the time that it takes must not change."""
    moving = tuple(f"booking_sync_{name}" for name in ("config_last_reload", "api_budget_remaining", "log_messages", "time"))
    return [line for line in page.splitlines() if line.startswith("booking_sync_") and not line.startswith(moving)]


async def test_a_bug_while_loading_is_a_rejected_reload_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, _):

        def bug() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(app.app, "_load", bug)
        with structlog.testing.capture_logs() as logged, pytest.raises(ConfigError, match="ZeroDivisionError"):
            await app.app.reload()
        assert ["config_reload_crashed", "config_reload_failed"] == [line["event"] for line in logged]
        assert 0 == (await app.samples())["config_last_reload_successful"]
        assert 1 == (await app.samples())['collector_up{collector="connections"}']


async def test_reloads_at_the_same_time_come_one_after_the_other(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, business):
        business.config(calm(business, "new"))
        await driven(app, _all(app.app.reload() for _ in range(5)))
        await app.finished_polls()
        assert {"new"} == set(live(app))
        assert 1 == (await app.samples())['collector_polls_total{collector="connections"}']


async def _all(work: Iterable[Awaitable[object]]) -> None:
    await asyncio.gather(*work)


async def test_a_new_label_alone_keeps_session_observation_and_schedule(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):
        session, before = live(app)["wix"].session, await app.samples()
        business.config(calm(business, labels={"site": "berlin"}), portal(business))
        await app.app.reload()
        after = await app.samples()
        assert session is live(app)["wix"].session
        assert 'target_info{site="berlin"}' in after
        for name in (
            'collector_polls_total{collector="connections"}',
            'collector_last_success_timestamp_seconds{collector="connections"}',
        ):
            assert before[name] == after[name]
        status = {name: value for name, value in before.items() if name.startswith("connection_status{")}
        assert status
        assert status == {name: after[name] for name in status}


async def test_a_new_alias_of_a_resource_alone_keeps_the_session_and_is_in_force(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):
        session = live(app)["b24"].session
        business.config(calm(business), portal(business, resource_aliases={"7": "Chair 1"}))
        await app.app.reload()
        assert session is live(app)["b24"].session
        assert {"7": "Chair 1"} == live(app)["b24"].entry().policy.resource_aliases


async def test_a_changed_target_keeps_its_counters_and_loses_a_collector_that_is_gone(tmp_path: Path) -> None:
    both = {"connections": {"interval": "1h"}, "bookings": {"interval": "1h"}}
    async with hourly_application(tmp_path, lambda business: (calm(business, collectors=both),)) as (app, business):
        business.config(calm(business, collectors={"connections": {"interval": "30m"}}))
        await driven(app, app.app.reload())
        await app.finished_polls()
        page = await app.samples()
        assert 2 == page['collector_polls_total{collector="connections"}']
        assert 1800 == page['collector_interval_seconds{collector="connections"}']
        assert not [name for name in page if 'collector="bookings"' in name]
        business.config(calm(business, collectors={"connections": {"interval": "30m"}, "bookings": {"interval": "1h"}}))
        await driven(app, app.app.reload())
        await app.finished_polls()
        page = await app.samples()
        assert 2 == page['collector_polls_total{collector="bookings"}'], "its counters were waiting"


async def test_a_renamed_target_leaves_nothing_behind(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):
        await app.page()
        business.config(calm(business, "new-wix"), portal(business, "new-b24"))
        await driven(app, app.app.reload())
        await app.finished_polls()
        page = await app.page()
        assert 'target="wix"' not in page
        assert 'target="b24"' not in page
        inside = app.app
        assert {"new-wix", "new-b24"} == set(inside._instruments._targets) == set(inside._page._fragments) == set(live(app))
        assert {("new-wix", CollectorName.CONNECTIONS), ("new-b24", CollectorName.BOOKINGS)} == set(inside._scheduler._tasks)
        assert {"new-wix", "new-b24"} == set(inside._since._targets)
        session = live(app)["new-b24"].session
        assert isinstance(session, BitrixSession)
        assert {session._lease} == set(session._lease.portal.members)


@pytest.mark.slow
async def test_a_reload_while_a_replaced_target_is_polled_waits_only_so_long(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business, timeout="60s"),)) as (app, business):
        await hang(app, business)
        business.simulator.faults.clear()
        business.config(calm(business, timeout="7s"))
        began = app.clock.monotonic()
        await driven(app, app.app.reload())
        assert app.clock.monotonic() - began < 10
        await app.finished_polls()
        page = await app.samples()
        assert 1 == page['collector_up{collector="connections"}']


async def test_a_state_file_that_is_added_takes_over_since_when_things_are_as_they_are(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, business):
        before = {n: v for n, v in (await app.samples()).items() if n.startswith("connection_status_since")}
        await app.clock.advance(100)
        business.config(calm(business), state_file=str(tmp_path / "state.json"))
        await driven(app, app.app.reload())
        await app.finished_polls()
        after = {n: v for n, v in (await app.samples()).items() if n.startswith("connection_status_since")}
        assert before == after
        await app.written(tmp_path / "state.json")


async def found_by_reload(app: RunningApplication) -> tuple[Reloaded, list[bool]]:
    """Reload. Returns what was found, and for each line of the log about it whether it names the folder as the way out."""
    with structlog.testing.capture_logs() as logged:
        found = await app.app.reload()
    assert 1 == (await app.samples())["config_last_reload_successful"]
    return found, [bool(line["fix"]) for line in logged if line["event"] == "config_unchanged"]


async def test_a_reload_says_when_it_found_the_same_file_and_when_the_file_says_the_same(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, business):
        path = business.folder / "exporter.yml"
        good = path.read_text()
        assert (Reloaded.UNTOUCHED, [True]) == await found_by_reload(app)
        assert (Reloaded.UNTOUCHED, [True]) == await found_by_reload(app)
        path.write_text("# a comment\n" + good)
        assert (Reloaded.SAME, [False]) == await found_by_reload(app)
        path.unlink()
        path.write_text("# a comment\n" + good)  # the same bytes in a new file
        assert (Reloaded.SAME, [False]) == await found_by_reload(app)
        assert (Reloaded.UNTOUCHED, [True]) == await found_by_reload(app)
        path.write_text(good + "state_file: state.json\n")
        assert (Reloaded.CHANGED, []) == await found_by_reload(app)
        path.write_text("targets: []\n")
        with pytest.raises(ConfigError):
            await app.app.reload()
        path.write_text(good + "state_file: state.json\n")
        assert (Reloaded.SAME, [False]) == await found_by_reload(app)


async def test_a_changed_secret_is_a_changed_configuration_though_its_file_is_untouched(tmp_path: Path) -> None:
    (tmp_path / "api_key").write_text(API_KEY)

    async with hourly_application(tmp_path, lambda business: (calm(business, api_key={"file": "api_key"}),)) as (app, _):
        (tmp_path / "api_key").write_text(API_KEY + "\n")
        assert (Reloaded.SAME, [False]) == await found_by_reload(app)
        (tmp_path / "api_key").write_text("IST.another-key-5b1c")
        reloading = asyncio.create_task(app.app.reload())
        await driven(app, asyncio.wait([reloading]))
        assert Reloaded.CHANGED is await reloading


@pytest.mark.slow
async def test_a_session_that_does_not_close_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):

        async def never(_: object) -> None:
            await asyncio.Event().wait()

        async def bug(_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(type(live(app)["wix"].session), "aclose", never)
        monkeypatch.setattr(BitrixSession, "aclose", bug)
        business.config(calm(business, "next"))
        with structlog.testing.capture_logs() as logged:
            await driven(app, app.app.reload())
        assert {"session_closes_slowly", "session_close_crashed"} <= {line["event"] for line in logged}
        await app.finished_polls()
        assert {"next"} == set(live(app))


async def test_the_targets_are_shown_in_the_order_of_the_new_configuration(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, business):
        business.config(portal(business, "first"), calm(business, "wix"))
        await driven(app, app.app.reload())
        assert ["first", "wix"] == [target.name for target in app.app.view().targets]


@pytest.mark.slow
async def test_targets_that_a_reload_drops_are_freed_without_the_garbage_collector(tmp_path: Path) -> None:
    """What was frozen at the start is never looked at again, so a cycle in a session would stay for good."""

    def targets(business: Business) -> tuple[dict[str, Any], ...]:
        app = business.simulator.wix.credentials.install(business.site.id)
        by_app = calm(business, "dropped-app", app_id=app.app_id, app_secret=app.app_secret, instance_id=app.instance_id)
        del by_app["api_key"], by_app["site_id"]
        bookings = {"bookings": {"interval": "1h", "conflicts": True}}
        links = {"bookings": {"interval": "1h", "per_resource": True}, "links": {"interval": "1h", "window": "next_7d"}}
        oauth = business.expired_oauth_target("dropped-oauth")
        wix, rows = calm(business, "dropped-wix"), calm(business, "dropped-rows", collectors=bookings)
        return wix, by_app, rows, portal(business, "dropped-b24", collectors=links), oauth

    async with hourly_application(tmp_path, targets) as (app, business):
        assert 5 == len(live(app))
        business.config(calm(business, "other"))
        gc.collect()
        gc.disable()
        try:
            await driven(app, app.app.reload())
            await app.clock.advance(20_000)  # every alarm that the clock of this test holds for them
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            # The pool is not theirs: that of another test may end meanwhile.
            ours = (
                "exporter.platforms.wix",
                "exporter.platforms.bitrix24",
                "exporter.platforms.limiter",
                "exporter.polling.poll",
                "exporter.runtime.targets",
                "exporter.config",
            )
            cyclic = {type(found).__qualname__ for found in gc.garbage if type(found).__module__.startswith(ours)}
            assert set() == cyclic
            jobs = {found.target for found in gc.get_objects() if isinstance(found, Job)}
            assert set() == {name for name in jobs if name.startswith("dropped-")}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()


async def test_who_must_know_before_a_configuration_is_loaded_is_told_at_the_start_and_at_each_reload(tmp_path: Path) -> None:
    order: list[str] = []
    clock = ManualClock()
    async with running_business(tmp_path) as there, pool(clock) as http:
        path = there.config(calm(there))

        def load() -> Config:
            order.append("load")
            return load_config(path)

        world = TargetFactory(http, clock, Random(1), Instruments(CollectorRegistry()), Admission(clock))
        before = partial(order.append, "before")
        app = Application(load, factory=world, page=MetricsPage(world.instruments), before_change=before)
        await app.start(load_config(path))
        assert ["before"] == order
        await app.reload()
        assert ["before", "before", "load"] == order
        await app.aclose(grace=0.0)


async def test_a_state_file_is_read_in_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_parts
    in_the_loop: list[bool] = []

    def watched(path: Path, parts: Iterable[Path], targets: Collection[str]) -> object:
        in_the_loop.append(threading.current_thread() is threading.main_thread())
        return read(path, parts, targets)

    monkeypatch.setattr(status_history, "read_parts", watched)

    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, business):
        business.config(calm(business), state_file=str(tmp_path / "state.json"))
        await driven(app, app.app.reload())
        assert [False] == in_the_loop


async def test_other_verdicts_are_in_force_at_once_and_nothing_is_asked_again(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, business):
        session = live(app)["wix"].session
        seen = app.app.view().targets[0].collectors
        business.config(calm(business), verdicts={"conflict": {"soon": "2h"}, "connection_error": {"severity": "critical"}})
        await driven(app, app.app.reload())
        target = app.app.view().targets[0]
        assert (7_200, "critical") == (target.thresholds.conflict_soon, target.thresholds.severity("connection_error"))
        assert seen == target.collectors
        assert session is live(app)["wix"].session
        assert 'soon: "2h"' in app.app.effective_config()
        business.config(calm(business), verdicts={"conflict": {"soon": "never"}})
        with pytest.raises(ConfigError, match=r"verdicts\.conflict\.soon"):
            await driven(app, app.app.reload())
        assert 7_200 == app.app.view().targets[0].thresholds.conflict_soon
