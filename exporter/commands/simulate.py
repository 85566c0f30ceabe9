"""The ``simulate`` command: the simulated platforms alone, for an exporter of your own."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.commands.demo import demo_targets, playing, scenario_named, with_collectors
from exporter.commands.demo_pairs import calendar_targets, pairs
from exporter.commands.last_week import write_last_weeks
from exporter.errors import ListenError
from exporter.simulator import Simulator, running
from exporter.simulator.drills import SCENARIOS, demo_world
from exporter.support.net import parse_address

GRACE: Final = "6m"
"""A poll of the bookings takes five minutes to come."""


def list_scenarios() -> list[str]:
    """Return one line for each scenario of the simulator."""
    width = max(map(len, SCENARIOS))
    return [f"{name:{width}}  {scenario.description}" for name, scenario in SCENARIOS.items()]


def configuration(url: str) -> dict[str, Any]:
    """Return what watches the simulator at ``url`` as a business is watched: on its clock, with all that Wix can be asked for.

    What is checked once an hour in life is checked each minute, so that a rehearsal need not wait for it.
    """
    collectors = {
        "connections": {"check_interval": "1m"},
        "bookings": {"conflicts": True},
        "events": {"interval": "1m"},
    }
    targets = [
        # Whoever names collectors names all that are to run.
        with_collectors(target, {"wix": {**{name: {} for name in collectors}, "slots": {"interval": "1m"}}})
        if target["platform"] == "wix"
        else target
        for target in demo_targets(url)
    ]
    targets += [{**target, "collectors": {"busy": {"interval": "1m"}}} for target in calendar_targets(url)]
    defaults = {"wix": {"collectors": collectors}}
    return {"timezone": "Europe/Berlin", "defaults": defaults, "targets": targets, "pairs": pairs(GRACE)}


async def run_simulator(
    address: str,
    scenario: str,
    say: Callable[[str], None],
    tell: Callable[[str], None],
    *,
    last_week: Path | None = None,
    job: str = "",
) -> None:
    """Serve the demo world on ``address`` and play ``scenario`` until SIGTERM or SIGINT.

    What is said is a configuration, so that it can be saved as it comes; what happens is told beside it. ``last_week`` is a
    file to write the weeks before to, as a Prometheus that scrapes under ``job`` would have recorded them.
    Raises :class:`~exporter.errors.ListenError` when the address is taken.
    """
    script = scenario_named(scenario)
    host, port = parse_address(address, "--listen")
    simulator = Simulator(build=demo_world.build)
    if last_week:
        watched = [{"target": one["name"], "platform": one["platform"]} for one in demo_targets("http://127.0.0.1")]
        write_last_weeks(last_week, watched, job=job, now=time.time())
        tell(f"The weeks before: promtool tsdb create-blocks-from openmetrics {last_week} DIR, the data of Prometheus.")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(simulator.app, host or "0.0.0.0", port) as url:  # noqa: S104  the operator wrote :PORT
            tell(f"Simulated Wix, Bitrix24 and calendars on {url}, scenario {scenario}: {script.description}")
            tell(f"Control: {url}/_sim/ (incidents, faults, request log). A configuration that watches it, to be saved:\n")
            say(yaml.safe_dump(configuration(url), sort_keys=False))
            async with playing(simulator, script, tell):
                await stop.wait()
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror}") from None
