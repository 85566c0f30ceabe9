"""What the daemon builds around the application."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import generate_latest

from exporter.clock import SystemClock
from exporter.clock.loop_lag import LoopLag
from exporter.commands import daemon
from exporter.config.settings import Config


def test_the_build_info_names_the_revision_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKING_SYNC_REVISION", "abc123")

    def load() -> Config:
        raise AssertionError

    async def main() -> None:
        with ThreadPoolExecutor(1) as pages:
            async with daemon._application(load, clock=SystemClock(), lag=LoopLag(), lifecycle=False, pages=pages) as (
                _,
                instruments,
            ):
                assert b'revision="abc123"' in generate_latest(instruments.registry)

    asyncio.run(main())
