"""An HTTP proxy that tunnels, or does not; and TLS in front of a server that speaks plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ConnectProxy:
    """A proxy that tunnels by CONNECT, or refuses with ``status``, or says nothing with status 0, or ``says`` what it likes.

    With ``leads_to`` every host is behind that port of this machine.
    """

    status: int = 200
    says: bytes | None = None
    leads_to: int = 0
    address: str = ""
    heads: list[bytes] = field(default_factory=list)
    ends: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self.tasks.append(task)
        self.ends.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self.says is not None:
            writer.write(self.says)
            writer.close()
            return
        if not self.status:
            return
        if self.status != 200:
            writer.write(f"HTTP/1.1 {self.status} Refused\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.leads_to or int(port))
        self.ends.append(there_writer)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        assert self.leads_to or host.endswith(".localhost")
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
    writer.close()


@contextlib.asynccontextmanager
async def listening(proxy: ConnectProxy, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Run ``proxy`` on a free port while the block runs; yield its address, which ``proxy.address`` has, too."""
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    proxy.address = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    try:
        yield proxy.address
    finally:
        server.close()
        for end in proxy.ends:
            end.transport.abort()
        await asyncio.gather(*proxy.tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def tls_in_front(url: str, certificate: Path, key: Path) -> AsyncIterator[str]:
    """Serve the plain ``url`` of this machine over TLS while the block runs; yield the address, ``https://localhost:PORT``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    ends: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            tasks.append(task)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        ends.extend((writer, there_writer))
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for end in ends:
            end.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
