"""Time that stands still while somebody is asked by a real socket, reads a feed in a process, or works in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx

from exporter.ics.values import FeedJob, FeedTimes
from exporter.platforms.base import Services
from exporter.platforms.calendar.ics_worker import FeedProcess
from tests.harness.clock import ManualClock
from tests.harness.threads import threads_rest

_CALM_TURNS = 2


class CountedRequests(httpx.AsyncBaseTransport):
    """A transport that knows how many of its answers are not read to their end."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.open = self.asked = 0
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.open += 1
        self.asked += 1
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException:
            self.open -= 1
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _CountedStream(self, response.stream)
        return response


class _CountedStream(httpx.AsyncByteStream):
    def __init__(self, requests: CountedRequests, inner: httpx.AsyncByteStream) -> None:
        self._requests = requests
        self._inner = inner
        self._is_open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()
        if self._is_open:
            self._is_open = False
            self._requests.open -= 1


class CountedFeeds(FeedProcess):
    """A process that reads feeds and knows how many it has not read yet."""

    def __init__(self) -> None:
        super().__init__()
        self.open = 0

    async def read(self, services: Services, host: str, job: FeedJob) -> FeedTimes:
        self.open += 1
        try:
            return await super().read(services, host, job)
        finally:
            self.open -= 1


class PatientClock(ManualClock):
    """A clock that moves on only when no request is open, no feed is being read and no thread works."""

    def __init__(self, start: float) -> None:
        super().__init__(start)
        self.requests: CountedRequests | None = None
        self.feeds: CountedFeeds | None = None

    @property
    def _waits(self) -> bool:
        return bool((self.requests and self.requests.open) or (self.feeds and self.feeds.open))

    async def settle(self, turns: int = 50) -> None:
        calm = 0
        while calm < _CALM_TURNS:
            await super().settle(turns)
            calm += 1
            while self._waits:
                calm = 0
                await asyncio.sleep(0.0005)
            if self.requests is not None:
                await threads_rest()
