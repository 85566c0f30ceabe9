"""What a portal tells a handler when a booking changes (bitrix24.md section 10).

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from exporter.simulator.bitrix24.oauth import Pair
from exporter.simulator.bitrix24.portal import Portal


@dataclass(slots=True)
class Handler:
    """A subscription: an application's (with ``pair``) or an outgoing webhook's (without tokens).

    ``application_token`` is the handler's only proof of who calls; ``statuses`` holds one entry per attempt, ``None`` for no
    answer. There is one attempt per event and no second.
    """

    url: str
    application_token: str = field(repr=False)
    pair: Pair | None = None
    id: int = 1
    statuses: list[int | None] = field(default_factory=list)


class EventQueue:
    """Collects a portal's changes and posts them to its handlers when told to."""

    def __init__(self, portal: Portal, base_url: str) -> None:
        self._portal = portal
        self._base_url = base_url
        self._pending: list[tuple[str, int]] = []
        self.handlers: list[Handler] = []
        portal.world.on_change = lambda event, number: self._pending.append((event, number))

    async def deliver(self, http: httpx.AsyncClient, now: float) -> None:
        """Post every waiting event once to every handler; a failure is noted and never repeated."""
        pending, self._pending = self._pending, []
        for event, number in pending:
            for handler in self.handlers:
                try:
                    answer = await http.post(handler.url, data=self._form(event, number, handler, now))
                except httpx.TransportError:
                    handler.statuses.append(None)
                else:
                    handler.statuses.append(answer.status_code)

    def _form(self, event: str, number: int, handler: Handler, now: float) -> Mapping[str, str]:
        auth = {
            "domain": urlsplit(self._base_url).netloc,
            "server_endpoint": f"{self._base_url}/rest/",
            "client_endpoint": f"{self._base_url}/rest/",
            "member_id": self._portal.member_id,
            "application_token": handler.application_token,
        }
        if handler.pair:
            auth |= {
                "access_token": handler.pair.access_token,
                "expires_in": str(int(handler.pair.access_ends - now)),
                "scope": ",".join(sorted(handler.pair.app.scopes)),
                "status": "L",
                "refresh_token": handler.pair.refresh_token,
            }
        return {
            "event": event.upper(),
            "event_handler_id": str(handler.id),
            "data[ID]": str(number),
            "ts": str(int(now)),
        } | {f"auth[{name}]": value for name, value in auth.items()}
