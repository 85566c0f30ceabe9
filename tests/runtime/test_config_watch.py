"""The watch on the configuration: it loads what changed, tells of a mistake once, and is begun anew after a bug."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from exporter.config import Config
from exporter.errors import ConfigError
from tests.harness.application import RunningApplication, application, driven
from tests.harness.business import API_KEY, WEBHOOK_CODE, Business
from tests.harness.clock import ManualClock
from tests.harness.hourly_business import calm, hourly_application, portal


async def test_the_watch_reloads_nothing_after_a_start_when_nothing_changed(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, _):
        before = app.app.changes
        loaded = (await app.samples())["config_last_reload_success_timestamp_seconds"]
        for _tick in range(3):
            await app.pass_time(5)
            await app.app.reload_if_changed()
        assert before == app.app.changes
        assert loaded == (await app.samples())["config_last_reload_success_timestamp_seconds"]


async def test_the_watch_reads_only_what_changed_and_tells_of_a_mistake_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hourly_application(tmp_path, lambda business: (portal(business),)) as (app, business):
        loads: list[int] = []
        load = app.app._load

        def counted() -> Config:
            loads.append(1)
            return load()

        monkeypatch.setattr(app.app, "_load", counted)
        path = business.folder / "exporter.yml"
        good = path.read_text()
        await app.app.reload_if_changed()
        first = len(loads)
        for _ in range(3):
            await app.app.reload_if_changed()
        assert first == len(loads), "an unchanged file is not read again"

        path.write_text("targets: []\n")
        with pytest.raises(ConfigError):
            await app.app.reload_if_changed()
        await app.app.reload_if_changed()
        assert 0 == (await app.samples())["config_last_reload_successful"]
        path.write_text(good)
        await app.app.reload_if_changed()
        assert 1 == (await app.samples())["config_last_reload_successful"]

        path.write_text(good.replace(WEBHOOK_CODE, WEBHOOK_CODE[::-1]))
        await driven(app, app.app.reload_if_changed())
        assert 0 == (await app.samples())['collector_up{collector="bookings"}'], "another credential is another account"


async def test_the_watch_notices_a_secret_that_a_rejected_configuration_waited_for(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, business):
        business.config(calm(business, api_key={"file": str(tmp_path / "late")}))
        for _ in range(2):
            with contextlib.suppress(ConfigError):
                await app.app.reload_if_changed()
        (tmp_path / "late").write_text(API_KEY)
        await driven(app, app.app.reload_if_changed())
        assert 1 == (await app.samples())["config_last_reload_successful"]


async def test_a_change_that_the_watch_died_of_is_loaded_by_the_one_that_is_begun_after_it(
    business: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = business.config(business.wix_target(labels={"site": "old"}))
    async with application(config, ManualClock(business.simulator.now())) as app:
        await app.finished_polls()
        await app.app.reload_if_changed()
        business.config(business.wix_target(labels={"site": "new"}))
        await _die_of_the_next_load(app, monkeypatch)
        await app.app.reload_if_changed()
        assert 'site="new"' in await app.page()


async def _die_of_the_next_load(app: RunningApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Config:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(app.app, "_load", load)
        with pytest.raises(RuntimeError):
            await app.app.reload_if_changed()
