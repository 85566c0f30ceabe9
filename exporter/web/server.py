"""The web server: its address, its limits, and what stands before the app (passwords, headers, TLS)."""

from __future__ import annotations

import resource
import socket
import ssl
from typing import Final, NoReturn

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from exporter.errors import ListenError
from exporter.support import http_server
from exporter.support.net import join_address, parse_address
from exporter.web import limits
from exporter.web.auth import BasicAuth
from exporter.web.client_connections import ClientConnection, ConnectionTable
from exporter.web.config import WebConfig
from exporter.web.csrf import DnsRebindingGuard
from exporter.web.headers import SecurityHeaders
from exporter.web.listener import Listener
from exporter.web.live_config import ReloadingWebConfig
from exporter.web.passwords import PasswordCheck
from exporter.web.protocol import ClientProtocol
from exporter.web.tls import AllowedClients, CurrentContext

_MIN_CONNECTIONS: Final = 8  # connections, however few files may be open


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

    At its own port it answers to no domain name of the internet but those in ``allowed_hosts``.
    ``address`` is ``host:port``, ``[v6]:port``, or ``:port`` for every interface; port 0 picks a free one. Raises
    :class:`~exporter.errors.ConfigError` for an address that makes no sense, :class:`~exporter.errors.ListenError` for one
    that cannot be had.
    """
    sock = _bind(address)
    watched, check = ReloadingWebConfig(web_config or WebConfig()), PasswordCheck()
    has_tls = web_config is not None and web_config.tls is not None
    guarded = DnsRebindingGuard(app, sock.getsockname()[1], allowed_hosts)
    protected = SecurityHeaders(BasicAuth(guarded, watched.config, check), lambda: watched.in_force.headers)
    config = uvicorn.Config(
        protected,
        http=ClientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=limits.IDLE_SECONDS,
        h11_max_incomplete_event_size=limits.HEADER_BYTES,
    )
    clients = ConnectionTable(_max_connections())
    admits = AllowedClients(lambda: watched.in_force.tls)

    def accept(listening: socket.socket, state: ServerState) -> Listener:
        def protocol(client: ClientConnection) -> ClientProtocol:
            return ClientProtocol(config, state, client, admits)

        context: ssl.SSLContext | None = CurrentContext(watched.context) if has_tls else None
        return Listener(listening, protocol, clients, context, before_tls=watched.config)

    running = await http_server.start(config, sock, f"web server on {address}", accept)
    return Server(running, check, "https" if has_tls else "http")


def _max_connections() -> int:
    """Return how many connections may be open: a quarter of the files that may be, the rest is for the platforms."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limits.CONNECTIONS if soft == resource.RLIM_INFINITY else max(_MIN_CONNECTIONS, min(limits.CONNECTIONS, soft // 4))


def _bind(address: str) -> socket.socket:
    host, port = parse_address(address)
    try:
        return http_server.bind(host, port)
    except (socket.gaierror, UnicodeError) as error:
        raise ListenError(f"cannot listen on {address}: no such host") from error
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror}") from error


_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared, not bound
