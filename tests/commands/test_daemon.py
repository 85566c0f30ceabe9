"""What the daemon builds around the application."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import generate_latest

from exporter.clock import SystemClock
from exporter.commands import daemon
from exporter.config.settings import Config
from exporter.polling import Admission


def test_the_build_info_names_the_revision_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKING_SYNC_REVISION", "abc123")

    def load() -> Config:
        raise AssertionError

    async def main() -> None:
        clock = SystemClock()
        with ThreadPoolExecutor(1) as pages:
            application = daemon._application(load, Admission(clock), clock=clock, lifecycle=False, pages=pages)
            async with application as (_, instruments):
                assert b'revision="abc123"' in generate_latest(instruments.registry)

    asyncio.run(main())
