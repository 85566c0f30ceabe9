"""500 businesses of five staff with every check on, for twenty minutes: ``python -m tests.benchmarks.every_check``.

Each is a Wix site and a Bitrix24 portal of the simulator, with the platforms' own limits: a site refuses what is more than
200 requests a minute, a portal what does not fit its bucket. Everybody has a calendar of which some are chosen, two private
events a day and bookings over the next week; copies of the portal's bookings stand in staff calendars. Checks of private
calendars, of conflicts and of the slots of one service are switched on, all others are by default. The exporter has a core of
its own, the simulator and whoever measures share the other. ``make bench-checks`` runs it; ``make bench`` does not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.simulator import Simulator, running
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.simulator.wix.connections import ACCOUNT_CALENDARS, IMPORT_PRIMARY, import_from, sync_config
from exporter.simulator.wix.providers import APPLE, GOOGLE, MICROSOFT
from exporter.simulator.wix.world import OfferedService, Site
from tests.benchmarks import goals
from tests.benchmarks.figures import Figure
from tests.benchmarks.report import measured
from tests.benchmarks.report import table as verdicts
from tests.fleet.processes import cpu_seconds, memory_mib
from tests.harness.process import Exporter, exporter
from tools.benchmarks import DOCUMENT, RESULTS, written

BUSINESSES: Final = 500
SECONDS: Final = 1_200.0
_SERVICE_ID: Final = "0b1f4d7a-2222-4333-8444-555566667777"
_DAYS: Final = 14
_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_READY_SECONDS: Final = 300.0


@dataclass
class Asked:
    """What the platforms were asked for: for each site and minute how often, and what was answered in all."""

    of_site: Counter[tuple[str, int]] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    """Calls of a portal that did not fit its bucket: 503 and an error word in the body."""

    def through(self, app: ASGIApp) -> ASGIApp:
        """Return ``app`` with everything counted that is asked of it."""

        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            headers = dict(scope.get("headers", ()))
            site = headers.get(b"wix-site-id", b"").decode()
            if site:
                self.of_site[site, int(time.monotonic() // 60)] += 1

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.statuses[message["status"]] += 1
                elif b"QUERY_LIMIT_EXCEEDED" in message.get("body", b""):
                    self.refused += 1
                await send(message)

            await app(scope, receive, noting)

        return counting


@dataclass(frozen=True)
class Seen:
    """One run: the exporter's share of a core from the moment it listened, its memory, its last page, and what it asked."""

    seconds: float
    share: float
    peak_mib: float
    failed: int
    samples: dict[str, float]
    asked: Asked

    def up(self, collector: str) -> int:
        """Return of how many targets the last poll of ``collector`` succeeded."""
        return sum(
            name.startswith("collector_up{") and f'collector="{collector}"' in name and value == 1
            for name, value in self.samples.items()
        )

    def series(self, family: str) -> int:
        """Return how many series of a family the page has."""
        return sum(name.startswith(f"{family}{{") for name in self.samples)


def build(simulator: Simulator, businesses: int) -> list[dict[str, Any]]:
    """Fill a simulator; returns the targets that watch what is in it."""
    targets = []
    for number in range(businesses):
        site = simulator.wix.add_site()
        key = simulator.wix.add_key(site)
        _staff(site)
        site.services.append(OfferedService(_SERVICE_ID, "Haircut", "0b1f4d7a-3333-4333-8444-555566667777"))
        slots = {"services": [{"name": "Haircut", "id": _SERVICE_ID}]}
        collectors = {"connections": {}, "bookings": {"conflicts": True}, "events": {}, "slots": slots}
        wix = {"name": f"site-{number:03}", "platform": "wix", "site_id": site.id, "api_key": key.value}
        targets.append({**wix, "collectors": collectors})
        portal = simulator.bitrix24.add_portal(f"portal-{number:03}")
        code = f"everycheckwebhook{number:05}"
        simulator.bitrix24.add_webhook(portal, code=code, scopes=CALENDAR_SCOPES)
        for chair in range(1, 4):
            portal.world.add_resource(f"Chair {chair}")
            portal.calendar.link(chair, chair)
        portal.customers.seed(days_back=1, days_ahead=9, share=0.15)
        url = f"https://portal-{number:03}.bitrix24.example/rest/1/{code}/"
        bitrix24 = {"name": f"portal-{number:03}", "platform": "bitrix24", "webhook_url": url}
        targets.append({**bitrix24, "collectors": {"bookings": {}, "links": {}}})
    return targets


def _staff(site: Site) -> None:
    chosen = sync_config(import_from(*ACCOUNT_CALENDARS[:2]))
    configs = (sync_config(IMPORT_PRIMARY), chosen, chosen, chosen, sync_config(import_from(*ACCOUNT_CALENDARS), None))
    providers = (GOOGLE, APPLE, MICROSOFT, APPLE, MICROSOFT)
    site.private.invents = False
    now = time.time()
    midnight = now - now % _DAY
    for provider, config in zip(providers, configs, strict=True):
        schedule = site.add_staff().schedule_id
        site.connections.recover(site.connections.connect(provider, schedule, config=config))
        for hour in (4.5, 19.0):  # before and after hours, in UTC
            start = midnight + hour * _HOUR
            site.private.plan(schedule, start, start + _HOUR, provider=provider, days=_DAYS)
    site.bookings.seed(days_back=1, days_ahead=8, share=0.25)
    site.diary.start_intake(3 * _HOUR)


async def measure(businesses: int, seconds: float, cores: tuple[int, ...] = ()) -> Seen:
    """Let the exporter watch ``businesses`` until each collector has finished a poll, and for ``seconds`` since it listens.

    ``cores`` are the one of the simulator and of whoever measures, and the exporter's.
    """
    with tempfile.TemporaryDirectory() as folder:
        simulator, asked = Simulator(), Asked()
        targets = build(simulator, businesses)
        async with running(asked.through(simulator.app)) as url:
            path = Path(folder) / "exporter.yml"
            watched = [{**target, "base_url": url} for target in targets]
            path.write_text(yaml.safe_dump({"state_file": f"{folder}/state.json", "targets": watched}))
            async with exporter(path, wait=False) as watching:
                if len(cores) > 1:
                    os.sched_setaffinity(0, {cores[0]})
                    os.sched_setaffinity(watching.process.pid, {cores[1]})
                await watching.listening(120)
                return await _watched(watching, asked, seconds)


async def _watched(watching: Exporter, asked: Asked, seconds: float) -> Seen:
    pid = watching.process.pid
    # The simulator keeps the loop of whoever asks busy while all is polled at once: longer than a page or a connection waits.
    kept_open = httpx.Limits(max_keepalive_connections=0)
    await watching.http.aclose()
    watching.http = httpx.AsyncClient(timeout=_READY_SECONDS, limits=kept_open, trust_env=False)
    began, used = time.monotonic(), cpu_seconds(pid)
    await watching.ready(_READY_SECONDS)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(watching.process.wait(), began + seconds - time.monotonic())
    assert watching.process.returncode is None, f"the exporter ended by itself:\n{watching.raw[-4000:]}"
    lasted = time.monotonic() - began
    share = 100 * (cpu_seconds(pid) - used) / lasted
    samples = await watching.samples()
    failed = sum(value for name, value in samples.items() if name.startswith("collector_failures_total{"))
    return Seen(lasted, share, memory_mib(pid)[1], int(failed), samples, asked)


def figures(businesses: int, seconds: float, rounds: int) -> Iterator[Figure]:  # noqa: ARG001  twenty minutes are enough
    """Run all businesses once; return what the run is judged by, then what explains it."""
    seen = asyncio.run(measure(businesses, seconds, tuple(sorted(os.sched_getaffinity(0)))))
    whole = (businesses, seconds) == (BUSINESSES, SECONDS)  # a smaller run is held to nothing
    busiest = max(seen.asked.of_site.values(), default=0)
    refused = seen.asked.refused + seen.asked.statuses[429]
    judged = (
        ("share of a core", seen.share, goals.CHECKS_CPU, "reading events and bookings, and the first polls of everything"),
        ("calls refused by a limit", float(refused), goals.CHECKS_REFUSED, ""),
        ("failed polls", float(seen.failed), goals.CHECKS_FAILED, ""),
        (
            "requests to a site in its busiest minute",
            float(busiest),
            goals.CHECKS_BUSIEST,
            "what it asks of a site that it sees for the first time",
        ),
    )
    for name, ours, goal, limited_by in judged:
        yield Figure(name, goal.unit, (ours,), goal=goal if whole else None, limited_by=limited_by)
    yield Figure("memory at its peak", "MiB", (seen.peak_mib,))
    yield Figure("requests a second", "requests", (sum(seen.asked.statuses.values()) / seen.seconds,))
    for collector in ("connections", "bookings", "events", "slots", "links"):
        yield Figure(f"targets whose `{collector}` are up", "targets", (float(seen.up(collector)),))
    yield Figure("connections that were probed", "connections", (float(seen.series("connection_probe_success")),))
    yield Figure("sites whose staff were read", "sites", (seen.series("staff") / 3,))
    yield Figure(
        "connections whose events were read",
        "connections",
        (float(seen.series("external_events_last_change_timestamp_seconds")),),
    )
    yield Figure("series", "series", (float(len(seen.samples)),))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.every_check")
    parser.add_argument("--businesses", type=int, default=BUSINESSES, help="each a Wix site and a Bitrix24 portal")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="how long, from the moment at which the exporter listens"
    )
    asked = parser.parse_args()
    report = measured("every_check", __doc__, partial(figures, asked.businesses, asked.seconds), rounds=1)
    sys.stdout.write(f"{verdicts(report)}\n")
    if (asked.businesses, asked.seconds) == (BUSINESSES, SECONDS):
        (RESULTS / "every_check.json").write_bytes(report.encoded())
        DOCUMENT.write_text(written(DOCUMENT.read_text()))


if __name__ == "__main__":
    main()
