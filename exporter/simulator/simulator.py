"""The simulator: all platforms, one clock, one request log, one board of faults, behind one ASGI app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.clock import Clock, SystemClock
from exporter.simulator import control
from exporter.simulator.bitrix24 import Bitrix24Simulator
from exporter.simulator.calendar import CalendarSimulator
from exporter.simulator.delivery import Wire, instead, spoil
from exporter.simulator.drills.incidents import IncidentControl
from exporter.simulator.drills.sync_partner import SyncPartner
from exporter.simulator.faults import INSTEAD, FaultBoard
from exporter.simulator.platform import Call, Description, Platform, html_reply
from exporter.simulator.stage import Stage
from exporter.simulator.wix import WixSimulator


class Simulator:
    """A Wix, a Bitrix24 and a calendar server of your own.

    Empty unless ``build`` fills it, which also runs after each :meth:`reset`; the same ``seed`` gives the same world.
    ``app`` is the ASGI app: the platforms' paths, and ``/_sim/`` for control. No authentication guards ``/_sim/``: this is
    a product for rehearsals on loopback, and its worlds hold invented people only.
    """

    def __init__(self, clock: Clock | None = None, *, seed: int = 1, build: Callable[[Simulator], None] | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.seed = seed
        self.stage = Stage(self.clock, seed)
        self.log = self.stage.log
        self.faults = FaultBoard()
        self.wix = WixSimulator(self.stage)
        self.bitrix24 = Bitrix24Simulator(self.stage)
        self.calendar = CalendarSimulator(self.stage)
        # In the order in which they are asked whether a path is theirs.
        self.platforms: tuple[Platform, ...] = (self.wix, self.bitrix24, self.calendar)
        self.partners: list[SyncPartner] = []
        self.incidents = IncidentControl(self)
        self._build = build
        self.app: ASGIApp = Starlette(
            routes=[Mount("/_sim", routes=control.routes(self)), Route("/{path:path}", _Endpoint(self))]
        )
        if build:
            build(self)

    def now(self) -> float:
        """Return the simulator's time in Unix seconds."""
        return self.clock.time()

    def advance(self) -> None:
        """Let every world catch up with the clock: a booking on one platform may be copied to the other."""
        for platform in self.platforms:
            platform.advance()
        for partner in self.partners:
            partner.advance()

    def reset(self) -> None:
        """Go back to the world of the first moment: no incidents, no faults, an empty log."""
        self.incidents.forget()
        self.faults.clear()
        self.log.clear()
        self.partners.clear()
        for platform in self.platforms:
            platform.reset()
        if self._build:
            self._build(self)

    def overview(self) -> Mapping[str, object]:
        """Return what ``GET /_sim/`` shows."""
        self.advance()
        return {
            "now": self.now(),
            "seed": self.seed,
            "platforms": {platform.name: platform.overview() for platform in self.platforms},
            "incidents": self.incidents.overview(),
            "requests": self.log.counts(),
            "writes": self.log.writes(),
        }


class _Endpoint:
    """The ASGI app for everything outside ``/_sim/``: find the platform, answer, spoil, deliver, log."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        simulator = self._simulator
        try:
            call = await _read(Request(scope, receive))
        except ClientDisconnect:
            return
        at = simulator.now()
        platform = next((platform for platform in simulator.platforms if platform.owns(call.path)), None)
        if platform is None:
            what = Description("unknown", "(unknown)")
            reply, fault, name = html_reply(404, "404 Not Found"), None, "none"
        else:
            name = platform.name
            what = platform.describe(call)
            fault = simulator.faults.take(name, what.operation)
            if fault and fault.kind in INSTEAD:
                reply = instead(fault)
            else:
                simulator.advance()
                reply = await platform.answer(call)
                if fault:
                    reply = spoil(reply, fault)
            reply = replace(reply, headers=(*reply.headers, *what.headers))
        status: int | None = None
        try:
            status = await Wire(scope, receive, send).deliver(reply, fault, call, simulator.clock)
        finally:
            simulator.log.add(call, what, at=at, platform=name, status=status, fault=fault.kind if fault else None)


async def _read(request: Request) -> Call:
    host = request.headers.get("host", "")
    return Call(
        method=request.method,
        path=request.scope["path"],
        query=request.scope["query_string"].decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
        client=request.client.host if request.client else "",
        host=urlsplit(f"//{host}").hostname or "",
        scheme=request.url.scheme,
    )
