"""The listening socket and uvicorn behind it: start, addresses, an orderly stop. Signals belong to the process, not to it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import socket
from collections.abc import Generator
from typing import Final

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.errors import ConfigError, ListenError, Problem
from exporter.web.auth import BasicAuth, PasswordCheck
from exporter.web.config import WebConfig
from exporter.web.csrf import OwnNamesOnly, only_here
from exporter.web.headers import SecurityHeaders
from exporter.web.live_config import Watched
from exporter.web.tls import CurrentContext

_CONNECTIONS: Final = 512  # at a time; more are answered 503
_KEEP_ALIVE_SECONDS: Final = 75  # longer than the usual scrape interval, so that a scraper keeps its connection
_HEADER_BYTES: Final = 32 * 1024
_HEADER_SECONDS: Final = 30.0  # from the first byte of a request, or the connection, to its end


class Server:
    """A running server. ``url`` is where a person on this machine finds it; ``addresses`` are the bound ``host:port``."""

    def __init__(
        self, uvicorn_server: uvicorn.Server, task: asyncio.Task[None], sock: socket.socket, check: PasswordCheck
    ) -> None:
        self._server = uvicorn_server
        self._task = task
        self._check = check
        host: str
        self.port: int
        host, self.port = sock.getsockname()[:2]
        scheme = "https" if uvicorn_server.config.ssl else "http"
        self.addresses = (_joined(host, self.port),)
        self.url = f"{scheme}://{_joined('localhost' if host in _EVERYWHERE else host, self.port)}"

    async def stop(self, *, grace: float = 0.0) -> None:
        """Take no new connection, let running answers end within ``grace`` seconds, then cut what is left."""
        self._server.config.timeout_graceful_shutdown = math.ceil(grace)
        self._server.should_exit = True
        await self._task
        for connection in tuple(self._server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn
        self._check.close()


async def serve(app: ASGIApp, address: str, web_config: WebConfig | None = None) -> Server:
    """Listen on ``address`` and serve ``app`` behind the passwords, headers and TLS of ``web_config``.

    ``address`` is ``host:port``, ``[v6]:port``, or ``:port`` for every interface; port 0 picks a free one. Raises
    :class:`~exporter.errors.ConfigError` for an address that makes no sense, :class:`~exporter.errors.ListenError` for one
    that cannot be had.
    """
    sock = _bind(address, *parse_address(address))
    # Accepted connections inherit it. asyncio sets it only where the protocol of the socket is named, and
    # `socket.create_server` names none: then the second write of an answer waits 40 ms for the client's delayed ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    watched, check = Watched(web_config or WebConfig()), PasswordCheck()
    here, port = sock.getsockname()[:2]
    known = OwnNamesOnly(app, port) if only_here(here) else app
    protected = SecurityHeaders(BasicAuth(known, watched.config, check), lambda: watched.config().headers)
    config = uvicorn.Config(
        protected,
        http=_Impatient,
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
    )
    config.load()
    if web_config is not None and web_config.tls is not None:
        config.ssl = CurrentContext(watched.context)
    server = _WithoutSignals(config)
    task = asyncio.create_task(server.serve(sockets=[sock]), name="web")
    while not server.started:
        if task.done():
            sock.close()
            await task
            raise ListenError(f"the web server on {address} ended before it began")
        await asyncio.sleep(0)
    return Server(server, task, sock, check)


class _Impatient(H11Protocol):
    """Hangs up when a request does not get to its end; uvicorn itself would wait for ever.

    The body counts, too: nothing of ours reads one, and who sends it a byte a minute would keep the connection.
    """

    _alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own narrowing
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_calm()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._be_calm()
        elif self._alarm is None:
            self._alarm = self.loop.call_later(_HEADER_SECONDS, self.transport.abort)

    def _be_calm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


class _WithoutSignals(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared, not bound
_PORTS: Final = range(65_536)


def parse_address(address: str) -> tuple[str, int]:
    """Split ``address`` into host (empty for every interface) and port. Raises :class:`~exporter.errors.ConfigError`."""
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) not in _PORTS or (":" in host and not bracketed):
        problem = Problem(
            "--web.listen-address",
            f"{address!r} is not an address",
            "write HOST:PORT, [IPV6]:PORT, or :PORT for every interface",
        )
        raise ConfigError([problem])
    return host[1:-1] if bracketed else host, int(port)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bind(address: str, host: str, port: int) -> socket.socket:
    try:
        if not host and (sock := _bind_everywhere(port)) is not None:
            return sock
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, where = min(found, key=lambda info: info[0] != socket.AF_INET)
        return socket.create_server(where[:2], family=family)
    except (OSError, UnicodeError) as error:
        known = isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno
        reason = os.strerror(known) if known else "no such host"
        raise ListenError(f"cannot listen on {address}: {reason}") from error


def _bind_everywhere(port: int) -> socket.socket | None:
    if not socket.has_dualstack_ipv6():
        return None
    try:
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError as error:
        # A kernel may know IPv6 and yet have it switched off: then every IPv4 interface is every interface.
        if error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
            return None
        raise
