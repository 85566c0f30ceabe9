"""The accept loop: it counts a connection from its accept on, before the TLS handshake, which asyncio's own loop does not.

asyncio accepts all that come and starts their TLS handshakes, with some 300 KiB each, before anything of ours hears of them;
without a free descriptor it stops for a second at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from exporter.support.net import network_prefix
from exporter.web import limits
from exporter.web.client_connections import ClientConnection, ConnectionTable

_BACKLOG: Final = 2048
_IN_A_TURN: Final = 16  # of the loop: who was accepted before is heard in between
_PAUSE_SECONDS: Final = 1.0
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Listener:
    """Accepts from ``sock`` and hands each connection that says something to the protocol that ``protocol`` makes.

    A connection that says nothing costs a descriptor and little else. ``before_tls`` is waited for before each handshake. When
    the process may open no more files, the connection that is missed least is closed for the new one; the loop's exception
    handler hears of it.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[ClientConnection], asyncio.Protocol],
        clients: ConnectionTable,
        context: ssl.SSLContext | None,
        before_tls: Callable[[], Awaitable[object]],
    ) -> None:
        self._sock = sock
        self._protocol = protocol
        self._clients = clients
        self._context = context
        self._before_tls = before_tls
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        sock.setblocking(False)  # noqa: FBT003  the library's signature
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # what is accepted inherits them
            sock.setsockopt(socket.SOL_SOCKET, buffer, limits.SOCKET_BUFFER)
        sock.listen(_BACKLOG)
        self._resume()

    def close(self) -> None:
        """Accept nothing more, and let go of connections that have not said anything."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
        if self._pause is not None:
            self._pause.cancel()
        self._sock.close()
        for task in self._opening:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until those are gone."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(_IN_A_TURN):
            try:
                connection, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._without_descriptor(error)
                return
            connection.setblocking(False)  # noqa: FBT003  the library's signature
            task = self._loop.create_task(self._open(connection, network_prefix(address[0])))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _without_descriptor(self, error: OSError) -> None:
        self._loop.call_exception_handler({"message": "no connection can be accepted", "exception": error})
        if not self._clients.make_room(self._loop.time()):  # else there is a descriptor in the next turn
            self._loop.remove_reader(self._sock)
            self._pause = self._loop.call_later(_PAUSE_SECONDS, self._resume)

    async def _open(self, connection: socket.socket, address: str) -> None:
        me = asyncio.current_task()
        assert me is not None  # noqa: S101  for mypy: this is a task
        client = self._clients.enter(address, self._loop.time(), me.cancel)
        seconds = limits.HANDSHAKE_SECONDS if self._context else limits.FIRST_BYTE_SECONDS
        deadline = self._loop.call_later(seconds, _hang_up, client)
        try:
            await self._first_byte(connection)
            if self._context is not None:
                await self._before_tls()
            await self._loop.connect_accepted_socket(
                partial(self._protocol, client),
                connection,
                ssl=self._context,
                ssl_handshake_timeout=limits.HANDSHAKE_SECONDS if self._context else None,
                ssl_shutdown_timeout=limits.WRITE_SECONDS if self._context else None,
            )
        except (OSError, asyncio.CancelledError) as error:  # of TLS, of the deadline, of whoever hangs up
            client.leave(client)
            connection.close()
            # asyncio's frames hold the error, and the error holds them, with 300 KiB of TLS: until a full garbage collection.
            traceback.clear_frames(error.__traceback__)
        finally:
            deadline.cancel()

    async def _first_byte(self, connection: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            connection.recv(1, socket.MSG_PEEK)  # most clients ask at once
            return
        readable = asyncio.Event()
        self._loop.add_reader(connection, readable.set)
        try:
            await readable.wait()
        finally:
            self._loop.remove_reader(connection)


def _hang_up(client: ClientConnection) -> None:
    """Hang up as is right by now: the descriptor of a connection that is made belongs to its transport."""
    client.hang_up()
