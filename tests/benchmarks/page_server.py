"""An exporter's pages in a process of their own: a fleet that is polled when the benchmark says so, behind the real server.

What is real: the snapshot, the counters, the page, the web server. What is not: no platform is asked, and the clock moves when
something is polled.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from multiprocessing.connection import Connection as Pipe
from typing import Final

from msgspec.structs import replace

from exporter.booking_links import LinksObservation
from exporter.calendar_busy import BusyObservation
from exporter.metrics import Format, MadePage, MetricsPage
from exporter.model import ApiUsage, BookingsObservation, ConnectionsObservation, Observation, Window
from exporter.open_slots import SlotsObservation
from exporter.private_calendar import EventsObservation
from exporter.runtime import garbage
from exporter.state.config_warnings import KeptWarnings, with_warnings
from exporter.state.snapshot import CollectorState, Snapshot, TargetEntry, TargetView, View
from exporter.support.threads import set_switch_interval
from exporter.web import create_app, serve
from tests.benchmarks.bitrix24_reading import Read
from tests.benchmarks.bitrix24_reading import ours as opened_portal
from tests.harness import views
from tests.harness.exposition import counters_of, instruments_for
from tests.harness.fleet_views import fleet
from tests.harness.web import ShownBackend

_LONG: Final = 1e9  # seconds after which data is too old


class Fleet(ShownBackend):
    """The pages of ``targets`` targets, half Wix sites with five connections, half portals."""

    def __init__(self, targets: int) -> None:
        view = fleet(targets)
        super().__init__(view)
        self._now = views.NOW
        self._snapshot, self._warnings = Snapshot(), KeptWarnings()
        self._states: dict[str, tuple[CollectorState, ...]] = {}
        for target in view.targets:
            states = tuple(replace(state, max_age=_LONG) for state in target.collectors)
            entry = TargetEntry(target.name, target.platform, target.labels, partial(_usage_of, target), target.policy)
            self._snapshot.put_target(entry, {state.collector: state for state in states})
            self._states[target.name] = states
        self._counted = instruments_for(view)
        self._page = MetricsPage(self._counted)
        self._threads = ThreadPoolExecutor(2)
        self._first = 0
        self.restless = 0.0

    def poll(self, share: float) -> None:
        """Poll that share of the targets, evenly among the others; each time others come."""
        names = list(self._states)
        number = round(share * len(names))
        self._now += 1.0
        self._first += 1
        for position in range(number):
            name = names[(self._first + position * len(names) // number) % len(names)]
            at = self._now + position / 1_000  # no two polls end at the same moment
            self._states[name] = tuple(self._polled(state, at) for state in self._states[name])

    def _polled(self, state: CollectorState, at: float) -> CollectorState:
        assert state.observation is not None
        after = views.succeeded(state, seen_again(state.observation, at))
        self._snapshot.put(after)
        events = counters_of(self._counted, state.target, state.platform)
        events.request(views.OPERATIONS[state.platform][0], "200", 0.2)
        events.poll_finished(state.collector, 1.5, None)
        return after

    def view(self, site: str | None = None) -> View:
        return with_warnings(self._snapshot.view(self._now, site=site), (), self._warnings)

    async def metrics(self, format: Format, targets: frozenset[str] | None, site: str | None = None) -> MadePage:  # noqa: A002  the seam's word
        if self.restless:
            self.poll(self.restless)
        loop, view = asyncio.get_running_loop(), self.view(site)
        if targets is None and (kept := self._page.kept(view, format)):
            return kept
        return await loop.run_in_executor(self._threads, self._page.make, view, format, targets)


def _usage_of(target: TargetView) -> ApiUsage:
    return target.usage


def seen_again(seen: Observation, at: float) -> Observation:
    """Return what a usual poll finds: windows have moved, connections are as they were, and somebody has booked."""
    match seen:
        case ConnectionsObservation():
            rows = tuple(replace(row, observed_at=at) for row in seen.connections)
            return replace(seen, at=at, connections=rows)
        case BookingsObservation():
            windows = tuple(replace(row, window=_later(row.window, at - seen.at)) for row in seen.windows)
            booked = replace(windows[0], bookings=(windows[0].bookings + 1) % 100)
            return replace(seen, at=at, windows=(booked, *windows[1:]))
        case LinksObservation():
            links = tuple(replace(row, window=_later(row.window, at - seen.at)) for row in seen.windows)
            return replace(seen, at=at, windows=links)
        case EventsObservation():
            events = tuple(replace(row, window=_later(row.window, at - seen.at)) for row in seen.windows)
            return replace(seen, at=at, windows=events)
        case SlotsObservation() | BusyObservation():
            return replace(seen, at=at)


def _later(window: Window, seconds: float) -> Window:
    return replace(window, start=window.start + seconds, end=window.end + seconds)


class PageServer:
    """The running server."""

    def __init__(self, pipe: Pipe, port: int, pid: int) -> None:
        self._pipe = pipe
        self.port = port
        self.pid = pid
        self.url = f"http://127.0.0.1:{port}"

    async def poll(self, share: float) -> None:
        """Poll that share of the targets, and wait until that is done."""
        await self._do(Fleet.poll.__name__, share)

    async def poll_before_each_scrape(self, share: float) -> None:
        """Poll that share of the targets from now on whenever somebody asks for the page."""
        await self._do("restless", share)

    async def open_portal(self, url: str) -> None:
        """Get ready to poll a real portal beside the fleet: poll it once, so that the next one is as usual."""
        await self._do("open", url)

    async def poll_portal(self) -> None:
        """Poll it, and wait until that is done; the loop is the server's, too."""
        await self._do("read", None)

    async def _do(self, what: str, how: object) -> None:
        self._pipe.send((what, how))
        await asyncio.to_thread(self._pipe.recv)


@asynccontextmanager
async def page_server(targets: int) -> AsyncIterator[PageServer]:
    """Serve the pages of so many targets while the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, targets), daemon=True)
    process.start()
    try:
        port, pid = await asyncio.to_thread(ours.recv)
        yield PageServer(ours, port, pid)
    finally:
        process.kill()
        process.join()


def _serve(pipe: Pipe, targets: int) -> None:
    async def run() -> None:
        set_switch_interval()  # as the daemon does
        backend = Fleet(targets)
        server = await serve(create_app(backend, ThreadPoolExecutor(2)), "127.0.0.1:0")
        garbage.collect_and_freeze()  # ditto, when its targets are open
        pipe.send((server.port, os.getpid()))
        async with AsyncExitStack() as stack:
            read: Read | None = None
            while True:
                what, how = await asyncio.to_thread(pipe.recv)
                if what == "poll":
                    backend.poll(how)
                elif what == "restless":
                    backend.restless = how
                else:
                    read = read or await opened_portal(how, stack)
                    await read()
                pipe.send(None)

    asyncio.run(run())
