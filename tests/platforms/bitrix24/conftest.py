"""A simulated portal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.bitrix24_target import Bench, running_portal


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A portal without bookings, and our client of it, on a clock that jumps over every wait."""
    async with running_portal(tmp_path) as portal:
        yield portal
