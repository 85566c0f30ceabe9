"""What tests of several rooms stand on; coroutines are run by anyio's plugin, on asyncio as the exporter is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.business import Business, running_business
from tests.harness.caldav_servers import Radicale, Xandikos, radicale, xandikos


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits for minutes."""
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def business(tmp_path: Path) -> AsyncIterator[Business]:
    """A business of its own on both simulated platforms, on the machine's clock."""
    async with running_business(tmp_path) as there:
        yield there


@pytest.fixture(scope="module")
async def on_radicale(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Radicale]:
    """Radicale with a folder of its own, for all tests of a module."""
    async with radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="module")
async def on_xandikos(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Xandikos]:
    """Xandikos with a folder of its own, for all tests of a module."""
    async with xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server
