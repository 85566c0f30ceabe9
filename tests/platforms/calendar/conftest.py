"""The exporter's side of a calendar, and a server that answers what a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tests.harness.calendar_target import CalendarBench, calendar_bench

NOW = datetime(2026, 11, 26, 8, 30, tzinfo=UTC).timestamp()


@pytest.fixture
async def bench() -> AsyncIterator[CalendarBench]:
    """A scripted server and what it takes to open targets on it."""
    async with calendar_bench(NOW) as made:
        yield made
