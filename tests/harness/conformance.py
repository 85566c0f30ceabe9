"""An account on the simulator whose answers are spoilt on their way, and what the statements of its platform say then."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from exporter.commands.conformance import Result
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.settings import BitrixCollectors, BitrixTarget, Budget, OAuth
from exporter.platforms.recording import Record
from exporter.platforms.registry import PLATFORMS, new_shared, open_session
from exporter.platforms.settings import Target
from exporter.platforms.wix.settings import WixCollectors, WixTarget
from exporter.polling.admission import Admission
from exporter.simulator import Simulator
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.harness.business import API_KEY, APP_SECRET, SITE_ID, WEBHOOK_CODE, build
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents

ORIGIN = "http://127.0.0.1:1"
NOW = 1_790_000_000.0

_OF_THE_WIRE = ("content-length", "content-encoding")

Change = Callable[[Any], Any]
"""Makes another body of a body; it may change what it is given."""


@dataclass(frozen=True)
class Spoil:
    """What becomes of the answers to ``question``; any question when it is empty."""

    question: str
    change: Change = lambda body: body
    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)  # None takes one away
    content: bytes | None = None
    seconds: float = 0.0  # that pass before it comes


def put(*path: str | int, value: object) -> Change:
    """Return the change that puts ``value`` at ``path`` of a body."""

    def change(body: Any) -> Any:  # noqa: ANN401  JSON
        place = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return body

    return change


def drop(*path: str | int) -> Change:
    """Return the change that takes away what stands at ``path`` of a body."""

    def change(body: Any) -> Any:  # noqa: ANN401  JSON
        place = body
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        return body

    return change


@dataclass
class Account:
    """A filled simulator without a network: what is asked goes into the simulator's application at once."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW, auto=True))
    simulator: Simulator = field(init=False)
    build: Callable[[Simulator], None] = build

    def __post_init__(self) -> None:
        self.simulator = Simulator(self.clock, build=self.build)
        self.simulator.bitrix24.portals["salon"].set_plan(None)
        self.simulator.wix.switches.requests_per_minute = 1e6  # each session begins with a burst of its own
        self.simulator.wix.sites[SITE_ID].add_service("Cut")

    def target(self, sign_in: str, folder: Path) -> Target:
        """Return a target of the account whose credential is of the kind ``sign_in``; its token file lies in ``folder``."""
        common: dict[str, Any] = {"name": "salon", "timeout": 5.0, "base_url": ORIGIN}
        site = self.simulator.wix.sites[SITE_ID]
        if sign_in == "api_key":
            return WixTarget(**common, platform="wix", site_id=SITE_ID, api_key=Secret(API_KEY), collectors=WixCollectors())
        if sign_in == "app":
            app = self.simulator.wix.credentials.install(site.id)
            keys: dict[str, Any] = {"app_id": app.app_id, "app_secret": Secret(app.app_secret), "instance_id": app.instance_id}
            return WixTarget(**common, platform="wix", **keys, collectors=WixCollectors())
        portals = self.simulator.bitrix24
        credential: dict[str, Any] = {"webhook_url": Secret(f"https://salon.bitrix24.example/rest/1/{WEBHOOK_CODE}/")}
        if sign_in == "oauth":
            app24 = portals.add_app(
                portals.portals["salon"], client_id="local.app", client_secret=APP_SECRET, scopes=CALENDAR_SCOPES
            )
            tokens = folder / "tokens.json"
            tokens.write_text(json.dumps(portals.oauth.token_file(portals.issue(app24), ORIGIN, self.simulator.now())))
            credential = {"oauth": OAuth(client_id="local.app", client_secret=Secret(APP_SECRET), token_file=tokens)}
        budget = Budget(requests_per_second=50, burst=250, operating_seconds=600)
        return BitrixTarget(**common, platform="bitrix24", **credential, budget=budget, collectors=BitrixCollectors())

    def services(self, http: httpx.AsyncBaseTransport, platform: str) -> Services:
        """Return what a session of ``platform`` may use, with ``http`` for its connections."""
        shared = new_shared()[platform]
        return Services(http, self.clock, Random(1), RecordedEvents(), StatusHistory(), Admission(self.clock), shared)

    async def conform(
        self, target: Target, spoils: Sequence[Spoil] = (), around: Change | None = None
    ) -> tuple[Record, list[Result]]:
        """Return what was recorded of ``target`` and how its statements fare; ``around`` changes each body."""
        asked: list[str] = []
        record = Record(asked.append)
        way = _Spoiling(httpx.ASGITransport(self.simulator.app), asked, spoils, around, self.clock)
        services = self.services(way, target.platform)
        session = open_session(target, record.services(services))
        try:
            await PLATFORMS[target.platform].conformance.ask(session, record)
        finally:
            await session.aclose()
        heard = record.transcript(target.sign_in)
        return record, [(one, one.judged(heard)) for one in PLATFORMS[target.platform].conformance.statements]


@dataclass
class _Spoiling(httpx.AsyncBaseTransport):
    inner: httpx.AsyncBaseTransport
    asked: Sequence[str]
    spoils: Sequence[Spoil]
    around: Change | None
    clock: ManualClock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        content = await response.aread()
        status = response.status_code
        headers = {name: value for name, value in response.headers.items() if name not in _OF_THE_WIRE}
        for spoil in self._matching(request):
            content = json.dumps(spoil.change(json.loads(content))).encode() if spoil.content is None else spoil.content
            self.clock.now += spoil.seconds
            status = spoil.status or status
            headers |= {name: value for name, value in spoil.headers.items() if value is not None}
            for name in [name for name, value in spoil.headers.items() if value is None]:
                headers.pop(name)
        if self.around is not None and content.startswith(b"{"):  # an id with a slash leads to a page
            content = json.dumps(self.around(copy.deepcopy(json.loads(content)))).encode()
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))

    def _matching(self, request: httpx.Request) -> Iterator[Spoil]:
        question = "token" if request.url.path == "/oauth2/token" else self.asked[-1]
        return (spoil for spoil in self.spoils if spoil.question in {"", question})
