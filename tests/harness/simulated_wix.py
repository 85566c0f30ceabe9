"""A simulated Wix with one site and one key, and a bare HTTP client that knows nothing of the exporter's own."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from exporter.simulator import Simulator, running
from exporter.simulator.wix.credentials import ApiKey, Installation
from exporter.simulator.wix.world import Site
from tests.harness.clock import ManualClock

CONNECTIONS = "/bookings/v2/external-calendars/connections"
PROVIDERS = "/bookings/v2/external-calendars/providers"
EVENTS = "/bookings/v2/external-calendars/events"
READER = "/_api/bookings-reader/v2/extended-bookings"
OTHER_READER = "/bookings/bookings-reader/v2/extended-bookings"
COUNT = f"{READER}/count"
QUERY = f"{READER}/query"
SCHEDULES = "/calendar/v3/schedules/query"
TOKEN = "/oauth2/token"
TOKEN_INFO = "/oauth2/token-info"
EMPTY = {"message": "", "details": {}}
_TLS = ssl.create_default_context()
"""Not used on loopback, but httpx would build one for each client, and that is slow."""


@dataclass(frozen=True)
class Request:
    """One request; without ``headers`` it carries the key and the site."""

    method: str
    path: str
    params: Any = None  # as httpx takes them
    json: object = None
    content: bytes | None = None
    headers: Mapping[str, str] | None = field(default=None)


class RawWix:
    """Every call is real HTTP on a loopback port. Time stands still unless a test moves ``clock.now``."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.simulator = Simulator(self.clock)
        self.wix = self.simulator.wix
        self.site: Site = self.wix.add_site()
        self.key: ApiKey = self.wix.add_key(self.site)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": self.key.value, "wix-site-id": self.site.id}

    @property
    def now(self) -> float:
        return self.clock.now

    async def send(self, requests: Sequence[Request]) -> list[httpx.Response]:
        """Send ``requests`` one after the other over one connection."""
        async with running(self.simulator.app) as url, httpx.AsyncClient(base_url=url, timeout=20, verify=_TLS) as http:
            return [
                await http.request(
                    one.method,
                    one.path,
                    params=one.params,
                    json=one.json,
                    content=one.content,
                    headers=self.headers if one.headers is None else one.headers,
                )
                for one in requests
            ]

    async def get(
        self,
        path: str,
        params: Mapping[str, object] | Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return (await self.send([Request("GET", path, params=params, headers=headers)]))[0]

    async def post(self, path: str, json: object = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return (await self.send([Request("POST", path, json=json, headers=headers)]))[0]

    async def count(self, value: object) -> httpx.Response:
        """Count the bookings that match the filter ``value``."""
        return await self.post(COUNT, {"filter": value})

    async def query(self, query: object) -> httpx.Response:
        return await self.post(QUERY, {"query": query})

    async def connections(self, **params: object) -> list[dict[str, Any]]:
        answer = await self.get(CONNECTIONS, {"partialFailure": "true", **params})
        assert 200 == answer.status_code
        rows: list[dict[str, Any]] = answer.json()["connections"]
        return rows

    async def mint(self, app: Installation, **changes: object) -> httpx.Response:
        """Ask for an app token."""
        asked = {
            "grant_type": "client_credentials",
            "client_id": app.app_id,
            "client_secret": app.app_secret,
            "instance_id": app.instance_id,
        }
        return await self.post(TOKEN, asked | changes, headers={})


def code_of(answer: httpx.Response) -> str:
    """Return the code of an application error."""
    code: str = answer.json()["details"]["applicationError"]["code"]
    return code
