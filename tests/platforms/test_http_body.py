"""What a body may cost in memory, whatever its pieces hold."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator

from exporter.platforms.http_body import read_body

MIB = 1024 * 1024


def test_what_a_server_sends_beyond_the_end_of_a_compressed_body_is_not_kept() -> None:
    surplus = bytes(MIB)

    async def pieces() -> AsyncIterator[bytes]:
        yield gzip.compress(b"{}")
        for _ in range(64):
            yield surplus

    async def main() -> None:
        tracemalloc.start()
        try:
            assert b"{}" == await read_body(pieces(), "gzip", 16 * MIB)
            assert tracemalloc.get_traced_memory()[1] < 2 * MIB
        finally:
            tracemalloc.stop()

    asyncio.run(main())
