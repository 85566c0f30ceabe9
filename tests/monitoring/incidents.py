"""The simulator's incidents as one Prometheus would have seen them: each is played to the real exporter, whose page is scraped.

Simulator and exporter share a clock that passes at once. Every incident has a job of its own, named after it, and begins long
enough before people look for its alert.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from exporter.commands.demo import demo_targets, with_collectors
from exporter.commands.demo_pairs import calendar_targets, known_pairs, pairs
from exporter.commands.known_week import write_known_week
from exporter.simulator import Simulator, running
from exporter.simulator.drills import INCIDENTS, demo_world
from exporter.support.remote_write import Labels, Samples
from tests.harness.application import RunningApplication, application
from tests.harness.clock import ManualClock
from tests.harness.exposition import series_of, values_of
from tests.monitoring.bundle import RECORDINGS
from tests.monitoring.evaluated import labels_of, write_rules
from tests.monitoring.fleet_day import Fleet, FleetPage, query
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.remote_write import Found, remote_write, with_ends

Pages = list[tuple[float, str]]

CALM: Final = "calm"
STOPPED: Final = {"stopped": 4.5 * 60, "stopped-for-long": 15.0 * 60}
"""Seconds since the exporter of a calm world was stopped: before the alert about it fires, and after."""
PLAYED: Final = (CALM, *(incident.name for incident in INCIDENTS))
JOBS: Final = (*PLAYED, *STOPPED)
FLEETS: Final = {"fleet of 40": Fleet(36, 4, 4), "fleet of 1,000": Fleet(900, 100, 4)}
"""Many targets, with the troubles of ``fleet_day``, as they are seen two minutes after the start."""

MINUTE: Final = 60.0
_SILENT: Final = "intake-stopped"
_BROKE: Final = defaultdict(
    lambda: 40 * MINUTE, {_SILENT: 150 * MINUTE, "lost-crm-link": 130 * MINUTE, "sync-stuck": 75 * MINUTE}
)
"""Seconds before people look at which an incident begins: long enough for its alert. That of lost links waits for two hours.
An intake is silent when nothing came for a day, here for as long as there is a history."""
_WELL: Final = 20 * MINUTE
HISTORY: Final = max(_BROKE.values())
_INSTANCE: Final = "127.0.0.1:10888"
_SCRAPE: Final = 60.0
_LAG: Final = 0.004
"""Seconds by which the event loop lags: it is measured by a clock that these worlds do not have."""
_SINCE_SCRAPE: Final = 17.0
_START_UP: Final = 5 * MINUTE
_STEP: Final = 10.0
_WEEK: Final = 7 * 86_400.0
_COLLECTORS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "wix": {
        "connections": {"interval": "2m", "check_interval": "2m"},
        "bookings": {"interval": "3m", "conflicts": True},
        "events": {"interval": "3m"},
        "slots": {"interval": "3m"},
    },
    "bitrix24": {
        "bookings": {"interval": "3m"},
        "links": {"interval": "5m", "window": "next_7d", "batch_size": 25, "verify_calls": 1},
    },
    "calendar": {"busy": {"interval": "3m"}},
}
_GRACE: Final = "1m"


def write_incidents(client: httpx.Client, folder: Path, now: float) -> None:
    """Write all jobs into a Prometheus that takes hours at once (``fleet_day.HEAD``); rules included."""
    pages = asyncio.run(_played(folder, now - _SINCE_SCRAPE))
    for job, scraped in pages.items():
        _write_scrapes(client, job, scraped, silent_since=now)
    for job, seconds in STOPPED.items():
        _write_scrapes(client, job, pages[CALM], silent_since=now - seconds)
    _write_what_a_silent_intake_is_told_by(client, now)
    write_rules(client, now, HISTORY, JOBS)


def began_before(job: str) -> float:
    """Return how many seconds before people look the trouble of a job began."""
    return STOPPED.get(job) or _BROKE[job]


def _history(job: str) -> float:
    """Return how many seconds of a world are played until people look."""
    return min(HISTORY, _BROKE[job] + _WELL)


def write_fleets(client: httpx.Client, now: float) -> None:
    """Write the jobs with many targets: two scrapes each, and what the rules made of them."""
    for job, fleet in FLEETS.items():
        page = FleetPage(fleet, now)
        moments = [now - _SINCE_SCRAPE - _SCRAPE * before for before in (1, 0)]
        _write_scrapes(client, job, [(moment, page.render(moment)) for moment in moments], silent_since=now)
    write_rules(client, now, 1.5 * _SCRAPE, list(FLEETS))


async def _played(folder: Path, last: float) -> dict[str, Pages]:
    return dict(zip(PLAYED, await asyncio.gather(*(_play(name, folder, last) for name in PLAYED)), strict=True))


async def _play(name: str, folder: Path, last: float) -> Pages:
    """Return the page of an exporter at each scrape, while an incident goes on in the end."""
    clock = ManualClock(last - _history(name) - _START_UP)
    simulator = Simulator(clock, build=partial(demo_world.build, intake_every=600.0))
    pages: Pages = []
    async with running(simulator.app) as origin, application(_configuration(name, folder, simulator, origin), clock) as app:
        for moment in _moments(last, _history(name)):
            await _pass_time(app, moment)
            pages.append((moment, await app.page()))
            if name != CALM and moment >= last - began_before(name) and name not in simulator.incidents.active:
                simulator.incidents.start(name)
    return pages


def _moments(last: float, seconds: float) -> list[float]:
    return [last - _SCRAPE * before for before in reversed(range(int(seconds // _SCRAPE)))]


async def _pass_time(app: RunningApplication, until: float) -> None:
    while (left := until - app.clock.time()) > 0:
        await app.pass_time(min(_STEP, left))


def _configuration(name: str, folder: Path, simulator: Simulator, origin: str) -> Path:
    targets = [with_collectors(target, _COLLECTORS) for target in demo_targets(origin)]
    # Portals of one host share one allowance; two names for it are two portals, as in life.
    targets[-1]["webhook_url"] = targets[-1]["webhook_url"].replace("127.0.0.1", "localhost")
    file = folder / f"{name}.yml"
    state = file.with_suffix(".json")
    # A feed is read by a process of its own, which knows nothing of this clock.
    targets += [with_collectors(target, _COLLECTORS) for target in calendar_targets(origin, feeds=False)]
    content = {"timezone": "Europe/Berlin", "state_file": state.name, "targets": targets, "pairs": pairs(_GRACE)}
    file.write_text(safe_dump(content))
    write_known_week(state, simulator, targets, known_pairs(file, simulator))
    return file


def _write_scrapes(client: httpx.Client, job: str, pages: Pages, silent_since: float) -> None:
    found: Found = defaultdict(dict)
    known: dict[str, Labels] = {}
    started = pages[0][0] - _START_UP  # the process of this test is younger than the world that it plays
    for moment, page in pages:
        scrape = {"job": job, "instance": _INSTANCE}
        answers = moment < silent_since
        found[labels_of("up", **scrape)][moment] = float(answers)
        found[labels_of("scrape_duration_seconds", **scrape)][moment] = 0.01
        if answers:
            found[labels_of("booking_sync_event_loop_lag_seconds", **scrape)][moment] = _LAG
            for series, value in values_of(page):
                if series not in known:
                    name, own = series_of(series)
                    known[series] = labels_of(name, **scrape, **own)
                found[known[series]][moment] = started if series == "process_start_time_seconds" else value
    remote_write(client, with_ends([moment for moment, _ in pages], found))


def _write_what_a_silent_intake_is_told_by(client: httpx.Client, now: float) -> None:
    """Write what is older than the worlds: a busy day last week, and that the exporter has looked for a day."""
    series = partial(labels_of, "target:booking_sync_discovered_bookings:increase1d")
    written: dict[Labels, Samples] = {
        series(job=job, target=target["name"], platform=target["platform"]): [
            (moment, 30.0) for moment in _moments(now - _WEEK, HISTORY)
        ]
        for job in JOBS
        for target in demo_targets("http://127.0.0.1")
    }
    looked = "collector:booking_sync_collector_up:max"
    for one in query(client, RECORDINGS[looked], now - _SINCE_SCRAPE)["result"]:
        if one["metric"]["job"] == _SILENT:
            day = [(now - HISTORY - 5 * MINUTE * before, 1.0) for before in range(1, 26 * 12)]
            written[labels_of(looked, **one["metric"])] = sorted(day)
    remote_write(client, written)
