"""One connection of HTTP/1.1, safe from slowloris: uvicorn's protocol with a deadline for each step of the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from exporter.web import limits
from exporter.web.callers import noting_certificate
from exporter.web.client_connections import ClientConnection, connection_state


class ClientProtocol(H11Protocol):
    """Hangs up when headers, a body, or the reading of an answer do not get on; uvicorn itself would wait for ever.

    ``admits`` is asked once whether the client may speak at all, for what its certificate says. The deadline for idle
    connections is uvicorn's.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        client: ClientConnection,
        admits: Callable[[asyncio.Transport], bool] = lambda _: True,
    ) -> None:
        super().__init__(config, server_state, connection_state(client))
        self._client = client
        self._admits = admits
        self._reading: asyncio.TimerHandle | None = None
        self._awaited: object = None
        self._writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own narrowing
        # TLS would take half a megabyte of an answer before it says that the client does not read.
        transport.set_write_buffer_limits(high=limits.PIECE)
        super().connection_made(transport)
        if self._client.gone or not self._admits(transport):
            transport.abort()
            return
        self._client.hang_up = self._cut
        self._client.seen = self.loop.time()  # a handshake took its time
        self.app = noting_certificate(self.app, transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def eof_received(self) -> None:
        super().eof_received()
        self._client.gone = True  # asyncio closes now, and warns of each further piece that is written

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._reading, self._writing):
            if timer is not None:
                timer.cancel()
        self._client.leave(self._client)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn forgets it when the connection broke

    def on_response_complete(self) -> None:
        self._client.seen = self.loop.time()
        super().on_response_complete()
        self._client.busy = self._is_busy()
        self._flush()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._flush()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._client.stalled = True
        self._abort_unless_written()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._client.stalled = False
        if self._writing is not None and not self.transport.is_closing():
            self._writing.cancel()
            self._writing = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and end the answer to the request before it, which has nobody to read it any more."""
        if self._is_busy():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()
        self._flush()

    def _cut(self) -> None:
        self._client.gone = True
        self.transport.abort()

    def _is_busy(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request, whatever uvicorn's types say
        return cycle is not None and not cycle.response_complete

    def _look(self) -> None:
        """Start the deadline of what the client has to send next, unless it runs; end it when there is nothing."""
        self._client.busy = self._is_busy()
        awaited = self.conn.their_state
        if awaited is self._awaited:
            return
        self._awaited = awaited
        if self._reading is not None:
            self._reading.cancel()
        seconds = {h11.IDLE: limits.HEADER_SECONDS, h11.SEND_BODY: limits.BODY_SECONDS}.get(awaited)
        self._reading = None if seconds is None else self.loop.call_later(seconds, self._cut)

    def _flush(self) -> None:
        """Let a connection that is being closed wait for its last bytes to be taken, and not for ever."""
        if self.transport.is_closing():
            self._abort_unless_written()

    def _abort_unless_written(self) -> None:
        if self._writing is None:
            self._writing = self.loop.call_later(limits.WRITE_SECONDS, self._cut)
