"""A portal of any number of bookings for benchmarks. It shares no code with the exporter or its simulator.

Every page is written once, so that the portal's own work is nothing beside the client's. Bookings come in no order of time and
lie within eight days around the start, most on one resource and some on two, and a tenth of them overlaps another. Under
:data:`HONEST` ``total`` is 0 and ``next`` is missing, as on portals of today; under :data:`COUNTED` ``total`` is right, which
fast_bitrix24 needs.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Final
from urllib.parse import unquote

ROWS: Final = 50
HONEST: Final = "/rest/1/honest/"
COUNTED: Final = "/rest/1/counted/"
HOUR: Final = 3600
_START: Final = re.compile(r"(?:^|[?&])start=(\d+)")
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
_TIME: Final = (
    b'"time":{"start":1790000000.1,"finish":1790000000.2,"duration":0.1,"processing":0.05,"date_start":"2026-09-21T14:13:20+00:00",'
    b'"date_finish":"2026-09-21T14:13:20+00:00","operating_reset_at":1790000600,"operating":0.1}'
)


def rows_of(number: int, now: int, random: Random) -> list[dict[str, object]]:
    """Return ``number`` bookings by ascending id; their moments are in no order, as people book."""
    chairs = max(4, number // 60)
    free = [now - 23 * HOUR + random.randrange(HOUR) for _ in range(chairs)]
    # So many follow each other on a chair within seven days and a half, in steps of five minutes where there is room.
    step = max(2, 7 * 24 * HOUR // (number // chairs + 1))
    rows = []
    for index in range(number):
        chair = index % chairs
        start, length = free[chair], random.choice((step // 3, step // 2, step * 2 // 3))
        free[chair] += step if random.random() > 0.05 else length // 2
        both = [chair + 1] if random.random() > 0.1 else [chair + 1, (chair + 1) % chairs + 1 + chairs]
        rows.append((start, start + length, both))
    random.shuffle(rows)
    return [
        {
            "id": index + 101,
            "name": f"Booking of a client with some name {index}",
            "description": None if index % 3 else "Called twice, wants the chair by the window",
            "resourceIds": resources,
            "datePeriod": {
                "from": {"timestamp": start, "timezone": "Europe/Berlin"},
                "to": {"timestamp": end, "timezone": "Europe/Berlin"},
            },
        }
        for index, (start, end, resources) in enumerate(rows)
    ]


class Portal(asyncio.Protocol):
    """One connection to the portal."""

    def __init__(self, pages: list[bytes], number: int, asked: list[int]) -> None:
        self._pages = pages
        self._number = number
        self._asked = asked
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        while (head := self._came.find(b"\r\n\r\n")) >= 0:
            lines = self._came[:head].decode("latin-1").split("\r\n")
            length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
            if len(self._came) < head + 4 + length:
                return
            body, self._came = self._came[head + 4 : head + 4 + length], self._came[head + 4 + length :]
            self._asked[0] += 1
            answer = self._answer(lines[0].split(" ")[1], json.loads(body))
            self._transport.write(_ANSWER % len(answer) + answer)

    def _answer(self, path: str, asked: dict[str, object]) -> bytes:
        total = self._number if path.startswith(COUNTED) else 0
        if "batch" not in path:
            start = asked.get("start", 0)
            assert isinstance(start, int)
            return b'{"result":%b,"total":%d,%b}' % (self._page(start), total, _TIME)
        commands = asked["cmd"]
        assert isinstance(commands, dict)
        pages = [b'"%b":%b' % (key.encode(), self._page(_offset(command))) for key, command in commands.items()]
        totals = [b'"%b":%d' % (key.encode(), total) for key in commands]
        times = [b'"%b":%b' % (key.encode(), _TIME[7:]) for key in commands]
        return b'{"result":{"result":{%b},"result_error":[],"result_total":{%b},"result_next":[],"result_time":{%b}},%b}' % (
            b",".join(pages),
            b",".join(totals),
            b",".join(times),
            _TIME,
        )

    def _page(self, start: int) -> bytes:
        page = max(0, start) // ROWS
        return self._pages[page] if page < len(self._pages) else b'{"booking":[]}'


def _offset(command: str) -> int:
    found = _START.search(unquote(command))
    return int(found[1]) if found else 0


async def opened(bookings: int, asked: list[int], seed: int = 18) -> tuple[asyncio.Server, str]:
    """Open a portal with so many bookings; returns its server and its address. ``asked[0]`` counts the calls."""
    rows = rows_of(bookings, int(time.time()), Random(seed))
    parts = [rows[at : at + ROWS] for at in range(0, bookings, ROWS)]
    pages = [json.dumps({"booking": part}, separators=(",", ":")).encode() for part in parts]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Portal(pages, bookings, asked), "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def serve(pipe: Pipe, bookings: int) -> None:
    """Run a portal until the parent says so; tell its address, then the number of calls for each question."""

    async def run() -> None:
        asked = [0]
        server, url = await opened(bookings, asked)
        pipe.send(url)
        while await asyncio.to_thread(pipe.recv):
            pipe.send(asked[0])
        server.close()

    asyncio.run(run())
