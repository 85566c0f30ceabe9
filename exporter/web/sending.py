"""Pages on their way to clients: in pieces, so that whoever does not read holds no copy, and with one bound for all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from exporter.support.pieces import Pieces
from exporter.web import limits
from exporter.web.visitors import Visitor, visitor_of


@dataclass(eq=False, slots=True)
class _Page:
    """One page and everybody who is being sent it. ``moved`` is when one of them took a piece."""

    key: Hashable
    body: Pieces
    began: float
    moved: float
    readers: set[Visitor] = field(default_factory=set)


class Outbox:
    """The pages that are being sent. Equal ones are one object and count once.

    Each is held until the last of its clients has it. When they are more than ``most`` bytes, and more than three times the
    largest, whole pages are given up and their clients hung up on: those of which nobody has taken anything for a second, the
    stillest first, then those that take longer than five, the oldest first. To hang up on one of several readers would free
    nothing, and the page of who has just come is not given up.
    """

    def __init__(self, most: int = limits.PAGES_ON_THE_WAY) -> None:
        self._most = most
        self._pages: set[_Page] = set()

    def response(self, key: Hashable, body: Pieces, headers: Mapping[str, str]) -> Response:
        """Return the response that sends ``body``, a page of that ``key``."""
        return _PageResponse(self, key, body, headers)

    def recent(self, key: Hashable) -> Pieces | None:
        """Return the newest page of ``key`` that is on its way for less than a second, if there are too many on their way."""
        if self._bytes() <= self._most:
            return None
        since = asyncio.get_running_loop().time() - limits.STILL_SECONDS
        found = [page for page in self._pages if page.key == key and page.began > since]
        return max(found, key=lambda page: page.began).body if found else None

    async def send(self, key: Hashable, body: Pieces, visitor: Visitor | None, send: Send) -> None:
        """Send ``body`` piece by piece; the server lets each wait until the client has taken those before."""
        loop = asyncio.get_running_loop()
        with self._reading(key, body, visitor, loop.time()) as page:
            left = len(body)
            for piece in body.cut(limits.PIECE):
                if visitor is not None and visitor.gone:
                    return
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                page.moved = loop.time()
                await asyncio.sleep(0)  # the server hears of a broken connection in the next turn only, and warns of each write

    @contextlib.contextmanager
    def _reading(self, key: Hashable, body: Pieces, visitor: Visitor | None, now: float) -> Iterator[_Page]:
        page = next((page for page in self._pages if page.body is body), None) or _Page(key, body, now, now)
        if visitor is None:  # no server stands before the application, nobody can be hung up on
            yield page
            return
        page.moved = now
        page.readers.add(visitor)
        self._pages.add(page)
        self._make_room(page)
        try:
            yield page
        finally:
            page.readers.discard(visitor)
            if not page.readers:
                self._pages.discard(page)

    def _make_room(self, newest: _Page) -> None:
        now, others = newest.moved, self._pages - {newest}
        most = max(self._most, limits.LARGEST_PAGES * max(len(page.body) for page in self._pages))
        still = [page for page in others if page.moved <= now - limits.STILL_SECONDS]
        slow = [page for page in others if page.began <= now - limits.SLOW_SECONDS]
        still.sort(key=lambda page: page.moved)
        slow.sort(key=lambda page: page.began)
        for page in dict.fromkeys([*still, *slow]):
            if self._bytes() <= most:
                return
            self._pages.discard(page)
            for reader in page.readers:
                reader.hang_up()

    def _bytes(self) -> int:
        return sum(len(page.body) for page in self._pages)


class _PageResponse(Response):
    def __init__(self, outbox: Outbox, key: Hashable, pieces: Pieces, headers: Mapping[str, str]) -> None:
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
        await self._outbox.send(self._key, self.pieces, visitor_of(scope), send)
