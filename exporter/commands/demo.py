"""``demo`` and ``simulate``: the simulated platforms in this process, with or without an exporter that watches them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from exporter.commands import daemon
from exporter.config import load_config
from exporter.errors import ConfigError, ListenError, Problem
from exporter.runtime.shutdown import Signals
from exporter.simulator import Simulator, running
from exporter.simulator.drills import demo_world as story
from exporter.simulator.drills.incidents import INCIDENTS
from exporter.simulator.drills.scenarios import SCENARIOS, Scenario, run_scenario
from exporter.support.net import parse_address

# Short enough that an incident is seen while one watches; a real platform is asked once a minute or less.
DEMO_COLLECTORS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "wix": {"connections": {"interval": "5s"}, "bookings": {"interval": "15s", "conflicts": True}},
    "bitrix24": {"bookings": {"interval": "15s"}, "links": {"interval": "15s", "window": "next_7d"}},
}
SHOWN: Final = ("booking_sync_connection_status{", "booking_sync_bookings{")
SHOWN_LINES: Final = 6


def list_scenarios() -> list[str]:
    """Return one line for each scenario of the simulator."""
    width = max(map(len, SCENARIOS))
    return [f"{name:{width}}  {scenario.description}" for name, scenario in SCENARIOS.items()]


async def run_simulator(address: str, scenario: str, say: Callable[[str], None]) -> None:
    """Serve the demo world on ``address`` and play ``scenario`` until SIGTERM or SIGINT."""
    script = _scenario(scenario)
    host, port = parse_address(address)
    simulator = Simulator(build=story.build)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(simulator.app, host or "0.0.0.0", port) as url:  # noqa: S104  the operator wrote :PORT
            say(f"Simulated Wix and Bitrix24 on {url}, scenario {scenario}: {script.description}")
            say(f"Control: {url}/_sim/ (incidents, faults, request log). A configuration that watches it:\n")
            say(yaml.safe_dump({"targets": story.targets(url)}, sort_keys=False))
            async with _playing(simulator, script, say):
                await stop.wait()
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror}") from None


async def run_demo(signals: Signals, address: str, scenario: str, say: Callable[[str], None]) -> None:
    """Run simulator and exporter side by side until SIGTERM or SIGINT; nothing outside this machine is asked."""
    script = _scenario(scenario)
    simulator = Simulator(build=story.build)
    async with running(simulator.app) as origin:
        with tempfile.TemporaryDirectory(prefix="booking-sync-demo-") as folder:
            path = Path(folder) / "exporter.yml"
            path.write_text(yaml.safe_dump(_configuration(origin), sort_keys=False))
            async with _playing(simulator, script, say):
                await daemon.run(
                    # Its short intervals are meant; on a real account they would deserve the warning.
                    lambda: load_config(path).model_copy(update={"warnings": ()}),
                    signals=signals,
                    listen_address=address,
                    lifecycle=True,
                    started=lambda url: _welcome(url, origin, scenario, say),
                )


def _scenario(name: str) -> Scenario:
    if name not in SCENARIOS:
        raise ConfigError([Problem("--scenario", f"there is no {name!r}", f"one of {', '.join(SCENARIOS)}")])
    return SCENARIOS[name]


def _configuration(origin: str) -> dict[str, Any]:
    targets = [{**target, "collectors": DEMO_COLLECTORS[target["platform"]]} for target in story.targets(origin)]
    return {"timezone": "Europe/Berlin", "targets": targets}


@contextlib.asynccontextmanager
async def _playing(simulator: Simulator, script: Scenario, say: Callable[[str], None]) -> AsyncIterator[None]:
    known = {incident.name: incident for incident in INCIDENTS}

    def tell(name: str, begins: bool) -> None:
        say(f">> {name}: {known[name].description}" if begins else f"<< {name} is over")

    playing = asyncio.create_task(run_scenario(script, simulator.incidents, simulator.clock, tell=tell), name="scenario")
    try:
        yield
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def _welcome(url: str, origin: str, scenario: str, say: Callable[[str], None]) -> None:
    say(f"""
  Status board     {url}/
  Metrics          {url}/metrics
  Status as JSON   {url}/api/v1/status
  Simulator        {origin}/_sim/   (scenario {scenario})

Ctrl-C ends it. The first gauges:
""")
    async with httpx.AsyncClient(trust_env=False, base_url=url, timeout=10) as http:
        while (await http.get("/-/ready")).status_code != httpx.codes.OK:  # noqa: ASYNC110  asked as a user would, over HTTP
            await asyncio.sleep(0.1)
        page = (await http.get("/metrics")).text.splitlines()
    for start in SHOWN:
        for line in [line for line in page if line.startswith(start) and not line.endswith(" 0.0")][:SHOWN_LINES]:
            say(f"  {line}")
    say("")
