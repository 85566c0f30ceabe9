"""Pages by single-flight and load shedding: one page is made once for all who ask together, and so many at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Executor
from typing import Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from exporter.support.chunks import Chunks
from exporter.support.segments import MadePage, page_of
from exporter.web.negotiate import accepts_gzip
from exporter.web.sending import Outbox
from exporter.web.single_flight import SingleFlight

_BESIDE: Final = 2  # pages that are made beside the whole page, which always finds a thread

_T = TypeVar("_T")


class Recipe(msgspec.Struct, frozen=True):
    """A page: what tells it from others, how it is made, and its type. ``always`` for one that no limit keeps back."""

    key: Hashable
    make: Callable[[], Awaitable[MadePage | bytes]]
    content_type: str
    vary: str = "Accept-Encoding"
    always: bool = False


class PageMaker:
    """Answers requests with pages. What takes long is done in ``threads``, without them in those of the loop.

    ``max_pages`` pages are made at a time, 0 is without limit. A request that finds its page in the making waits for that one
    and is not counted; the page that is always made is not held up by others either.
    """

    def __init__(self, threads: Executor | None, max_pages: int) -> None:
        self._threads = threads
        self._max_pages = max_pages
        self._plain: SingleFlight[MadePage] = SingleFlight()
        self._zipped: SingleFlight[Chunks] = SingleFlight()
        self._beside = asyncio.Semaphore(_BESIDE)
        self._outbox = Outbox()

    async def answer(self, request: Request, page: Recipe) -> Response:
        """Return the page, compressed when the client takes gzip. A HEAD request gets the same headers."""
        if self._is_too_much(page):
            return PlainTextResponse(f"{self._max_pages} pages are being made already; try again.\n", 503, {"Retry-After": "5"})
        headers = {"Content-Type": page.content_type, "Vary": page.vary}
        coding = "gzip" if accepts_gzip(request.headers.getlist("accept-encoding")) else ""
        if coding:
            headers["Content-Encoding"] = coding
        key = (page.key, coding)
        body = self._outbox.recent(key) or await (
            self._zipped.do(page.key, lambda: self._compressed(page)) if coding else self._put_together(page)
        )
        return self._outbox.response(key, body, headers)

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """Return what ``work`` returns, done where it does not hold the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _is_too_much(self, page: Recipe) -> bool:
        under_way = self._plain.keys | self._zipped.keys
        return bool(self._max_pages) and len(under_way) >= self._max_pages and page.key not in under_way and not page.always

    async def _made(self, page: Recipe) -> MadePage:
        async def make() -> MadePage:
            async with contextlib.nullcontext() if page.always else self._beside:
                made = await page.make()
            return page_of(made) if isinstance(made, bytes) else made

        return await self._plain.do(page.key, make)

    async def _put_together(self, page: Recipe) -> Chunks:
        made = await self._made(page)
        # The same object for all who share the page: it counts once among those on their way.
        return await self.in_thread(lambda: made.plain) if made.is_large else made.plain

    async def _compressed(self, page: Recipe) -> Chunks:
        made = await self._made(page)
        return made.zipped() if made.is_quickly_zipped else await self.in_thread(made.zipped)
