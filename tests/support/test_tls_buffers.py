"""What an open TLS connection costs."""

from __future__ import annotations

import asyncio
import tracemalloc
from asyncio.sslproto import SSLProtocol
from pathlib import Path

import pytest

from exporter.platforms.http_pool import HttpPool
from exporter.support.tls_buffers import shrink_tls_buffers
from tests.harness.certificates import contexts
from tests.harness.clock import ManualClock
from tests.harness.peer import Client, peer

CONNECTIONS = 20


@pytest.mark.slow
async def test_an_idle_tls_connection_holds_at_most_64_kib_at_each_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL's own memory is not traced: only what Python holds for each connection."""
    monkeypatch.setattr(SSLProtocol, "max_size", SSLProtocol.max_size)  # it is put back after the test
    shrink_tls_buffers()
    of_server, of_client = contexts(tmp_path)

    tracemalloc.start()
    try:
        async with peer(tls=of_server) as server, HttpPool(ManualClock(), tls=of_client) as pool:
            await Client(pool).ask(server.origin)
            before, _ = tracemalloc.get_traced_memory()
            await asyncio.gather(*(Client(pool).ask(server.origin) for _ in range(CONNECTIONS + 1)))
            assert CONNECTIONS + 1 == len(server.connections)
            after, _ = tracemalloc.get_traced_memory()
            held = after - before
    finally:
        tracemalloc.stop()
    assert held <= CONNECTIONS * 2 * 64 * 1024


async def test_a_large_answer_comes_whole_through_small_buffers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SSLProtocol, "max_size", SSLProtocol.max_size)
    shrink_tls_buffers()
    of_server, of_client = contexts(tmp_path)
    body = bytes(range(256)) * 20_000

    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with peer(lambda *_: reply, tls=of_server) as server, HttpPool(ManualClock(), tls=of_client) as pool:
        assert body == (await Client(pool).ask(server.origin)).body
