"""Pages on their way to clients: in pieces, so that whoever does not read holds no copy, and with one bound for all."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from exporter.web import limits
from exporter.web.visitors import Visitor, visitor_of


@dataclass(eq=False, slots=True)
class _Parcel:
    key: Hashable
    body: bytes
    visitor: Visitor
    made: float
    moved: float


class Outbox:
    """The pages that are being sent. Equal ones are one object and count once.

    Each is held until the last of its clients has it. When they are more than ``most`` bytes, the clients that have taken
    nothing for a second are hung up on, the stillest first.
    """

    def __init__(self, most: int = limits.PAGES_ON_THE_WAY) -> None:
        self._most = most
        self._parcels: set[_Parcel] = set()

    def response(self, key: Hashable, body: bytes, headers: Mapping[str, str]) -> Response:
        """Return the response that sends ``body``, a page of that ``key``."""
        return _PageResponse(self, key, body, headers)

    def recent(self, key: Hashable) -> bytes | None:
        """Return the newest page of ``key`` that is on its way for less than a second, if there are too many on their way."""
        if self._bytes() <= self._most:
            return None
        since = asyncio.get_running_loop().time() - limits.STILL_SECONDS
        found = [parcel for parcel in self._parcels if parcel.key == key and parcel.made > since]
        return max(found, key=lambda parcel: parcel.made).body if found else None

    async def send(self, key: Hashable, body: bytes, visitor: Visitor | None, send: Send) -> None:
        """Send ``body`` piece by piece; the server lets each wait until the client has taken those before."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        parcel = _Parcel(key, body, visitor, self._made(body, now), now) if visitor is not None else None
        if parcel is not None:
            self._parcels.add(parcel)
            self._make_room(parcel)
        try:
            for start in range(0, len(body), limits.PIECE):
                if visitor is not None and visitor.gone:
                    return
                piece = body[start : start + limits.PIECE]
                await send({"type": "http.response.body", "body": piece, "more_body": start + limits.PIECE < len(body)})
                if parcel is not None:
                    parcel.moved = loop.time()
        finally:
            if parcel is not None:
                self._parcels.discard(parcel)

    def _made(self, body: bytes, now: float) -> float:
        """Return since when ``body`` is on its way."""
        return min((parcel.made for parcel in self._parcels if parcel.body is body), default=now)

    def _make_room(self, newest: _Parcel) -> None:
        still = newest.moved - limits.STILL_SECONDS
        for parcel in sorted(self._parcels, key=lambda parcel: parcel.moved):
            if self._bytes() <= self._most or parcel.moved > still:
                return
            self._parcels.discard(parcel)
            parcel.visitor.hang_up()

    def _bytes(self) -> int:
        return sum({id(parcel.body): len(parcel.body) for parcel in self._parcels}.values())


class _PageResponse(Response):
    def __init__(self, outbox: Outbox, key: Hashable, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(body, headers=headers)
        self._outbox = outbox
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self.body) <= limits.PIECE or scope["method"] == "HEAD":
            await super().__call__(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._outbox.send(self._key, bytes(self.body), visitor_of(scope), send)
