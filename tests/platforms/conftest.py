"""Both sides of an exchange over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from exporter.platforms.base import Services
from tests.harness.events import RecordedEvents
from tests.harness.exchange import services_with
from tests.harness.peer import Client, client_with


@pytest.fixture
def events() -> RecordedEvents:
    """What the services of a test were told of."""
    return RecordedEvents()


@pytest.fixture
async def services(events: RecordedEvents) -> AsyncIterator[Services]:
    """What a session needs, on the machine's clock and with a pool of its own."""
    async with services_with(events) as made:
        yield made


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """The exporter's side of an exchange: its pool, on the real clock."""
    async with client_with() as made:
        yield made
