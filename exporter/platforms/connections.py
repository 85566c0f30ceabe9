"""One connection of the pool, and who opens, keeps and closes it: aiohttp's, with our order of business.

Of those that idle, the one that came last is used first. What a burst opened beyond the need of the moment then idles on, and
is closed, whereas in turns each would be used just often enough to stay (docs/decisions/0222).
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from exporter.clock import Clock
from exporter.limits import INTERIM_ANSWERS
from exporter.platforms.sockets import Sockets

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult
    from aiohttp.client_reqrep import ClientRequest, ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader
    from aiohttp.tracing import Trace


@dataclass(slots=True)
class Use:
    """Whether a request opened a connection or took one that idled, whether that is not open yet, and waits for a name."""

    opened: bool = False
    connecting: bool = False
    looks_up: bool = False


USE: Final[ContextVar[Use]] = ContextVar("connection_use")
"""The use that the request of this context makes of the pool."""

Admit = Callable[[str], AbstractAsyncContextManager[None]]
"""Given an origin (``host:port``), returns the block in which a connection to it is opened: entering it may take its time."""


class _Protocol(ResponseHandler):
    """One connection: it leaves interim answers out, which nobody waits for, and breaks off where there is no end of them.

    aiohttp looks at each of them in a loop that lets nobody else run as long as there are more.
    """

    _interim = 0

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the next answer of the peer."""
        code = data[0].code
        if not httpx.codes.is_informational(code) or code == httpx.codes.SWITCHING_PROTOCOLS:
            self._interim = 0
            super().feed_data(data, size)
            return
        self._interim += 1
        if self._interim == INTERIM_ANSWERS.number + 1:
            self.set_exception(HttpProcessingError(message=f"more than {INTERIM_ANSWERS}"))
            if self.transport is not None:
                self.transport.close()


class Connector(aiohttp.TCPConnector):
    """Opens connections when they are admitted, each within ``connect_seconds`` from the name to the handshake."""

    def __init__(
        self, clock: Clock, admit: Admit | None, sockets: Sockets, *, connect_seconds: float, **options: object
    ) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # passed on as they came
        protocol: type[ResponseHandler] = _Protocol
        self._factory = partial(protocol, loop=self._loop)
        self._clock = clock
        self._admit = admit
        self._sockets = sockets
        self._connect_seconds = connect_seconds
        if not self.force_close:
            sockets.spare = self._close_idle

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        """Return the connection that idled last, but none whose peer spoke meanwhile.

        aiohttp would begin with the one that idled longest, and would take what came for the answer to the next request, and
        each later answer for the one after it.
        """
        while idle := self._conns.get(key):
            idle.rotate(1)
            connection = await super()._get(key, traces)
            if connection is None or not _has_spoken(connection):
                return connection
            connection.close()
        return None

    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        use = USE.get()
        use.opened = use.connecting = True
        key = req.connection_key
        admitted = self._admit(f"{key.host}:{key.port}") if self._admit is not None else nullcontext()
        async with admitted, self._sockets.room(), self._clock.timeout(self._connect_seconds):
            connection = await super()._create_connection(req, traces, timeout)
        use.connecting = False
        return connection

    async def _resolve_host(self, host: str, port: int, traces: Sequence[Trace] | None = None) -> list[ResolveResult]:
        use = USE.get()
        use.looks_up = True
        found = await super()._resolve_host(host, port, traces)
        use.looks_up = False
        return found

    def _close_idle(self) -> None:
        """Close a connection that idles."""
        for idle in self._conns.values():
            while idle:
                connection, _ = idle.popleft()
                if connection.transport is not None:
                    connection.transport.abort()
                    return


def _has_spoken(connection: Connection) -> bool:
    """Whether something came on an idle connection: it was read and waits in its protocol, or waits in its socket."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return True
    unread = select.poll()
    unread.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(unread.poll(0))
