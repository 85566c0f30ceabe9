"""The connection pool to all platforms: aiohttp's connector behind httpx's transport interface.

httpx's own pool (httpcore) walks all of its connections for each request and each answer, quadratic in those that idle: a
fleet of hundreds of targets fills a core with that alone. aiohttp's does not, so aiohttp appears here and in
``connections.py``, and nowhere else; everything else speaks httpx's types and errors, and a test may pass
``httpx.MockTransport`` in its place (docs/decisions/0090).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from yarl import URL

from exporter.clock import Clock
from exporter.platforms.connections import USE, Admit, Connector, Use
from exporter.platforms.name_resolution import HostResolver
from exporter.platforms.proxies import Proxies
from exporter.platforms.retry import usable_seconds
from exporter.platforms.routes import ROUTE, NetworkRoute, host_route
from exporter.platforms.sockets import NO_DESCRIPTOR, Sockets, max_sockets

if TYPE_CHECKING:
    from exporter.fields.routes import Proxy

CONNECT_SECONDS: Final = 5.0
# A connection that nobody needs for this long is closed. The calls of one poll, which its budget may hold apart for a second or
# two, share one. The next poll of a portal comes minutes later, when its server has closed the connection anyway.
KEEP_ALIVE_SECONDS: Final = 5.0
NAMES_SECONDS: Final = 60  # an address that was found is used for this long
_HEADER_BYTES: Final = 64 * 1024
_HEADERS: Final = 256
_READ_BYTES: Final = 128 * 1024

ONCE: Final = "once"
"""Extension of a request that must not be sent twice, such as one that spends a refresh token."""


def open_pool(clock: Clock, *, admit: Admit | None = None) -> HttpPool:
    """Return the pool of a process, with the proxies, the certificates and the name servers of its environment.

    Raises :class:`~exporter.errors.ConfigError` for a variable that cannot be used.
    """
    route = host_route()
    return HttpPool(clock, tls=route.trust, proxies=route.proxies, names=HostResolver(clock), admit=admit)


def _nothing() -> None:
    """Close no connection."""


class NoDescriptorError(httpx.TransportError):
    """This process, or this machine, may open no more files."""


class NameLookupError(httpx.ConnectError):
    """The address of the host could not be found out; the text says whose fault that is."""


_NO_SUCH_NAME: Final = "its name does not exist"
_NO_NAME_SERVER: Final = "no name server found its address"


class HttpPool(httpx.AsyncBaseTransport):
    """One pool for all targets: kept-alive connections, no cookies, no redirects, no decompression.

    Requests go by ``tls`` and ``proxies`` unless their target has a way of its own (:mod:`exporter.platforms.routes`).
    ``names`` looks up hosts (aiohttp's own resolver if absent), ``admit`` says when a connection may be opened, and there are
    ``max_connections`` at a time, as many as the process may have files open if absent. Lives in one event loop; the caller
    closes it. Raises :class:`httpx.TransportError` and nothing else.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        tls: ssl.SSLContext,
        proxies: Proxies | None = None,
        names: AbstractResolver | None = None,
        admit: Admit | None = None,
        max_connections: int | None = None,
    ) -> None:
        self._clock = clock
        self._route = NetworkRoute(tls, proxies or Proxies())
        self._names = names
        self._admit = admit
        self._sockets = Sockets(clock, max_connections or max_sockets())
        self._shared: aiohttp.ClientSession | None = None
        self._single: aiohttp.ClientSession | None = None
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` and return once its head has come; the body is a stream as it came over the wire.

        A connection that the peer had closed while it idled is no failure: the request goes out once more, on a new one. That
        shows within a round trip; who cuts later had the request, and may be busy with it. Nor is it one when this process
        stood still meanwhile (it was stopped, its machine suspended): whoever waited for us had every reason to hang up.
        """
        once, began, stopped = ONCE in request.extensions, usable_seconds(self._clock), self._clock.stopped()
        use = Use(opened=once)
        token = USE.set(use)
        detour = request.extensions.get(ROUTE)
        route = detour.of(self._route) if detour else self._route
        proxy = route.proxies.for_url(request.url)
        try:
            try:
                return await self._send(self._session(single=once), request, route.trust, proxy)
            except aiohttp.ClientConnectionError:
                had_it = use.opened or usable_seconds(self._clock) - began > CONNECT_SECONDS
                if once or self._closed or (had_it and self._clock.stopped() == stopped):
                    raise
            return await self._send(self._session(single=True), request, route.trust, proxy)
        except (aiohttp.ClientError, OSError) as error:
            failure, cause = translated(error), _alone(error)
            if isinstance(failure, httpx.ConnectTimeout) and use.looks_up:
                failure = NameLookupError(_NO_NAME_SERVER)
            if proxy is not None and use.connecting:
                failure = _of_proxy(error, failure, proxy)
        finally:
            USE.reset(token)
        try:
            raise failure from cause
        finally:
            del failure, cause  # a frame that knows its own error is a cycle

    async def aclose(self) -> None:
        """Close every connection; what still runs on one fails, and so does what comes later."""
        self._closed = True
        self._sockets.spare = _nothing  # a cycle
        for session in (self._shared, self._single):
            if session is not None:
                await session.close()
        if self._names is not None:
            await self._names.close()

    async def _send(
        self, session: aiohttp.ClientSession, request: httpx.Request, trust: ssl.SSLContext, proxy: Proxy | None
    ) -> httpx.Response:
        await request.aread()
        response = await session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=request.headers.multi_items(),
            data=request.content or None,
            allow_redirects=False,
            ssl=trust,
            proxy=proxy.url if proxy else None,
            proxy_headers=proxy.headers if proxy else None,
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    def _session(self, *, single: bool) -> aiohttp.ClientSession:
        """Return the session with the shared connections, or the one that opens a connection for each request."""
        if self._closed:
            raise httpx.ReadError("the pool is closed")
        if single:
            if self._single is None:
                self._single = self._new_session(force_close=True)
            return self._single
        if self._shared is None:
            self._shared = self._new_session(force_close=False)
        return self._shared

    def _new_session(self, *, force_close: bool) -> aiohttp.ClientSession:
        connector = Connector(
            self._clock,
            self._admit,
            self._sockets,
            connect_seconds=CONNECT_SECONDS,
            socket_factory=self._sockets.open,
            limit=0,
            resolver=self._names,
            ttl_dns_cache=NAMES_SECONDS,
            force_close=force_close,
            # Not in one call: aiohttp refuses a keep-alive time for connections that are never kept.
            **({} if force_close else {"keepalive_timeout": KEEP_ALIVE_SECONDS}),
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=aiohttp.ClientTimeout(total=None),  # deadlines are ours, on the clock that is passed in
            read_bufsize=_READ_BYTES,
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            max_headers=_HEADERS,
        )
        # aiohttp repeats a GET whose connection breaks, also on a new connection. The auth server of Bitrix24 takes its refresh
        # tokens by GET: a repetition would spend one twice. There is no public switch; a test counts what the server receives.
        session._retry_connection = False  # noqa: SLF001
        return session


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it came over the wire: each chunk by itself, so that the reader can count them."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            content = self._response.content
            async for piece, _ in content.iter_chunks():
                # Answers without a body share one stream, which says only to the first of them that it ended.
                if not piece and content.at_eof():
                    break
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            failure, cause = translated(error), _alone(error)
        else:
            return
        try:
            raise failure from cause
        finally:
            del failure, cause

    async def aclose(self) -> None:
        """Give the connection back, or close it when the body was not read to its end. Waits for nothing."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


_TRANSLATIONS: Final[tuple[tuple[type[Exception], type[httpx.TransportError], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout, "not connected in time"),
    (aiohttp.ClientConnectorError, httpx.ConnectError, "cannot connect"),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol, "not an address"),
    (aiohttp.ClientConnectionError, httpx.ReadError, "the connection broke"),
    (aiohttp.ClientPayloadError, httpx.ReadError, "the body was cut off"),
    (aiohttp.ClientError, httpx.RemoteProtocolError, "not HTTP"),
    (TimeoutError, httpx.ReadTimeout, "no answer"),
    (OSError, httpx.ReadError, "the connection broke"),
)
"""The first that fits counts. The texts are ours: aiohttp's may hold the whole URL, credential included."""


def translated(error: aiohttp.ClientError | OSError) -> httpx.TransportError:
    """Return ``error`` of aiohttp or a socket as httpx's error of the same meaning."""
    if isinstance(error, OSError) and error.errno in NO_DESCRIPTOR:
        return NoDescriptorError("too many open files")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        # c-ares gives no number when it is not answered; the C library says "try again".
        return NameLookupError(_NO_NAME_SERVER if error.os_error.errno in {None, socket.EAI_AGAIN} else _NO_SUCH_NAME)
    return next(ours(text) for kind, ours, text in _TRANSLATIONS if isinstance(error, kind))


def _of_proxy(error: aiohttp.ClientError | OSError, failure: httpx.TransportError, proxy: Proxy) -> httpx.TransportError:
    """Return ``failure`` as the proxy's when it is the proxy that failed; what the host behind it says in TLS is the host's."""
    name = f"the proxy {proxy.url}"
    if isinstance(failure, NoDescriptorError):
        return failure
    if isinstance(error.__cause__ or error, ssl.SSLError):
        is_proxys = isinstance(error, aiohttp.ClientConnectorError) and error.host == URL(proxy.url).raw_host
        return httpx.ProxyError(name) if is_proxys else failure
    if isinstance(error, aiohttp.ClientHttpProxyError):
        what = f"refuses to connect (HTTP {error.status}{_PROXY_AUTH.get(error.status, '')})"
    elif isinstance(failure, NameLookupError):
        what = f"cannot be found: {failure}"
    elif isinstance(failure, httpx.ConnectTimeout):
        what = f"made no connection within {CONNECT_SECONDS:g} s"
    elif isinstance(failure, httpx.ConnectError):
        what = "refuses or is unreachable"
    else:
        what = "broke the connection" if isinstance(failure, httpx.ReadError) else "sent something that is not HTTP"
    return httpx.ProxyError(f"{name} {what}")


_PROXY_AUTH: Final = {httpx.codes.PROXY_AUTHENTICATION_REQUIRED.value: ": it requires a user and a password, or other ones"}


def _alone(error: BaseException) -> BaseException:
    """Return what caused ``error``, or itself, without the frames it went through.

    They hold each other and the request in cycles, which only a garbage collection frees: a night on which thousands of
    portals refuse would fill the memory with them.
    """
    cause = error.__cause__ or error
    chained: BaseException | None = error
    while chained is not None:
        chained.__traceback__ = None
        chained = chained.__cause__ or chained.__context__
    return cause
