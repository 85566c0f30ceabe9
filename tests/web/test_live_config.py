"""The web configuration in force, where no server has to listen to show it."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
import structlog.testing

from exporter.support import files
from exporter.web import config as web_config
from exporter.web.config import WebConfig
from exporter.web.live_config import ReloadingWebConfig
from tests.harness.threads import held_until


async def test_without_a_file_no_thread_is_started_to_look_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    live, started = ReloadingWebConfig(WebConfig()), []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread.name))
    assert WebConfig() == await live.config()
    assert [] == started


async def test_a_bug_while_the_file_is_read_again_is_logged_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "web.yml"
    file.write_text("")
    live = ReloadingWebConfig(before := WebConfig.load(file))

    def bug(_: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(WebConfig, "load", bug)
    file.write_text("probes_require_auth: true\n")
    with structlog.testing.capture_logs() as logged:
        assert [before, before] == [await live.config(), await live.config()]
    assert ["web_config_reload_crashed"] == [line["event"] for line in logged]


@pytest.mark.slow
async def test_the_loop_goes_on_while_a_request_waits_for_a_disk_that_hangs_and_only_the_first_one_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "web.yml"
    file.write_text("")
    live = ReloadingWebConfig(before := WebConfig.load(file))
    file.write_text("probes_require_auth: true\n")
    disk_works = threading.Event()
    monkeypatch.setattr(web_config, "read_file", held_until(disk_works, files.read_file))

    try:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)

        running = asyncio.create_task(others())
        assert before == await live.config()
        assert turns > 10
        began = time.monotonic()
        for _ in range(100):
            assert before == await live.config()
        assert time.monotonic() - began < 2, "a hundred times 0.2 s"
        running.cancel()
    finally:
        disk_works.set()
    async with asyncio.timeout(30):
        while live.in_force is before:
            await live.config()
            await asyncio.sleep(0)
