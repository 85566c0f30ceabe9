"""The web server: its address, its limits, and what stands before the app (passwords, headers, TLS)."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, NoReturn

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.errors import ListenError
from exporter.support import http_server
from exporter.support.net import join_address, parse_address
from exporter.web.auth import BasicAuth, PasswordCheck
from exporter.web.callers import noting_certificate
from exporter.web.config import WebConfig
from exporter.web.csrf import DnsRebindingGuard, only_here
from exporter.web.headers import SecurityHeaders
from exporter.web.live_config import ReloadingWebConfig
from exporter.web.tls import CurrentContext

_CONNECTIONS: Final = 512  # at a time; more are answered 503
_KEEP_ALIVE_SECONDS: Final = 75  # longer than the usual scrape interval, so that a scraper keeps its connection
_HEADER_BYTES: Final = 32 * 1024
_HEADER_SECONDS: Final = 30.0  # from the first byte of a request, or the connection, to its end


class Server:
    """A running server. ``url`` is where a person on this machine finds it, ``bound`` the ``host:port`` that it listens on."""

    def __init__(self, running: http_server.RunningServer, check: PasswordCheck, scheme: str) -> None:
        self._running = running
        self._check = check
        self.port = running.port
        self.bound = running.address
        host = "localhost" if running.host in _EVERYWHERE else running.host
        self.url = f"{scheme}://{join_address(host, self.port)}"

    async def died(self) -> NoReturn:
        """Wait until the server ends by itself, and raise :class:`~exporter.errors.WebServerError` then."""
        await self._running.died()

    async def stop(self, *, grace: float = 0.0) -> None:
        """Take no new connection, let running answers end within ``grace`` seconds, then cut what is left."""
        await self._running.stop(grace=grace)
        self._check.close()


async def serve(
    app: ASGIApp, address: str, web_config: WebConfig | None = None, allowed_hosts: frozenset[str] = frozenset()
) -> Server:
    """Listen on ``address`` and serve ``app`` behind the passwords, headers and TLS of ``web_config``.

    On the loopback, and wherever ``allowed_hosts`` names some, it answers to no other domain names than these at its own port.
    ``address`` is ``host:port``, ``[v6]:port``, or ``:port`` for every interface; port 0 picks a free one. Raises
    :class:`~exporter.errors.ConfigError` for an address that makes no sense, :class:`~exporter.errors.ListenError` for one
    that cannot be had.
    """
    sock = _bind(address)
    watched, check = ReloadingWebConfig(web_config or WebConfig()), PasswordCheck()
    has_tls = web_config is not None and web_config.tls is not None
    here, port = sock.getsockname()[:2]
    known = DnsRebindingGuard(app, port, allowed_hosts) if only_here(here) or allowed_hosts else app
    protected = SecurityHeaders(BasicAuth(known, watched.config, check), lambda: watched.in_force.headers)
    config = uvicorn.Config(
        protected,
        http=_RequestTimeoutProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        ssl_context_factory=(lambda *_: CurrentContext(watched.context)) if has_tls else None,
    )
    running = await http_server.start(config, sock, f"web server on {address}")
    return Server(running, check, "https" if has_tls else "http")


def _bind(address: str) -> socket.socket:
    host, port = parse_address(address)
    try:
        return http_server.bind(host, port)
    except (socket.gaierror, UnicodeError) as error:
        raise ListenError(f"cannot listen on {address}: no such host") from error
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror}") from error


class _RequestTimeoutProtocol(H11Protocol):
    """Hangs up when a request does not get to its end; uvicorn itself would wait for ever.

    The body counts, too: nothing of ours reads one, and who sends it a byte a minute would keep the connection.
    """

    _timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own narrowing
        super().connection_made(transport)
        self.app = noting_certificate(self.app, transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timeout()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._cancel_timeout()
        elif self._timeout is None:
            self._timeout = self.loop.call_later(_HEADER_SECONDS, self.transport.abort)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None


_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared, not bound
