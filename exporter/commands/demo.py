"""The ``demo`` command: the simulated platforms in this process, and an exporter that watches them."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from exporter.commands import daemon
from exporter.commands.demo_pairs import calendar_targets, known_pairs, pairs
from exporter.commands.known_week import STATE_FILE, write_known_week
from exporter.config import load_config
from exporter.errors import ConfigError, ConfigProblem
from exporter.runtime import Signals
from exporter.simulator import Simulator, running
from exporter.simulator.drills import INCIDENTS, SCENARIOS, Scenario, demo_site, demo_world, run_scenario

# Short enough that an incident is seen while one watches; a real platform is asked once a minute or less. Links are asked so
# seldom that the demo may run for ever: past half of the operating time of ten minutes nothing known is asked again.
DEMO_COLLECTORS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "wix": {
        "connections": {"interval": "5s", "check_interval": "15s"},
        "bookings": {"interval": "15s", "conflicts": True},
        "events": {"interval": "15s"},
        "slots": {"interval": "15s"},
    },
    "bitrix24": {
        "bookings": {"interval": "15s"},
        "links": {"interval": "30s", "window": "next_7d", "batch_size": 25, "verify_calls": 1},
    },
    "calendar": {"busy": {"interval": "15s"}},
}
DEMO_GRACE: Final = "1m"
"""The shortest that a pair may have."""
_SERVICES: Final[Mapping[str, Mapping[str, str]]] = {
    demo_site.SITE_ID: {"name": "Haircut", "id": demo_site.HAIRCUT},
    demo_world.PHYSIO_SITE_ID: {"name": "Massage", "id": demo_world.MASSAGE},
}
"""What customers can book on each site of the demo world."""
SHOWN: Final = ("booking_sync_connection_status{", "booking_sync_bookings{")
SHOWN_LINES: Final = 6


async def run_demo(
    signals: Signals,
    address: str,
    scenario: str,
    say: Callable[[str], None],
    tell: Callable[[str], None],
    *,
    allowed_hosts: frozenset[str] = frozenset(),
    lifecycle: bool = False,
) -> None:
    """Run simulator and exporter side by side until SIGTERM or SIGINT; nothing outside this machine is asked.

    What is said are the addresses; what happens is told beside them.
    """
    script = scenario_named(scenario)
    simulator = Simulator(build=demo_world.build)
    async with running(simulator.app) as origin:
        with tempfile.TemporaryDirectory(prefix="booking-sync-demo-") as folder:
            path = Path(folder) / "exporter.yml"
            path.write_text(yaml.safe_dump(_configuration(origin), sort_keys=False))
            write_known_week(path.with_name(STATE_FILE), simulator, demo_targets(origin), known_pairs(path, simulator))
            async with playing(simulator, script, tell):
                await daemon.run(
                    # Its short intervals are meant; on a real account they would deserve the warning.
                    lambda: load_config(path).without_warnings(),
                    signals=signals,
                    listen_address=address,
                    allowed_hosts=allowed_hosts,
                    lifecycle=lifecycle,
                    started=lambda url: _welcome(url, origin, scenario, say, tell),
                )


def demo_targets(base_url: str) -> list[dict[str, Any]]:
    """Return the sites and portals of the demo world served at ``base_url``, as ``targets`` of a configuration."""
    return [
        {
            "name": f"{demo_world.SALON}-wix",
            "platform": "wix",
            "base_url": base_url,
            "site_id": demo_site.SITE_ID,
            "api_key": demo_site.API_KEY,
            "aliases": {schedule: f"Chair {number}" for number, schedule in enumerate(demo_site.CHAIR_SCHEDULES, 1)},
            "labels": {"site": demo_world.SALON},
        },
        {
            "name": f"{demo_world.PHYSIO}-wix",
            "platform": "wix",
            "base_url": base_url,
            "site_id": demo_world.PHYSIO_SITE_ID,
            "api_key": demo_world.PHYSIO_API_KEY,
            "aliases": {schedule: f"Room {number}" for number, schedule in enumerate(demo_world.PHYSIO_SCHEDULES, 1)},
            "resource_aliases": {room: f"Room {number}" for number, room in enumerate(demo_world.PHYSIO_ROOMS, 1)},
            "labels": {"site": demo_world.PHYSIO},
        },
        {
            "name": f"{demo_world.SALON}-b24",
            "platform": "bitrix24",
            "webhook_url": f"{base_url}/rest/1/{demo_world.SALON_WEBHOOK_CODE}/",
            "resource_aliases": {str(number): f"Chair {number}" for number, _ in enumerate(demo_site.CHAIR_SCHEDULES, 1)},
            "labels": {"site": demo_world.SALON},
        },
        {
            "name": f"{demo_world.STUDIO}-b24",
            "platform": "bitrix24",
            "webhook_url": f"{base_url}/rest/1/{demo_world.STUDIO_WEBHOOK_CODE}/",
            "resource_aliases": {str(number): name for number, name in enumerate(demo_world.STUDIO_ROOMS, 1)},
            "labels": {"site": demo_world.STUDIO},
        },
    ]


def with_collectors(target: Mapping[str, Any], collectors: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return ``target`` of the demo world with the ``collectors`` of its platform; its service is that of ``slots``."""
    chosen = dict(collectors[target["platform"]])
    if "slots" in chosen:
        chosen["slots"] = {**chosen["slots"], "services": [dict(_SERVICES[target["site_id"]])]}
    return {**target, "collectors": chosen}


def scenario_named(name: str) -> Scenario:
    """Return the scenario. Raises :class:`~exporter.errors.ConfigError` when there is none of that name."""
    if name not in SCENARIOS:
        raise ConfigError([ConfigProblem("--scenario", f"there is no {name!r}", f"one of {', '.join(SCENARIOS)}")])
    return SCENARIOS[name]


@contextlib.asynccontextmanager
async def playing(simulator: Simulator, script: Scenario, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Run ``script`` while the block runs, and ``say`` what begins and ends."""
    known = {incident.name: incident for incident in INCIDENTS}
    lasts = {step.incident: step.lasts_seconds for step in script.timeline}

    def tell(name: str, begins: bool) -> None:
        if not begins:
            say(f"<< {name} is over")
            return
        incident = known[name]
        ends_before = lasts.get(name, incident.on_board_after) < incident.on_board_after
        say(f">> {name}: {incident.description} ({incident.on_board}{'; here it ends before' if ends_before else ''})")

    task = asyncio.create_task(run_scenario(script, simulator.incidents, simulator.clock, tell=tell), name="scenario")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _configuration(origin: str) -> dict[str, Any]:
    targets = [with_collectors(target, DEMO_COLLECTORS) for target in (*demo_targets(origin), *calendar_targets(origin))]
    return {"timezone": "Europe/Berlin", "state_file": STATE_FILE, "targets": targets, "pairs": pairs(DEMO_GRACE)}


async def _welcome(url: str, origin: str, scenario: str, say: Callable[[str], None], tell: Callable[[str], None]) -> None:
    tell("")
    say(f"  Status board     {url}/")
    say(f"  Metrics          {url}/metrics")
    say(f"  Status as JSON   {url}/api/v1/status")
    say(f"  Simulator        {origin}/_sim/")
    tell(f"\nScenario {scenario}. Ctrl-C ends it. The first gauges:\n")
    try:
        async with httpx.AsyncClient(trust_env=False, base_url=url, timeout=10) as http:
            while (await http.get("/-/ready")).status_code != httpx.codes.OK:  # noqa: ASYNC110  asked as a user would, over HTTP
                await asyncio.sleep(0.1)
            page = (await http.get("/metrics")).text.splitlines()
    except httpx.TransportError:
        return  # Ctrl-C came before the first polls were over: nothing listens any more.
    for start in SHOWN:
        for line in [line for line in page if line.startswith(start) and not line.endswith(" 0.0")][:SHOWN_LINES]:
            tell(f"  {line}")
    tell("")
