"""A crowd of bad clients in a process of its own: ``python -m tests.harness.crowd PORT NUMBER plain|tls``.

A fifth each are silent, send their headers letter by letter, ask without end and reconnect, do not read their answer, and stop
within their handshake. Whoever is hung up on comes back at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

PAUSE_SECONDS: Final = 0.05  # before a client comes back, so that the crowd does not take both processors
_HALF_HELLO: Final = b"\x16\x03\x01\x02\x00\x01"

Manners = Callable[[StreamReader, StreamWriter], Awaitable[object]]


async def silent(reader: StreamReader, _: StreamWriter) -> None:
    """Say nothing."""
    await reader.read()


async def slow(_: StreamReader, writer: StreamWriter) -> None:
    """Send a header that never ends, a letter a second."""
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


async def greedy(reader: StreamReader, writer: StreamWriter) -> None:
    """Ask five times for a page that is open to everybody."""
    for _ in range(5):
        writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"healthy.\n")
        await asyncio.sleep(PAUSE_SECONDS)


async def unreading(_: StreamReader, writer: StreamWriter) -> None:
    """Ask for the page and take no more of it than a buffer holds."""
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.sleep(3600)


async def halting(reader: StreamReader, writer: StreamWriter) -> None:
    """Begin a handshake of TLS and stop within it; without TLS that is a line that has no end."""
    writer.write(_HALF_HELLO)
    await reader.read()


async def client(port: int, manners: Manners, context: ssl.SSLContext | None) -> None:
    """Come back for ever."""
    while True:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError), contextlib.closing(sock):
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
            name = "localhost" if context else None
            reader, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname=name, limit=1024)
            try:
                await manners(reader, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(PAUSE_SECONDS)


async def main(port: int, number: int, *, tls: bool) -> None:
    context = None
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    everybody = [
        client(port, manners, None if manners in (silent, halting) else context)
        for manners in (silent, slow, greedy, unreading, halting)
        for _ in range(number // 5)
    ]
    await asyncio.gather(*everybody)


@contextlib.asynccontextmanager
async def crowd(port: int, number: int, *, tls: bool) -> AsyncIterator[None]:
    """Keep ``number`` bad clients at ``port`` of this machine while the block runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.harness.crowd",
        str(port),
        str(number),
        "tls" if tls else "plain",
        cwd=Path(__file__).parents[2],
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), tls=sys.argv[3] == "tls"))
