"""The stop of the whole exporter amid reloads and polls, against the simulated platforms, on a clock of the test's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exporter.errors import ConfigError
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.support import slices
from tests.harness.application import driven
from tests.harness.hourly_business import calm, hang, hourly_application, live, portal


async def test_nothing_is_loaded_any_more_once_the_stop_began(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business),)) as (app, business):
        business.config(calm(business, "late"))
        stopping = asyncio.create_task(app.app.aclose(grace=1.0))
        with pytest.raises(ConfigError, match="stopping"):
            await driven(app, app.app.reload())
        await stopping
        assert {} == live(app)
        assert 'target="late"' not in await app.page()


@pytest.mark.slow
async def test_a_stop_does_not_wait_for_a_reload_that_waits_for_a_replaced_target(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business, timeout="60s"),)) as (app, business):
        await hang(app, business)
        business.config(calm(business, timeout="7s"))
        reload = asyncio.create_task(app.app.reload())
        while not app.app._changing.locked() or app.app._scheduler._tasks:  # noqa: ASYNC110  until it waits for that poll
            await asyncio.sleep(0.001)
        began = app.clock.monotonic()
        await driven(app, app.app.aclose(grace=3.0))
        assert app.clock.monotonic() - began <= 3.5
        with pytest.raises(ConfigError, match="stopping"):
            await reload


@pytest.mark.slow
async def test_a_stop_ends_in_its_time_whatever_polls_and_sessions_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business, timeout="60s"), portal(business))) as (
        app,
        business,
    ):

        async def never(_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(type(live(app)["wix"].session), "aclose", never)
        await hang(app, business)
        began = app.clock.monotonic()
        stopping = asyncio.create_task(app.app.aclose(grace=6.0))
        await app.pass_time(0.1)
        await app.clock.stall(1.0)  # a loop that is busy has no more time
        await driven(app, stopping)
        assert app.clock.monotonic() - began <= 6.5


async def test_a_stop_waits_for_the_token_that_a_replaced_target_still_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):
        saved = asyncio.Event()

        async def slowly(_: object) -> None:
            await saved.wait()

        monkeypatch.setattr(BitrixSession, "aclose", slowly)
        business.config(calm(business))
        reload = asyncio.create_task(app.app.reload())
        while not app.app._closing:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.001)
        stopping = asyncio.create_task(app.app.aclose(grace=6.0))
        await app.pass_time(4.5)
        assert not stopping.done()
        saved.set()
        await stopping
        assert 0 == len(app.app._closing)
        await asyncio.gather(reload, return_exceptions=True)


async def test_a_stop_in_the_middle_of_a_reload_still_closes_what_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):
        may_save, saved = asyncio.Event(), []

        async def slowly(session: BitrixSession) -> None:
            await may_save.wait()
            saved.append(session._target.name)

        monkeypatch.setattr(BitrixSession, "aclose", slowly)
        monkeypatch.setattr(slices, "SLICE", 1)
        business.config(*(calm(business, f"wix-{number}") for number in range(9)))
        reload = asyncio.create_task(app.app.reload())
        while "b24" in live(app):  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0)
        stopping = asyncio.create_task(app.app.aclose(grace=6.0))
        await app.pass_time(4.5)
        may_save.set()
        await driven(app, stopping)
        with pytest.raises(ConfigError, match="stopping"):
            await reload
        assert ["b24"] == saved
