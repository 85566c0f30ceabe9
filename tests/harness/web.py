"""A backend over a synthetic view, and an HTTP client that talks to the application without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import cache
from typing import TypeVar

import httpx
from prometheus_client import CollectorRegistry

from exporter.errors import ConfigError
from exporter.metrics import Format, Instruments, MadePage, MetricsPage
from exporter.model import CollectorName
from exporter.monitoring import Options, runbook_texts
from exporter.state.poll_requests import PollAnswer, PollRequest
from exporter.state.snapshot import View
from exporter.support import logs
from exporter.web import Dashboards, Reloaded, create_app

T = TypeVar("T")


class ShownBackend:
    """Shows ``view`` (which a test may swap) through the real metrics page; remembers what it was asked to change."""

    def __init__(self, view: View, *, lifecycle: bool = False, config_error: ConfigError | None = None) -> None:
        self.shown = view
        self.reloads = 0
        self.ill: str | None = None
        self.found = Reloaded.CHANGED
        self.level = "info"
        self.polled: list[tuple[str, frozenset[CollectorName] | None]] = []
        self.answer, self.seconds = PollAnswer.NOW, 0.0
        self.site_users: Mapping[str, frozenset[str]] | None = {}
        self.operators: frozenset[str] | None = None
        self.dashboards: Dashboards | None = None
        self._lifecycle = lifecycle
        self._config_error = config_error
        self._page = MetricsPage(Instruments(CollectorRegistry()))

    @property
    def lifecycle(self) -> bool:
        return self._lifecycle

    def trouble(self) -> str | None:
        return self.ill

    @property
    def opening(self) -> bool:
        return False

    async def until_open(self) -> bool:
        return True

    @property
    def standby(self) -> bool:
        return self.shown.standby

    def targets(self, site: str | None = None) -> Collection[str]:
        return [target.name for target in self.view(site).targets]

    def view(self, site: str | None = None) -> View:
        return self.shown if site is None else self.shown.of_site(site)

    async def metrics(self, format: Format, targets: frozenset[str] | None, site: str | None = None) -> MadePage:  # noqa: A002  the seam's word
        make = self._page.make if site is None else self._page.make_part
        return make(self.view(site), format, targets)

    def effective_config(self) -> str:
        return "targets:\n" + "".join(f"- name: site-{number}\n  api_key: '********'\n" for number in range(20))

    async def reload(self) -> Reloaded:
        if self._config_error is not None:
            raise self._config_error
        self.reloads += 1
        return self.found

    def poll_now(self, target: str, collectors: Collection[CollectorName] | None) -> Sequence[PollRequest]:
        self.polled.append((target, None if collectors is None else frozenset(collectors)))
        rows = next(row.collectors for row in self.shown.targets if row.name == target)
        names = [row.collector for row in rows if collectors is None or row.collector in collectors]
        return [PollRequest(name, self.answer, self.seconds) for name in names]

    def set_log_level(self, level: str) -> None:
        if level not in logs.LEVELS:
            raise ValueError(level)
        self.level = level


class SlowBackend(ShownBackend):
    """Answers ``/metrics`` only when it is let go."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def metrics(self, format: Format, targets: frozenset[str] | None, site: str | None = None) -> MadePage:  # noqa: A002  the seam's word
        self.asked.set()
        await self.go_on.wait()
        return await super().metrics(format, targets, site)


@cache
def library() -> Mapping[str, str]:
    """Return the runbooks as the daemon serves them."""
    return runbook_texts(Options())


def ask(
    backend: ShownBackend,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
) -> httpx.Response:
    """Return the application's answer to one request, with no header of the client's own choice."""

    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(backend, runbooks=library))
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            client.headers.clear()
            return await client.request(method, path, headers=headers)

    return asyncio.run(one())


def eventually(call: Callable[[], Awaitable[T]]) -> T:
    """Run an async function of a test to its end."""

    async def run() -> T:
        return await call()

    return asyncio.run(run())
