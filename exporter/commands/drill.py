"""The ``drill`` command: an incident, and what a running Prometheus and Alertmanager make of it, until the all-clear.

A simulator and an exporter of its own stand in for the businesses. It waits for Prometheus to scrape that exporter, begins an
incident, watches the expected alert on its way, repairs the incident, and says how long each took, or where the alert was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from exporter.commands import daemon
from exporter.commands.demo import demo_targets, with_collectors
from exporter.commands.demo_pairs import calendar_targets, known_pairs, pairs
from exporter.commands.drill_play import HURRIED, Business, Drill, in_words, shipped_alerts
from exporter.commands.drill_stack import Stack
from exporter.commands.known_week import STATE_FILE, write_known_week
from exporter.config import load_config
from exporter.errors import BookingSyncError, ConfigError, ConfigProblem, ListenError
from exporter.fields.durations import parse_duration
from exporter.runtime import Signals, StopRequestedError
from exporter.simulator import Simulator, running
from exporter.simulator.drills import INCIDENTS, Incident, demo_world

T = TypeVar("T")

HEARTBEAT: Final = "heartbeat"
"""The receiver of the bundle that hears of no incident."""

WINDOWS: Final = [
    {"name": name, "from": "now", "to": f"now+{ahead}"}
    for name, ahead in (("next_24h", "24h"), ("next_7d", "7d"), ("next_60d", "60d"))
]
"""In a hurry the days ahead are soon booked out: who comes then books for next month, and has to be seen."""

INTAKE_SECONDS: Final = 10.0
"""A business of the simulator has a new booking as often; more would fill it before the drill is over."""

SLOW_SECONDS: Final = 10.0
"""Longer than any group waits in a hurry."""

INTERVALS: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "wix": {"connections": (60.0, 1.0), "bookings": (300.0, 5.0), "events": (600.0, 10.0), "slots": (1800.0, 15.0)},
    "bitrix24": {"bookings": (300.0, 5.0), "links": (900.0, 15.0)},
    "calendar": {"busy": (300.0, 5.0)},
}
"""Seconds between polls in life, and the fewest of a drill: the limits of the platforms are not divided."""

CHECKS: Final = (3600.0, 15.0)
"""The same for the checks of connections and staff."""

GRACE: Final = (3600.0, 60.0)
"""The same for the `grace` of the pairs."""


def chosen(names: Sequence[str]) -> list[Incident]:
    """Return the incidents to play, all when none is named. Raises :class:`~exporter.errors.ConfigError` for unknown ones."""
    known = {incident.name: incident for incident in INCIDENTS}
    problems = [
        ConfigProblem("INCIDENT", f"there is no {name!r}", f"one of {', '.join(known)}") for name in names if name not in known
    ]
    if problems:
        raise ConfigError(problems)
    return [known[name] for name in dict.fromkeys(names)] if names else list(INCIDENTS)


async def run_drill(
    signals: Signals,
    incidents: Sequence[Incident],
    stack: Stack,
    address: str,
    say: Callable[[str], None],
    *,
    page: bool = False,
) -> bool:
    """Play the incidents on ``stack``, one after another; return whether each arrived and was cleared.

    Raises :class:`~exporter.errors.BookingSyncError` where the stack is not one on which a drill can begin.
    """
    try:
        hurry = await examined(stack, incidents, say, page=page)
        async with open_business(signals, address, hurry) as business:
            return await signals.unless_stopped(Drill(stack, business, hurry, say).play(incidents))
    except StopRequestedError:
        say("Stopped: incidents that were not played are not proven.")
        return False
    finally:
        await stack.close()


async def examined(stack: Stack, incidents: Sequence[Incident], say: Callable[[str], None], *, page: bool) -> float:
    """Return by how much the loaded rules are hurried. Raises for a stack that would page people, or has no rules.

    Raises :class:`~exporter.errors.ConfigError` when it would page people, :class:`~exporter.errors.BookingSyncError` without
    rules.
    The result is a ratio.
    """
    hurry = hurry_of(await stack.rules())
    if hurry is None:
        raise BookingSyncError(
            f"Prometheus at {stack.prometheus.where} has no rules of this bundle: "
            'load the files of "monitoring render --hurry 60"'
        )
    receivers = await stack.receivers()
    reached = [one for one in receivers.values() if one.kinds and one.name != HEARTBEAT]
    told = ", ".join(f"{one.name} ({', '.join(one.kinds)})" for one in reached)
    if reached and not page:
        raise ConfigError(
            [
                ConfigProblem(
                    "drill",
                    f"Alertmanager at {stack.alertmanager.where} would notify {told}",
                    "warn these people and add --page, or load alertmanager.demo.yml, which reaches nobody",
                )
            ]
        )
    say(f"Alertmanager at {stack.alertmanager.where} notifies {told or 'nobody: no receiver has an address'}.")
    if not await stack.alertmanagers():
        say(f"Prometheus at {stack.prometheus.where} sends its alerts to no Alertmanager: nothing will arrive.")
    lasts = sum(incident.pages_after for incident in incidents) / hurry
    if hurry < HURRIED:
        say(
            f"The rules are not hurried: this takes about {in_words(2 * lasts)}. "
            'Rules of "monitoring render --hurry 60" take minutes.'
        )
    else:
        takes = in_words(1.5 * lasts + 20 * len(incidents))
        say(f"The rules are hurried: a minute is {60 / hurry:.3g} s. This takes about {takes}.")
        slow = max(one.group_wait for one in receivers.values())
        if slow > SLOW_SECONDS:
            say(f"The routes of Alertmanager are not hurried: its messages wait for up to {in_words(slow)}.")
    return hurry


def hurry_of(loaded: Mapping[tuple[str, str], float]) -> float | None:
    """Return by how much the ``for`` of loaded alerts is shorter than ours, the median; None where none is loaded.

    ``loaded`` are their ``for`` in seconds, by name and severity; the result is a ratio.
    """
    shipped = {(alert.name, alert.severity.value): parse_duration(alert.hold) for alert in shipped_alerts() if alert.hold}
    factors = [shipped[key] / hold for key, hold in loaded.items() if hold and shipped.get(key)]
    return statistics.median(factors) if factors else None


@contextlib.asynccontextmanager
async def open_business(signals: Signals, address: str, hurry: float) -> AsyncIterator[Business]:
    """Run a simulator and the exporter that watches it, in divided time, until the block ends.

    Raises :class:`~exporter.runtime.StopRequestedError` when the process is asked to stop meanwhile.
    ``hurry`` is the ratio by which the time is divided.
    """
    simulator = Simulator(build=partial(demo_world.build, intake_every=max(INTAKE_SECONDS, 240.0 / hurry)))
    async with running(simulator.app) as origin:
        with tempfile.TemporaryDirectory(prefix="booking-sync-drill-") as folder:
            path = Path(folder) / "exporter.yml"
            path.write_text(yaml.safe_dump(configuration(origin, hurry), sort_keys=False))
            write_known_week(path.with_name(STATE_FILE), simulator, demo_targets(origin), known_pairs(path, simulator))
            begun: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            async def started(url: str) -> None:
                begun.set_result(url)

            exporter = asyncio.create_task(
                daemon.run(
                    lambda: load_config(path).without_warnings(), signals=signals, listen_address=address, started=started
                ),
                name="exporter",
            )
            try:
                either: list[asyncio.Future[Any]] = [begun, exporter]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if exporter.done():
                    raise StopRequestedError  # unless it has an error of its own, see below
                yield Business(simulator, address, await begun)
            finally:
                simulator.incidents.stop_all()
                signals.stop.set()
                await _ended(exporter)


async def _ended(exporter: asyncio.Task[None]) -> None:
    try:
        await exporter
    except ListenError as error:
        # The usual address is that of the exporter which runs already.
        raise BookingSyncError(
            f"{error}; stop the exporter that is there, or give --listen another address that a job of Prometheus scrapes"
        ) from None


def configuration(origin: str, hurry: float) -> dict[str, Any]:
    """Return what watches the simulator in divided time, as often as the platforms allow.

    ``hurry`` is the ratio by which the time is divided.
    """

    def collectors(platform: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {
            name: {"interval": f"{max(least, every / hurry):.3f}s"} for name, (every, least) in INTERVALS[platform].items()
        }
        if platform == "wix":
            found["bookings"]["conflicts"] = True
            found["connections"]["check_interval"] = f"{max(CHECKS[1], CHECKS[0] / hurry):.3f}s"
        elif platform == "bitrix24":
            found["bookings"]["windows"] = WINDOWS
            found["links"] |= {"window": "next_7d", "batch_size": 25, "verify_calls": 1}
        return found

    of_platforms = {platform: collectors(platform) for platform in INTERVALS}
    targets = [with_collectors(target, of_platforms) for target in demo_targets(origin)]
    # Portals of one host share one budget, so the last one, which is throttled, gets a name of its own, as in life.
    last = targets[-1]
    last["webhook_url"] = last["webhook_url"].replace("127.0.0.1", "localhost")
    targets += [with_collectors(target, of_platforms) for target in calendar_targets(origin)]
    grace = f"{max(GRACE[1], GRACE[0] / hurry):.3f}s"
    return {"timezone": "Europe/Berlin", "state_file": STATE_FILE, "targets": targets, "pairs": pairs(grace)}
