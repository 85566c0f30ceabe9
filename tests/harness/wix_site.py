"""A Wix site on the simulator, and the exporter's own session in front of it, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from exporter.counting.windows import WindowSpec
from exporter.errors import PollError
from exporter.model import BookingsObservation, CollectorName, Connection, ConnectionsObservation, WindowBookings
from exporter.platforms.base import PollResult, Services, Session
from exporter.platforms.retry import wait_allowance
from exporter.platforms.wix import open_session
from exporter.platforms.wix.settings import WixBookings, WixCollectors, WixConnections, WixTarget
from exporter.policy import TargetPolicy
from exporter.polling.admission import Admission
from exporter.simulator import Simulator, running
from exporter.simulator.faults import Fault, FaultKind
from exporter.simulator.wix.credentials import ApiKey, Installation
from exporter.simulator.wix.providers import GOOGLE, Provider
from exporter.simulator.wix.switches import Switches
from exporter.simulator.wix.world import Site
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.pool import ObservedPool, pool

DAY = WindowSpec("next_24h", "now", "now+24h")
WINDOWS = (
    WindowSpec("last_24h", "now-24h", "now"),
    WindowSpec("today", "now/d", "now+1d/d"),
    DAY,
    WindowSpec("next_7d", "now", "now+7d"),
)


@dataclass
class WixBench:
    """One site with one key. Sleeping moves the clock by itself, so nothing waits for real time."""

    simulator: Simulator
    clock: ManualClock
    site: Site
    key: ApiKey
    http: ObservedPool
    url: str
    events: RecordedEvents = field(default_factory=RecordedEvents)
    since: StatusHistory = field(default_factory=StatusHistory)
    policy: TargetPolicy = field(default_factory=TargetPolicy)
    paired: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _session: Session | None = None

    @property
    def switches(self) -> Switches:
        return self.simulator.wix.switches

    def target(
        self, *, bookings: Mapping[str, object] | None = None, app: Installation | None = None, **changes: object
    ) -> WixTarget:
        """Return a target for this site: an API key, or ``app``; a ``bookings`` collector only when given its settings."""
        common: dict[str, Any] = {"interval": 60.0, "max_age": 300.0, "windows": WINDOWS}
        collectors = WixCollectors(
            connections=WixConnections(**common),
            bookings=None if bookings is None else WixBookings(**{**common, **bookings}),
        )
        values: dict[str, Any] = {
            "name": "salon",
            "platform": "wix",
            "timeout": 5.0,
            "timezone": ZoneInfo("Europe/Berlin"),
            "base_url": self.url,
            "collectors": collectors,
        }
        if app:
            values |= {"app_id": app.app_id, "app_secret": Secret(app.app_secret), "instance_id": app.instance_id}
        else:
            values |= {"site_id": self.site.id, "api_key": Secret(self.key.value)}
        return WixTarget(**{**values, **changes})

    def open(self, target: WixTarget | None = None, *, asks_once: bool = False) -> Session:
        """Open a new session, as a restart does, or as a command that ``asks_once``."""
        services = Services(
            self.http,
            self.clock,
            Random(1),
            self.events,
            self.since,
            Admission(self.clock),
            policy=lambda: self.policy,
            asks_once=asks_once,
            paired=lambda: self.paired,
        )
        self._session = open_session(target or self.target(), services)
        return self._session

    @property
    def session(self) -> Session:
        """The newest session; opened for the default target when there is none."""
        return self._session or self.open()

    async def poll(self, collector: CollectorName = CollectorName.CONNECTIONS) -> PollResult:
        """Poll a minute later, and save what was learnt."""
        self.clock.now += 60
        with wait_allowance(60):
            result = await self.session.collectors[collector].poll()
        await self.since.save()
        return result

    async def observe(self) -> ConnectionsObservation:
        """Poll the connections; the poll must succeed fully."""
        result = await self.poll()
        assert result.failure is None
        assert isinstance(result.observation, ConnectionsObservation)
        return result.observation

    async def only(self) -> Connection:
        """Poll the connections, of which there must be one."""
        (connection,) = (await self.observe()).connections
        return connection

    async def count(self) -> BookingsObservation:
        """Poll the bookings; the poll must succeed fully."""
        result = await self.poll(CollectorName.BOOKINGS)
        assert result.failure is None
        assert isinstance(result.observation, BookingsObservation)
        return result.observation

    async def failure(self, collector: CollectorName = CollectorName.CONNECTIONS) -> PollError:
        """Poll and return the error that it must raise."""
        try:
            await self.poll(collector)
        except PollError as error:
            return error
        raise AssertionError("the poll did not fail")

    def connect(self, provider: Provider = GOOGLE, **fields: object) -> str:
        """Connect a calendar of a new staff member; returns the connection's id."""
        made = self.site.connections.connect(provider, self.site.add_schedule().id)
        self.site.connections.amend(made, without=(), **fields)
        return made

    def answer_with(self, operation: str, body: str, *, status: int = 200, times: int | None = None) -> None:
        """Let the simulator answer ``operation`` with ``body``, labelled as JSON."""
        kind, json = FaultKind.BODY, "application/json"
        self.simulator.faults.add(Fault(kind, operation=operation, body=body, status=status, content_type=json, times=times))

    def spoil(self, kind: FaultKind, operation: str | None = None, **options: Any) -> None:  # noqa: ANN401  fields of Fault
        """Switch a fault on."""
        self.simulator.faults.add(Fault(kind, operation=operation, **options))

    def calls(self, operation: str) -> int:
        """Return how often the simulator was asked for ``operation``."""
        return self.simulator.log.count(operation)


@contextlib.asynccontextmanager
async def running_site(*, start: float = 1_790_000_000.0) -> AsyncIterator[WixBench]:
    """Serve a site without connections and bookings while the block runs; its clock says ``start`` (Unix seconds)."""
    clock = ManualClock(start, auto=True)
    simulator = Simulator(clock)
    site = simulator.wix.add_site()
    key = simulator.wix.add_key(site)
    async with running(simulator.app) as url, pool(clock) as http:
        yield WixBench(simulator, clock, site, key, http, url)


def by_window(observation: BookingsObservation) -> dict[str, WindowBookings]:
    """Return the counts by the window's name."""
    return {window.window.name: window for window in observation.windows}


def key_of(connection_id: str) -> str:
    """Return the key of a connection, worked out without our code."""
    return sha256(connection_id.encode()).hexdigest()[:12]
