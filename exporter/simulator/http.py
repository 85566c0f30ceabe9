"""Serves the simulator's ASGI app inside the running loop: no threads, no signal handlers, an end without waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.simulator.delivery import DROP_KEY
from exporter.support import http_server


class _Protocol(H11Protocol):
    """Lets the app reset its own connection: ASGI has no word for that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self.app_state = {**self.app_state, DROP_KEY: transport.abort}


@contextlib.asynccontextmanager
async def running(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve ``app`` while the block runs and give its base URL, ``http://host:port``; port 0 takes a free one.

    Raises :class:`OSError` when the address cannot be bound. The simulator has no authentication of its own: bind it to
    loopback unless the network is yours alone.
    """
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )
    server = await http_server.start(config, http_server.bind(host, port), "simulator")
    try:
        yield f"http://{server.address}"
    finally:
        await server.cut()  # a rehearsal has no client that deserves a grace time
