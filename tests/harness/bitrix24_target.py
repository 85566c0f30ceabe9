"""Our Bitrix24 client against a simulated portal, over real HTTP, on a clock that jumps over every wait."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from exporter.booking_links import LinksObservation
from exporter.counting.windows import WindowSpec
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.base import PollResult, Services
from exporter.platforms.bitrix24 import open_session
from exporter.platforms.bitrix24.session import BitrixSession, Shared
from exporter.platforms.bitrix24.settings import BitrixBookings, BitrixCollectors, BitrixLinks, BitrixTarget, Budget, OAuth
from exporter.platforms.retry import wait_allowance
from exporter.polling.admission import Admission
from exporter.simulator import Simulator, running
from exporter.simulator.bitrix24.oauth import App, Pair
from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.webhook import Webhook
from exporter.simulator.bitrix24.world import PortalWorld
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.pool import ObservedPool, pool

LIST = "booking.v1.booking.list"
GET = "booking.v1.booking.get"
LINKS = "booking.v1.booking.externalData.list"
RESOURCES = "booking.v1.resource.list"
CODE = "c0dec0dec0dec0de"
HOUR = 3600
DAY = 24 * HOUR

WINDOWS = (
    WindowSpec("last_24h", "now-24h", "now"),
    WindowSpec("today", "now/d", "now+1d/d"),
    WindowSpec("next_24h", "now", "now+24h"),
    WindowSpec("next_7d", "now", "now+7d"),
)
NEXT_7D = WINDOWS[3:]


@dataclass
class Bench:
    """A portal, and what it takes to open targets on it."""

    simulator: Simulator
    clock: ManualClock
    portal: Portal
    webhook: Webhook
    http: ObservedPool
    url: str
    events: RecordedEvents
    folder: Path
    shared: Shared = field(default_factory=Shared)
    paired: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def world(self) -> PortalWorld:
        return self.portal.world

    @property
    def now(self) -> float:
        return self.clock.now

    def services(self, events: RecordedEvents | None = None) -> Services:
        return Services(
            self.http,
            self.clock,
            Random(7),
            events or self.events,
            StatusHistory(),
            Admission(self.clock),
            self.shared,
            paired=lambda: self.paired,
        )

    def target(
        self,
        *,
        name: str = "salon",
        bookings: dict[str, Any] | None = None,
        links: dict[str, Any] | None = None,
        windows: Sequence[WindowSpec] = WINDOWS,
        budget: Budget | None = None,
        zone: str = "Europe/Berlin",
        **changes: Any,  # noqa: ANN401  fields of the target
    ) -> BitrixTarget:
        """Return a target whose collectors take ``bookings`` and ``links`` as changes to their defaults."""
        common: dict[str, Any] = {"interval": 300.0, "max_age": 900.0}
        fields: dict[str, Any] = {
            "name": name,
            "platform": "bitrix24",
            "timeout": 65.0,
            "base_url": self.url,
            "timezone": ZoneInfo(zone),
            "webhook_url": Secret(f"https://salon.bitrix24.example/rest/1/{CODE}/"),
            "budget": budget or Budget(requests_per_second=5.0, burst=250, operating_seconds=600.0),
            "collectors": BitrixCollectors(
                bookings=BitrixBookings(**{**common, "windows": tuple(windows), **(bookings or {})}),
                # The webhook has no scope for calendars; who looks at copies asks for both.
                links=BitrixLinks(**{**common, "calendar": False, "windows": NEXT_7D, **(links or {})}),
            ),
        }
        return BitrixTarget(**{**fields, **changes})

    def open(self, events: RecordedEvents | None = None, **changes: Any) -> BitrixSession:  # noqa: ANN401  fields of the target
        """Open a target; ``changes`` as in :meth:`target`."""
        return open_session(self.target(**changes), self.services(events))

    def app(self) -> tuple[App, Pair]:
        """Install an application and return it with a first pair of tokens."""
        app = self.simulator.bitrix24.add_app(self.portal, client_id="local.app", client_secret="appsecret-planted-1")
        return app, self.simulator.bitrix24.issue(app)

    def oauth(self, name: str = "tokens.json", **changes: Any) -> OAuth:  # noqa: ANN401  fields of OAuth
        fields: dict[str, Any] = {
            "client_id": "local.app",
            "client_secret": Secret("appsecret-planted-1"),
            "token_file": self.folder / name,
        }
        return OAuth(**{**fields, **changes})

    def serve_as(self, *names: str) -> None:
        """Let the portal be what these hosts of Bitrix24's cloud lead to; every other one is looked up in vain.

        Requests go over real HTTP with the ``Host`` that they have; only where they connect to is another.
        """

        async def lead(request: httpx.Request) -> httpx.Response | None:
            if request.url.host == httpx.URL(self.url).host:
                return None
            if request.url.netloc.decode() not in names:
                raise httpx.ConnectError("no such host")
            url = self.url + request.url.raw_path.decode()
            inner = httpx.Request(request.method, url, headers=request.headers, content=request.content)
            return await self.http.inner.handle_async_request(inner)

        self.http.instead = lead

    def calls(self, operation: str | None = None) -> int:
        """Return the number of HTTP calls that reached the portal."""
        return self.simulator.log.count(operation, platform="bitrix24")

    def commands(self, operation: str | None = None) -> int:
        """Return the number of commands that ran inside batches."""
        return self.simulator.log.commands(operation, platform="bitrix24")


async def poll_bookings(session: BitrixSession) -> BookingsObservation:
    with wait_allowance(300):
        result = await session.collectors[CollectorName.BOOKINGS].poll()
    assert result.failure is None
    assert isinstance(result.observation, BookingsObservation)
    return result.observation


async def poll_links(session: BitrixSession) -> LinksObservation:
    with wait_allowance(300):
        result: PollResult = await session.collectors[CollectorName.LINKS].poll()
    assert result.failure is None
    assert isinstance(result.observation, LinksObservation)
    return result.observation


def counts(observation: BookingsObservation) -> dict[str, int]:
    """Return the number of bookings by window."""
    return {counted.window.name: counted.bookings for counted in observation.windows}


@contextlib.asynccontextmanager
async def running_portal(folder: Path = Path(), start: float = 1_790_000_000.0) -> AsyncIterator[Bench]:
    """Serve a portal without bookings and without a limit on requests while the block runs; its clock says ``start``."""
    clock = ManualClock(start, auto=True)
    simulator = Simulator(clock)
    portal = simulator.bitrix24.add_portal("salon")
    portal.set_plan(None)
    webhook = simulator.bitrix24.add_webhook(portal, code=CODE)
    async with running(simulator.app) as url, pool(clock) as http:
        yield Bench(simulator, clock, portal, webhook, http, url, RecordedEvents(), folder)
