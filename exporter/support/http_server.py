"""An HTTP server inside the running loop: uvicorn as a task of ours. Signals belong to the process, not to it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import socket
from collections.abc import Callable, Iterator
from typing import NoReturn, Protocol

import uvicorn
from uvicorn.server import ServerState

from exporter.errors import ListenError, WebServerError
from exporter.support.net import join_address


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket on ``host``, or on every interface when it is empty; port 0 picks a free one.

    Raises :class:`OSError`, with the system's own words, and :class:`UnicodeError` for a host that is no name.
    """
    try:
        sock = _bind(host, port)
    except socket.gaierror:
        raise
    except OSError as error:
        # The standard library adds the address, which whoever reports the error names in the operator's own words.
        raise OSError(error.errno, os.strerror(error.errno or 0)) from error
    # Accepted connections inherit it. asyncio sets it only where the protocol of the socket is named, and
    # `socket.create_server` names none: then the second write of an answer waits 40 ms for the client's delayed ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Accepting(Protocol):
    """What accepts connections, as :class:`asyncio.Server` does."""

    def close(self) -> None:
        """Accept no further one."""
        ...

    async def wait_closed(self) -> None:
        """Wait until what was being accepted is gone."""
        ...


async def start(
    config: uvicorn.Config,
    sock: socket.socket,
    what: str,
    accept: Callable[[socket.socket, ServerState], Accepting] | None = None,
) -> RunningServer:
    """Serve on the bound ``sock``; it belongs to the server from now on. ``what`` names the server in messages.

    ``accept`` begins to accept on a socket, for a server of this state; asyncio does without it.
    Raises :class:`~exporter.errors.ListenError` when the server ends before it serves.
    """
    server = _Server(config, accept)
    task = asyncio.create_task(server.serve(sockets=[sock]), name=what)
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if task.done():
        sock.close()
        await task
        raise ListenError(f"the {what} ended before it began")
    return RunningServer(server, task, sock)


class RunningServer:
    """A server at work on ``host`` and ``port``; ``address`` is both, as a URL has them."""

    def __init__(self, server: _Server, task: asyncio.Task[None], sock: socket.socket) -> None:
        self._server = server
        self._task = task
        self.host: str
        self.port: int
        self.host, self.port = sock.getsockname()[:2]
        self.address = join_address(self.host, self.port)

    async def died(self) -> NoReturn:
        """Wait until the server ends by itself, and raise :class:`~exporter.errors.WebServerError` then, from the bug."""
        await asyncio.wait({self._task})
        bug = None if self._task.cancelled() else self._task.exception()
        raise WebServerError(f"the {self._task.get_name()} ended by itself") from bug

    async def stop(self, *, grace: float) -> None:
        """Take no new connection, let running answers end within ``grace`` seconds, then cut what is left."""
        self._server.config.timeout_graceful_shutdown = math.ceil(grace)
        await self._end()

    async def cut(self) -> None:
        """Abort every connection at once, also one whose answer would never end."""
        self._server.graceful = False
        await self._end()

    async def _end(self) -> None:
        self._server.stopping.set()
        if not self._task.done():
            await self._task
        for server in self._server.servers:  # open still when a bug ended it
            server.close()


class _Server(uvicorn.Server):
    servers: list[Accepting]  # type: ignore[assignment]  # uvicorn asks no more of them

    def __init__(self, config: uvicorn.Config, accept: Callable[[socket.socket, ServerState], Accepting] | None) -> None:
        super().__init__(config)
        self._accept = accept
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()
        self.graceful = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._accept is None:
            await super().startup(sockets=sockets)
        else:
            self.servers = [self._accept(sock, self.server_state) for sock in sockets or ()]
            self.started = True
        if self.started:
            self.ready.set()

    async def main_loop(self) -> None:
        """Tick as uvicorn does (the ``date`` header needs it), and end at once instead of at the next tick."""
        ticking = asyncio.create_task(super().main_loop())
        stopping = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait({ticking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if ticking.done():
                ticking.result()
        finally:
            ticking.cancel()
            stopping.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.graceful:
            await super().shutdown(sockets)
        for server in self.servers:
            server.close()
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        if self.graceful:
            await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn
            return
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        for server in self.servers:
            await server.wait_closed()


def _bind(host: str, port: int) -> socket.socket:
    if not host and (sock := _bind_everywhere(port)) is not None:
        return sock
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, where = min(found, key=lambda info: info[0] != socket.AF_INET)
    return socket.create_server(where[:2], family=family)


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
