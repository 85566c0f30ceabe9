"""The road between the exporter and the platforms: a TCP forwarder that can refuse, swallow, cut and crawl."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum
from urllib.parse import urlsplit


class State(StrEnum):
    """What happens to connections, those that are open included."""

    OPEN = "open"
    REFUSED = "refused"  # a new connection is reset at once
    SWALLOWED = "swallowed"  # accepted, and nothing is passed on
    CUT = "cut"  # reset after some bytes of the answer
    CRAWLING = "crawling"  # the answer comes in crumbs


class Road:
    """The forwarder. ``state`` may be changed at any time."""

    def __init__(self, origin: str) -> None:
        address = urlsplit(origin)
        self._host, self._port = address.hostname, address.port
        self.state = State.OPEN
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A connection that is taken down is no error, and asyncio's own callback would print one for each (Python 3.11).
        with contextlib.suppress(asyncio.CancelledError):
            await self._carry(reader, writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        try:
            if self.state is State.REFUSED:
                return
            back, there = await asyncio.open_connection(self._host, self._port)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, there, answers=False))
                group.create_task(self._forward(back, writer, answers=True))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for end in (writer, there):
                if end is not None:
                    end.transport.abort()

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
        while data := await source.read(65536):
            while self.state is State.SWALLOWED:  # noqa: ASYNC110  ended by whoever sets the state
                await asyncio.sleep(0.5)
            if self.state is State.REFUSED:
                raise ConnectionResetError
            if answers and self.state is State.CUT:
                sink.write(data[: len(data) // 2])
                await sink.drain()
                raise ConnectionResetError
            if answers and self.state is State.CRAWLING:
                for at in range(0, len(data), 256):
                    sink.write(data[at : at + 256])
                    await sink.drain()
                    await asyncio.sleep(0.05)
            else:
                sink.write(data)
                await sink.drain()
        raise ConnectionResetError  # one end is gone, and the other goes with it

    def cut_all(self) -> None:
        """Take down every open connection."""
        for task in self._tasks:
            task.cancel()


@contextlib.asynccontextmanager
async def road(origin: str) -> AsyncIterator[Road]:
    """Forward from a free port of the loopback interface to ``origin`` while the block runs."""
    made = Road(origin)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        made.cut_all()
