"""The watch on the configuration, begun anew after a bug."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import Config
from tests.harness.application import RunningApplication, application
from tests.harness.business import Business, with_business
from tests.harness.clock import ManualClock


def test_a_change_that_the_watch_died_of_is_loaded_by_the_one_that_is_begun_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(business: Business) -> None:
        config = business.config(business.wix_target(labels={"site": "old"}))
        async with application(config, ManualClock(business.simulator.now())) as app:
            await app.finished_polls()
            await app.app.reload_if_changed()
            business.config(business.wix_target(labels={"site": "new"}))
            await _die_of_the_next_load(app, monkeypatch)
            await app.app.reload_if_changed()
            assert 'site="new"' in await app.page()

    with_business(tmp_path, scenario)


async def _die_of_the_next_load(app: RunningApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Config:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(app.app, "_load", load)
        with pytest.raises(RuntimeError):
            await app.app.reload_if_changed()
