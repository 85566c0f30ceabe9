"""The fake as a process: ``python -m tests.fleet --sites 20 --portals 3 [--pairs 3] [--certificate FILE --key FILE]``.

It listens on 127.0.0.1 only: one port for Wix, one for each portal, one for the calendars of pairs, and one, always without
TLS, for whoever measures:
``GET /report?since=SECONDS&until=SECONDS`` answers what was asked between two moments of the monotonic clock. The addresses
are written to standard output as one line of JSON. It ends when its standard input does, thus with whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

from tests.fleet import bitrix24, calendars, wix
from tests.fleet.http import Answer, Connections, HttpProtocol, Request
from tests.fleet.record import Record

BACKLOG = 2048


async def serve(sites: int, portals: int, pairs: int, tls: ssl.SSLContext | None) -> None:
    record, connections = Record(), Connections()

    async def listen(answer: Callable[[Request], Answer], delay: float) -> str:
        def protocol() -> HttpProtocol:
            return HttpProtocol(answer, delay=delay, connections=connections)

        return await _listen(protocol, tls)

    def report(request: Request) -> Answer:
        bounds = {name: float(value[0]) for name, value in parse_qs(request.query).items()}
        since, until = bounds.get("since", 0.0), bounds.get("until", float("inf"))
        opened = sum(since <= at < until for at in connections.opened)
        counted = {"connections_opened": opened, "connections_most": connections.most}
        return Answer(200, json.dumps({**record.report(**bounds), **counted}).encode())

    now = time.time()
    rows = [bitrix24.Portal(number, record, now) for number in range(portals)]
    paired = calendars.Calendars([portal.bookings for portal in rows[:pairs]], record)
    addresses = {
        "wix": await listen(wix.Wix(sites, record).answer, wix.ANSWER_SECONDS),
        "portals": [await listen(portal.answer, bitrix24.ANSWER_SECONDS) for portal in rows],
        "calendars": await listen(paired.answer, calendars.ANSWER_SECONDS),
        "control": await _listen(lambda: HttpProtocol(report, delay=0, connections=Connections()), None),
    }
    print(json.dumps(addresses), flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _listen(protocol: Callable[[], HttpProtocol], tls: ssl.SSLContext | None) -> str:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls, backlog=BACKLOG)
    return f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet")
    parser.add_argument("--sites", type=int, required=True)
    parser.add_argument("--portals", type=int, required=True)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    tls = None
    if arguments.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments.certificate, arguments.key)
    asyncio.run(serve(arguments.sites, arguments.portals, arguments.pairs, tls))


if __name__ == "__main__":
    main()
