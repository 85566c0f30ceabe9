"""What tests of several rooms stand on; coroutines are run by anyio's plugin, on asyncio as the exporter is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.business import Business, running_business


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def business(tmp_path: Path) -> AsyncIterator[Business]:
    """A business of its own on both simulated platforms, on the machine's clock."""
    async with running_business(tmp_path) as there:
        yield there
