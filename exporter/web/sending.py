"""Sends pages with back-pressure: in pieces, so that a client that does not read holds no copy, within one bound for all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from exporter.support.chunks import Chunks
from exporter.web import limits
from exporter.web.client_connections import ClientConnection, client_connection_of


@dataclass(eq=False, slots=True)
class _Page:
    """One page and everybody who is being sent it. ``moved`` is when one of them took a piece."""

    key: Hashable
    body: Chunks
    began: float
    moved: float
    readers: set[ClientConnection] = field(default_factory=set)


class Outbox:
    """The pages that are being sent. Equal ones are one object and count once.

    Each is held until the last of its clients has it. When they are more than ``max_bytes`` bytes, and more than three times
    the largest, whole pages are given up and their clients hung up on: those of which nobody has taken anything for a second,
    the stillest first, then those that take longer than five, the oldest first. To hang up on one of several readers would free
    nothing, and the page of who has just come is not given up.
    """

    def __init__(self, max_bytes: int = limits.PAGES_ON_THE_WAY) -> None:
        self._max_bytes = max_bytes
        self._pages: set[_Page] = set()

    def response(self, key: Hashable, body: Chunks, headers: Mapping[str, str]) -> Response:
        """Return the response that sends ``body``, a page of that ``key``."""
        return _PageResponse(self, key, body, headers)

    def recent(self, key: Hashable) -> Chunks | None:
        """Return the newest page of ``key`` that is on its way for less than a second, if there are too many on their way."""
        if self._bytes() <= self._max_bytes:
            return None
        since = asyncio.get_running_loop().time() - limits.STALLED_SECONDS
        found = [page for page in self._pages if page.key == key and page.began > since]
        return max(found, key=lambda page: page.began).body if found else None

    async def send(self, key: Hashable, body: Chunks, client: ClientConnection | None, send: Send) -> None:
        """Send ``body`` piece by piece; the server lets each wait until the client has taken those before."""
        loop = asyncio.get_running_loop()
        with self._reading(key, body, client, loop.time()) as page:
            left = len(body)
            for piece in body.cut(limits.PIECE):
                if client is not None and client.gone:
                    return
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                page.moved = loop.time()
                await asyncio.sleep(0)  # the server hears of a broken connection in the next turn only, and warns of each write

    @contextlib.contextmanager
    def _reading(self, key: Hashable, body: Chunks, client: ClientConnection | None, now: float) -> Iterator[_Page]:
        page = next((page for page in self._pages if page.body is body), None) or _Page(key, body, now, now)
        if client is None:  # no server stands before the application, nobody can be hung up on
            yield page
            return
        page.moved = now
        page.readers.add(client)
        self._pages.add(page)
        self._make_room(page)
        try:
            yield page
        finally:
            page.readers.discard(client)
            if not page.readers:
                self._pages.discard(page)

    def _make_room(self, newest: _Page) -> None:
        now, others = newest.moved, self._pages - {newest}
        max_bytes = max(self._max_bytes, limits.LARGEST_PAGE_MULTIPLE * max(len(page.body) for page in self._pages))
        stalled = [page for page in others if page.moved <= now - limits.STALLED_SECONDS]
        slow = [page for page in others if page.began <= now - limits.SLOW_SECONDS]
        stalled.sort(key=lambda page: page.moved)
        slow.sort(key=lambda page: page.began)
        for page in dict.fromkeys([*stalled, *slow]):
            if self._bytes() <= max_bytes:
                return
            self._pages.discard(page)
            for reader in page.readers:
                reader.hang_up()

    def _bytes(self) -> int:
        return sum(len(page.body) for page in self._pages)


class _PageResponse(Response):
    def __init__(self, outbox: Outbox, key: Hashable, pieces: Chunks, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "Content-Length": str(len(pieces))})
        self.pieces = pieces
        self._outbox = outbox
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self.pieces) <= limits.PIECE or scope["method"] == "HEAD":
            self.body = b"" if scope["method"] == "HEAD" else bytes(self.pieces)
            await super().__call__(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._outbox.send(self._key, self.pieces, client_connection_of(scope), send)
