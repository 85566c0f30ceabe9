"""The exporter's own connections for tests: the same pool, without the system's certificates and name servers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from exporter.clock import Clock
from exporter.platforms.http_pool import HttpPool

_TLS = ssl.create_default_context()  # loading the certificates takes a tenth of a second, so once for all tests


@dataclass
class ObservedPool(httpx.AsyncBaseTransport):
    """A transport that tells of each request before it goes out, and of each answer before anybody reads it.

    ``instead`` may answer a request itself."""

    inner: httpx.AsyncBaseTransport
    on_request: Callable[[httpx.Request], Awaitable[None]] | None = None
    on_response: Callable[[httpx.Response], Awaitable[None]] | None = None
    instead: Callable[[httpx.Request], Awaitable[httpx.Response | None]] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.on_request:
            await self.on_request(request)
        response = await self.instead(request) if self.instead else None
        response = response or await self.inner.handle_async_request(request)
        if self.on_response:
            await self.on_response(response)
        return response

    def __hash__(self) -> int:
        return id(self)

    async def aclose(self) -> None:
        await self.inner.aclose()


@asynccontextmanager
async def pool(clock: Clock, *, tls: ssl.SSLContext = _TLS) -> AsyncIterator[ObservedPool]:
    """Yield a pool of real connections that ends with the block."""
    async with ObservedPool(HttpPool(clock, tls=tls)) as observed:
        yield observed
