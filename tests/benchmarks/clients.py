"""2,000 bad clients at once: what do a good scraper and a probe notice, and how large does the exporter grow?

The crowd comes from one address, as its victims do, and whoever is hung up on comes back at once. A fifth each are silent, send
a header letter by letter, ask again and again, do not read the page, and stop within their handshake. The scraper asks on its
open connection, the probe over new ones. The exporter watches 60 targets; beside it ``make_asgi_app`` serves the same samples
under uvicorn, whose defaults have no limits. With passwords only the scraper is signed in. Waits are wall time on a machine
that is shared with the crowd.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import bcrypt
import httpx

from tests.benchmarks.asgi_peer import asgi_peer
from tests.benchmarks.figures import Figure, in_turns_async
from tests.benchmarks.report import main
from tests.harness.business import Business, running_business
from tests.harness.certificates import self_signed
from tests.harness.crowd import crowd
from tests.harness.good_clients import Seen, Waits, watch
from tests.harness.process import exporter
from tests.harness.web_server import TLS, trusting, web_file

CLIENTS: Final = 2_000
TARGETS: Final = 60
SECONDS: Final = 8.0
ASGI: Final = "make_asgi_app"


@dataclass(frozen=True)
class Noticed:
    """What one turn showed."""

    seen: Seen
    log_bytes: int = 0


@dataclass(frozen=True)
class Way:
    """How the exporter is reached."""

    name: str
    tls: bool
    password: bool


WAYS: Final = (Way("plain", False, False), Way("TLS", True, False), Way("TLS and passwords", True, True))


async def beside_asgi(page: Path) -> Noticed:
    """Let the crowd loose on ``make_asgi_app``."""
    async with asgi_peer(page) as peer, crowd(peer.port, CLIENTS, tls=False):
        return Noticed(await watch(peer.url, peer.pid, SECONDS))


async def ours(business: Business, way: Way, page: Path) -> Noticed:
    """Let the crowd loose on an exporter that begins anew, and keep its page for the peer."""
    certificate, _ = self_signed(business.folder)
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode()
    users = f"basic_auth_users: {{prom: {hashed}}}\n" if way.password else ""
    web = web_file(business.folder, (TLS if way.tls else "") + users)
    targets = [business.wix_target(f"site-{n}", collectors={"connections": {"interval": "10s"}}) for n in range(TARGETS)]
    verify = trusting(certificate) if way.tls else True
    auth = httpx.BasicAuth("prom", "right") if way.password else None
    async with exporter(business.config(*targets), f"--web.config.file={web}") as running:
        await running.http.aclose()
        running.http = httpx.AsyncClient(verify=verify, auth=auth, trust_env=False, timeout=30)
        await running.ready()
        page.write_text((await running.get("/metrics")).text)
        async with crowd(int(running.url.rpartition(":")[2]), CLIENTS, tls=way.tls):
            seen = await watch(running.url, running.process.pid, SECONDS, verify=verify, auth=auth)
        return Noticed(seen, len(running.raw))


def p99(waits: Waits) -> float:
    """Return milliseconds."""
    seconds = sorted(waits.seconds)
    return 1000 * seconds[int(0.99 * (len(seconds) - 1))] if seconds else float("inf")


def figures_of(way: Way, found: Mapping[str, tuple[Noticed, ...]]) -> list[Figure]:
    """Return what one way showed; only the plain one has a peer."""
    mine, theirs = found[way.name], found[ASGI] if way == WAYS[0] else ()

    def figure(name: str, unit: str, values: list[float], beside: list[float]) -> Figure:
        return Figure(f"{way.name}: {name}", unit, tuple(values), {ASGI: tuple(beside)} if beside else {})

    return [
        figure("p99 of the scraper", "ms", [p99(one.seen.scraper) for one in mine], [p99(one.seen.scraper) for one in theirs]),
        figure("p99 of the probe", "ms", [p99(one.seen.probe) for one in mine], [p99(one.seen.probe) for one in theirs]),
        figure("not answered", "asks", [_failed(one) for one in mine], [_failed(one) for one in theirs]),
        figure("memory at its peak", "MiB", [one.seen.peak for one in mine], [one.seen.peak for one in theirs]),
        figure("the log", "bytes", [one.log_bytes for one in mine], []),
    ]


def _failed(noticed: Noticed) -> float:
    return len(noticed.seen.scraper.failures) + len(noticed.seen.probe.failures)


def figures(rounds: int) -> list[Figure]:
    """Measure every way in turns, the page of the exporter first."""
    found: dict[str, tuple[Noticed, ...]] = {}
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.txt"

        async def run() -> None:
            async with running_business(Path(folder)) as business:
                ways = {way.name: partial(ours, business, way, page) for way in WAYS}
                found.update(await in_turns_async(rounds, {**ways, ASGI: partial(beside_asgi, page)}))

        asyncio.run(run())
    return [figure for way in WAYS for figure in figures_of(way, found)]


if __name__ == "__main__":
    main("clients", __doc__, figures, beside=("prometheus-client", "uvicorn", "starlette"))
