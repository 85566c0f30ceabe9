"""A simulated portal that takes its time, without sockets: every second is the clock's, and calls may overlap."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx

from exporter.counting.windows import WindowSpec
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import open_session
from exporter.platforms.bitrix24.session import BitrixSession, Shared
from exporter.platforms.bitrix24.settings import BitrixBookings, BitrixCollectors, BitrixLinks, BitrixTarget, Budget
from exporter.polling.admission import Admission
from exporter.simulator.bitrix24 import Bitrix24Simulator
from exporter.simulator.platform import Call
from exporter.simulator.stage import Stage
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents

T = TypeVar("T")

HOST = "salon.bitrix24.example"
CODE = "c0dec0dec0dec0de"
NEXT_7D = (WindowSpec("next_7d", "now", "now+7d"),)
WHOLE_PLAN = Budget(requests_per_second=2.0, burst=50, operating_seconds=600.0)


class AtOnce(ThreadPoolExecutor):
    """Threads that are none, so that everything happens in the turns of the loop."""

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401  as its parent
        done = Future[T]()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  whoever waits has it
            done.set_exception(error)
        return done


@dataclass
class TimedCall:
    """One call as the portal saw it; ``cancelled`` when nobody waited for the answer any more."""

    asks: str  # "list", "pages", "links"
    commands: int
    began: float
    at_once: int
    ended: float | None = None
    status: int | None = None
    cancelled: bool = False


@dataclass
class TimedPortal(httpx.AsyncBaseTransport):
    """The transport that leads to it. A call takes ``seconds(commands)``; ``instead`` may answer one itself, as late."""

    clock: ManualClock
    simulator: Bitrix24Simulator
    seconds: Callable[[int], float]
    instead: Callable[[TimedCall], httpx.Response | None] = lambda _: None
    calls: list[TimedCall] = field(default_factory=list)
    underway: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        commands = json.loads(request.content).get("cmd") or {}
        asks = "list" if not commands else "links" if next(iter(commands)).startswith("e") else "pages"
        self.underway += 1
        call = TimedCall(asks, len(commands), self.clock.now, self.underway)
        self.calls.append(call)
        try:
            reply = await self.simulator.answer(
                Call("POST", request.url.path, "", {"content-type": "application/json"}, request.content, "127.0.0.1", HOST)
            )
            response = self.instead(call) or httpx.Response(reply.status, content=reply.body)
            await self.clock.sleep(self.seconds(max(1, len(commands))))
        except asyncio.CancelledError:
            call.cancelled = True
            raise
        finally:
            self.underway -= 1
            call.ended = self.clock.now
        call.status = response.status_code
        return response

    def links(self) -> list[TimedCall]:
        """Return the calls that asked about links."""
        return [call for call in self.calls if call.asks == "links"]

    def at_once(self) -> int:
        """Return how many calls were underway at most."""
        return max((call.at_once for call in self.calls), default=0)

    def refused(self) -> list[TimedCall]:
        """Return the calls that the portal refused because there were too many."""
        return [call for call in self.calls if call.status == httpx.codes.SERVICE_UNAVAILABLE]


class TimedBench:
    """A portal of the ordinary plan with its real bucket, which takes 30 ms for a command unless told otherwise."""

    def __init__(self, bookings: int, seconds: Callable[[int], float] = lambda commands: 0.03 * commands) -> None:
        self.clock = ManualClock()
        simulator = Bitrix24Simulator(Stage(self.clock, 1))
        self.portal = simulator.add_portal("salon")
        simulator.add_webhook(self.portal, code=CODE)
        self.portal.costs.clear()  # below a tenth of a second, which is not added
        self.portal.world.fill(bookings, self.clock.now, days=(0.1, 6.9))
        self.http = TimedPortal(self.clock, simulator, seconds)
        self.events = RecordedEvents()
        self._shared = Shared()

    def open(
        self,
        *,
        name: str = "salon",
        budget: Budget = WHOLE_PLAN,
        timeout: float = 70.0,
        **links: Any,  # noqa: ANN401
    ) -> BitrixSession:
        """Open a target whose collector ``links`` takes changes to its defaults."""
        common: dict[str, Any] = {"interval": 900.0, "max_age": 2700.0, "windows": NEXT_7D}
        target = BitrixTarget(
            name=name,
            platform="bitrix24",
            timeout=timeout,
            timezone=ZoneInfo("Europe/Berlin"),
            webhook_url=Secret(f"https://{HOST}/rest/1/{CODE}/"),
            budget=budget,
            collectors=BitrixCollectors(
                bookings=BitrixBookings(**common), links=BitrixLinks(**{**common, "calendar": False, **links})
            ),
        )
        admission = Admission(self.clock, threads=AtOnce(1))
        history = StatusHistory()
        return open_session(target, Services(self.http, self.clock, Random(7), self.events, history, admission, self._shared))

    async def timed(self, work: Coroutine[Any, Any, T]) -> tuple[T, float]:
        """Let the time pass until ``work`` is done. Returns its result, and how many seconds it took."""
        began = self.clock.now

        async def done() -> tuple[T, float]:
            return await work, self.clock.now - began

        return await self.meanwhile(asyncio.create_task(done()))

    async def meanwhile(self, task: asyncio.Task[T]) -> T:
        """Let the time pass until ``task`` is done, and return its result."""
        while not task.done():
            await self.clock.advance(1.0)
        return await task
