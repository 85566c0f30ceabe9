"""What strikes: each kind of trouble is a function that does one thing for a while and then undoes it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final
from urllib.parse import urlsplit

import httpx

from exporter.simulator import Fault, FaultKind
from exporter.simulator.faults import INSTEAD
from tests.harness.process import Exporter
from tests.soak.road import Road, State
from tests.soak.world import Business

STATUSES: Final = (200, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504, 522)
BODIES: Final = (
    "null",
    "[]",
    "{}",
    '"text"',
    "[" * 5000,
    '{"result":',
    "",
    '{"result":{"bookings":null}}',
    "\ud83d".encode("utf-16", "surrogatepass").decode("latin-1"),
)
HOST: Final = b"Host: 127.0.0.1\r\n"
BEGINNINGS: Final = (
    b"",
    b"GET /metrics HTTP/1.1\r\n" + HOST + b"X-Slow: ",
    b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST /-/reload HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n",
    b"\x16\x03\x01",
    b"GET " + b"/" * 100_000,
)
PATHS: Final = (
    "/metrics",
    "/",
    "/api/v1/status",
    "/config",
    "/-/healthy",
    "/-/ready",
    "/metrics?target=site-1",
    "/metrics?target=no",
    "/%00",
    "/nothing",
)
ACCEPTS: Final = (
    "*/*",
    "",
    "application/openmetrics-text;version=1.0.0,*/*;q=0.1",
    "text/html",
    "text/plain;q=x",
    ";;;",
    "a" * 4000,
)
ENCODINGS: Final = ("gzip", "identity", "br", "gzip;q=0")
AUTH_SERVER: Final = "oauth/token"


@dataclass
class Trouble:
    """Strikes at random. ``counts`` says how often what struck."""

    business: Business
    running: Exporter
    roads: tuple[Road, ...]
    random: Random
    counts: Counter[str] = field(default_factory=Counter)

    async def strike(self) -> None:
        """Choose one kind of trouble and go through it."""
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            self.fault, self.fault, self.fault, self.fault, self.road, self.road, self.reload, self.clients, self.pages,
            self.standstill, self.incident, self.people, self.files, self.pressure,
        )  # fmt: skip
        kind = self.random.choice(kinds)
        self.counts[kind.__name__] += 1
        await kind()

    async def fault(self) -> None:
        random, simulator = self.random, self.business.simulator
        platform, _, operation = random.choice(sorted(simulator.log.counts())).partition(" ")
        kind = random.choice([*(INSTEAD if operation == AUTH_SERVER else FaultKind)])
        fault = Fault(
            kind,
            platform,
            operation,
            times=random.choice((1, 2, 5, 20)),
            status=random.choice((502, 503) if operation == AUTH_SERVER else STATUSES),
            body=random.choice(BODIES),
            content_type=random.choice(("application/json", "text/html")),
            location="https://elsewhere.example/",
            retry_after=random.choice((None, "0", "3", "20", "garbage", "Wed, 21 Oct 2015 07:28:00 GMT")),
            seconds=random.uniform(0.5, 12),
        )
        self.counts[f"fault {kind}"] += 1
        simulator.faults.add(fault)
        await asyncio.sleep(random.uniform(5, 60))
        simulator.faults.remove(fault)

    async def road(self) -> None:
        road = self.random.choice(self.roads)
        road.state = self.random.choice([state for state in State if state is not State.OPEN])
        if self.random.random() < 0.5:
            road.cut_all()
        await asyncio.sleep(self.random.uniform(2, 40))
        road.state = State.OPEN

    async def pressure(self) -> None:
        """Another application of the customer's uses up the portal's allowance."""
        portal = self.random.choice(list(self.business.simulator.bitrix24.portals.values()))
        portal.fill_bucket(self.business.simulator.now())

    async def standstill(self) -> None:
        """The process is stopped, as on a machine that swaps or is suspended."""
        self.running.send(signal.SIGSTOP)
        await asyncio.sleep(self.random.uniform(0.5, 12))
        self.running.send(signal.SIGCONT)

    async def reload(self) -> None:
        random, targets = self.random, list(self.business.targets)
        change = random.choice(("drop", "label", "interval", "broken", "same"))
        index = random.randrange(len(targets))
        if change == "drop":
            del targets[index]
        elif change == "label":
            targets[index] = {**targets[index], "labels": {"site": f"salon-{random.randrange(100)}"}}
        elif change == "interval":
            first, *rest = targets[index]["collectors"].items()
            targets[index] = {**targets[index], "collectors": dict([(first[0], {**first[1], "interval": "6s"}), *rest])}
        self.business.configure(targets)
        if change == "broken":
            self.business.path.write_text(
                random.choice(("targets: [", "targets: []", "\x00", "a: &a [*a]", "timezone: Mars/Base"))
            )
        self.running.send(signal.SIGHUP)
        await asyncio.sleep(random.uniform(1, 20))

    async def clients(self) -> None:
        """Clients that begin a request and say no more, or read an answer in drops."""
        host, port = urlsplit(self.running.url).hostname, urlsplit(self.running.url).port
        opened = []
        for _ in range(self.random.randrange(1, 40)):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, port, limit=2)
                writer.write(self.random.choice(BEGINNINGS))
                opened.append(writer)
        await asyncio.sleep(self.random.uniform(1, 30))
        for writer in opened:
            writer.transport.abort()

    async def pages(self) -> None:
        """Everything that can be asked for, with odd wishes, twenty at a time."""

        async def get() -> None:
            with contextlib.suppress(httpx.HTTPError):
                method, path = self.random.choice(("GET", "GET", "HEAD", "POST")), self.random.choice(PATHS)
                headers = {"Accept": self.random.choice(ACCEPTS), "Accept-Encoding": self.random.choice(ENCODINGS)}
                await self.running.http.request(method, self.running.url + path, headers=headers)

        await asyncio.gather(*(get() for _ in range(20)))

    async def incident(self) -> None:
        """One of the simulator's own incidents, for a while."""
        desk = self.business.simulator.incidents
        name = self.random.choice([name for name in desk.names if name != "intake-stopped"])
        with contextlib.suppress(LookupError):
            desk.start(name)
            await asyncio.sleep(self.random.uniform(5, 60))
        desk.stop(name)

    async def people(self) -> None:
        """People book, cancel and delete."""
        simulator, random = self.business.simulator, self.random
        portal = random.choice(list(simulator.bitrix24.portals.values()))
        if bookings := portal.world.bookings():
            portal.world.delete_booking(random.choice(bookings).id)
        portal.customers.arrive(simulator.now())
        site = random.choice(list(simulator.wix.sites.values()))
        site.bookings.cancel(random.choice(list(site.bookings)).id)
        site.bookings.arrive(simulator.now())

    async def files(self) -> None:
        """Somebody spoils the state file; the process has what it knows in memory."""
        path = self.business.folder / "state.json"
        with contextlib.suppress(OSError):
            path.write_bytes(self.random.randbytes(200))
        await asyncio.sleep(5)
