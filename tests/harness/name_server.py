"""A DNS server on loopback that answers, denies, or stays silent, by name."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final, cast

A: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """What it says of a name goes by the name's end.

    ``good.test`` is 127.0.0.1, ``none.test`` does not exist, with ``fail.test`` the server fails while it is ``failing``, and
    ``late.test`` is 127.0.0.1 for who asks a fifth time only: as of a server that has to ask others for seconds, while it
    answers at once what it knows. All others get no answer.
    """

    asked: list[str] = field(default_factory=list)
    failing: bool = True
    address: str = ""
    _times: Counter[bytes] = field(default_factory=Counter)
    _transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, position = [], 12
        while length := data[position]:
            labels.append(data[position + 1 : position + 1 + length].decode())
            position += 1 + length
        question, (kind,) = data[12 : position + 5], struct.unpack("!H", data[position + 1 : position + 3])
        name = ".".join(labels).lower()
        self.asked.append(name)
        self._times[question] += 1
        if name.endswith("none.test"):
            self._reply(data, question, NXDOMAIN, b"", addr)
        elif name.endswith("fail.test") and self.failing:
            self._reply(data, question, SERVFAIL, b"", addr)
        elif name.endswith(("good.test", "fail.test")) or (name.endswith("late.test") and self._times[question] > 4):
            record = struct.pack("!HHHIH4B", 0xC00C, A, 1, 60, 4, 127, 0, 0, 1) if kind == A else b""
            self._reply(data, question, 0, record, addr)

    def _reply(self, query: bytes, question: bytes, code: int, record: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        header = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, bool(record), 0, 0)
        self._transport.sendto(header + question + record, addr)


@contextlib.asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    """Serve on a free port while the block runs; ``address`` is ``host:port``."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    server.address = "{}:{}".format(*transport.get_extra_info("sockname"))
    try:
        yield server
    finally:
        transport.close()
