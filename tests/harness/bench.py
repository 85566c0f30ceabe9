"""A portal on the simulator, served over real HTTP, with a bare HTTP client in front of it."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from exporter.simulator import Simulator, running
from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.webhook import Webhook
from exporter.simulator.bitrix24.world import PortalWorld
from tests.harness.clock import ManualClock

_TLS = ssl.create_default_context()  # the portal speaks plain HTTP, but each client would load the certificates anew

LIST = "booking.v1.booking.list"
LINKS = "booking.v1.booking.externalData.list"


@dataclass(frozen=True)
class Bench:
    """What a test of the Bitrix24 simulator needs; ``url`` is the origin."""

    simulator: Simulator
    clock: ManualClock
    portal: Portal
    webhook: Webhook
    http: httpx.AsyncClient
    url: str

    @property
    def world(self) -> PortalWorld:
        return self.portal.world

    async def post(self, method: str, params: Mapping[str, Any] | None = None) -> httpx.Response:
        """Call ``method`` through the webhook, JSON in the body."""
        return await self.http.post(self.webhook.url(self.url) + method, json=params or {})

    async def ids(self, params: Mapping[str, Any] | None = None) -> list[int]:
        """Return the ids of one page of bookings."""
        return [row["id"] for row in (await self.post(LIST, params)).json()["result"]["booking"]]

    async def batch(self, cmd: object, **more: object) -> dict[str, Any]:
        """Run a batch and return its five sections."""
        answer = await self.post("batch", {"halt": 0, "cmd": cmd, **more})
        assert 200 == answer.status_code
        sections: dict[str, Any] = answer.json()["result"]
        return sections

    async def error(self, method: str, params: Mapping[str, Any] | None = None) -> tuple[int, object, str]:
        """Return HTTP status, code and text of an answer that must be an error."""
        answer = await self.post(method, params)
        return answer.status_code, answer.json()["error"], answer.json()["error_description"]


@contextlib.asynccontextmanager
async def simulated_portal() -> AsyncIterator[Bench]:
    """Serve a portal without bookings while the block runs, on a clock that only moves when told to."""
    clock = ManualClock()
    simulator = Simulator(clock)
    portal = simulator.bitrix24.add_portal("salon")
    webhook = simulator.bitrix24.add_webhook(portal, code="c0dec0dec0dec0de")
    async with running(simulator.app) as url, httpx.AsyncClient(verify=_TLS) as http:
        yield Bench(simulator, clock, portal, webhook, http, url)
