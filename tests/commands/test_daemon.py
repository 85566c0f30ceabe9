"""What the daemon builds around the application."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import structlog.testing
from prometheus_client import generate_latest

from exporter.clock import SystemClock
from exporter.commands import daemon
from exporter.config import load_config
from exporter.config.settings import Config
from exporter.errors import ConfigError
from exporter.polling import Admission
from exporter.runtime import KnownSites, Signals
from tests.harness.business import Business
from tests.harness.clock import ManualClock


async def test_the_build_info_names_the_revision_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKING_SYNC_REVISION", "abc123")

    def load() -> Config:
        raise AssertionError

    clock = SystemClock()
    with ThreadPoolExecutor(1) as pages:
        admission, sites = Admission(clock), KnownSites()
        application = daemon._application(load, admission, clock=clock, sites=sites, lifecycle=False, pages=pages)
        async with application as (_, instruments, _):
            assert b'revision="abc123"' in generate_latest(instruments.registry)


async def test_a_task_that_dies_is_told_counted_and_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.support.supervision.INITIAL_PAUSE_SECONDS", 0.001)
    for name in ("postpone_full_collections", "collect_and_freeze"):  # they are for a process of its own
        monkeypatch.setattr(f"exporter.runtime.garbage.{name}", lambda *_: None)
    config = tmp_path / "exporter.yml"
    config.write_text(
        "targets:\n- {name: a, platform: bitrix24, webhook_url: https://127.0.0.1:1/rest/1/secretsecretsecret/}\n"
    )
    pages: list[str] = []

    with structlog.testing.capture_logs() as logged:
        signals = Signals(asyncio.get_running_loop())

        async def started(url: str) -> None:
            async with httpx.AsyncClient(trust_env=False) as client:
                pages.append((await client.get(f"{url}/metrics")).text)
            if len(pages) == 1:
                raise RuntimeError("can't start new thread")
            signals.stop.set()

        async with asyncio.timeout(20):
            await daemon.run(lambda: load_config(config), signals=signals, listen_address="127.0.0.1:0", started=started)
    assert ["started"] == [line["task"] for line in logged if line["event"] == "task_died"]
    counted = [f'booking_sync_internal_errors_total{{task="started"}} {number}.0' in page for number, page in enumerate(pages)]
    assert [True, True] == counted


async def test_a_thread_of_the_daemon_that_computes_gives_way_after_a_millisecond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("postpone_full_collections", "collect_and_freeze"):  # they are for a process of its own
        monkeypatch.setattr(f"exporter.runtime.garbage.{name}", lambda *_: None)
    config = tmp_path / "exporter.yml"
    config.write_text(
        "targets:\n- {name: a, platform: bitrix24, webhook_url: https://127.0.0.1:1/rest/1/secretsecretsecret/}\n"
    )
    of_python = sys.getswitchinterval()

    try:
        sys.setswitchinterval(0.005)  # an earlier test may have run a daemon
        signals = Signals(asyncio.get_running_loop())

        async def started(_: str) -> None:
            signals.stop.set()

        async with asyncio.timeout(20):
            await daemon.run(lambda: load_config(config), signals=signals, listen_address="127.0.0.1:0", started=started)
        assert sys.getswitchinterval() == pytest.approx(0.001)
    finally:
        sys.setswitchinterval(of_python)


async def test_the_watchdog_of_systemd_is_not_fed_while_the_process_does_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble: str | None = None

    async def main(manager: socket.socket) -> list[int]:
        nonlocal trouble
        clock, heard = ManualClock(), []
        feeding = asyncio.create_task(daemon._feed_watchdog(clock, lambda: trouble))
        for now in (None, "no thread", None):
            trouble, fed = now, 0
            await clock.advance(10)
            with contextlib.suppress(BlockingIOError):
                while manager.recv(100):
                    fed += 1
            heard.append(fed)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        return heard

    monkeypatch.setattr("exporter.support.sdnotify.watchdog_seconds", lambda: 2.0)
    monkeypatch.setitem(os.environ, "NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        assert [6, 0, 5] == await main(manager)


@pytest.fixture
def _as_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("postpone_full_collections", "collect_and_freeze"):
        monkeypatch.setattr(f"exporter.runtime.garbage.{name}", lambda *_: None)


async def run_daemon(config: Path, address: str, *, lifecycle: bool = False) -> None:
    """Run the daemon until it has started."""
    signals = Signals(asyncio.get_running_loop())

    async def started(_: str) -> None:
        signals.stop.set()

    async with asyncio.timeout(20):
        await daemon.run(
            lambda: load_config(config), signals=signals, listen_address=address, lifecycle=lifecycle, started=started
        )


@pytest.mark.usefixtures("_as_in_a_process_of_its_own")
@pytest.mark.parametrize(("address", "lifecycle", "count"), [("127.0.0.1:0", True, 0), (":0", False, 1), (":0", True, 1)])
async def test_a_listener_that_others_reach_without_a_password_is_one_warning(
    business: Business, address: str, *, lifecycle: bool, count: int
) -> None:
    with structlog.testing.capture_logs() as logged:
        await run_daemon(business.config(), address, lifecycle=lifecycle)
    told = [line for line in logged if line["event"] == "listener_open"]
    assert count == len(told)
    assert all(lifecycle == line["lifecycle"] for line in told)


@pytest.mark.usefixtures("_as_in_a_process_of_its_own")
async def test_a_bad_configuration_is_told_before_a_bad_address(business: Business) -> None:
    bad = business.config(business.wix_target(api_kee="x"), name="bad.yml")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for config, address, told in (
            (bad, "10888", "targets[0].api_kee"),
            (bad, f"127.0.0.1:{taken.getsockname()[1]}", "targets[0].api_kee"),
            (business.config(), "10888", "--web.listen-address: '10888' is not an address"),
        ):
            with pytest.raises(ConfigError) as refused:
                await run_daemon(config, address)
            (problem,) = refused.value.problems
            assert told in str(problem)
