"""What the checks of a site cost: calls in an hour by operation, and series, of an exporter that polls the simulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx
import yaml

from exporter.simulator import Simulator
from exporter.simulator.wix.connections import ACCOUNT_CALENDARS, import_from
from exporter.simulator.wix.providers import APPLE
from exporter.simulator.wix.world import OfferedService
from tests.harness.application import application
from tests.harness.business import API_KEY, SITE_ID
from tests.harness.clock import ManualClock
from tests.harness.exposition import lines_of

SERVICE_ID = "0b1f4d7a-2222-4333-8444-555566667777"
"""The one service of the site."""

_URL = "http://127.0.0.1:8099"
_CHOSEN = {"listEventFromCalendars": import_from(ACCOUNT_CALENDARS[1]), "syncToCalendar": {"enabled": True}}


async def cost(tmp_path: Path, staff: int, collectors: Mapping[str, object]) -> tuple[Counter[str], int]:
    """Return the calls of an hour by operation and the series of a site where each of ``staff`` has a chosen calendar."""

    def build(simulator: Simulator) -> None:
        site = simulator.wix.add_site(SITE_ID)
        simulator.wix.add_key(site, API_KEY)
        for _ in range(staff):
            made = site.connections.connect(APPLE, site.add_staff().schedule_id, config=_CHOSEN)
            site.connections.finish_sync(made)
        site.services.append(OfferedService(SERVICE_ID, "Haircut", "0b1f4d7a-3333-4333-8444-555566667777"))
        site.bookings.seed(days_back=1, days_ahead=7)

    clock = ManualClock()
    file = tmp_path / "exporter.yml"
    target = {"name": "salon", "platform": "wix", "base_url": _URL, "site_id": SITE_ID, "api_key": API_KEY}
    file.write_text(
        yaml.safe_dump({"timezone": "Europe/Berlin", "targets": [{**target, "collectors": dict(collectors)}]}, sort_keys=False)
    )
    simulator = Simulator(clock, build=build)
    async with application(file, clock, through=httpx.ASGITransport(simulator.app)) as app:
        await app.finished_polls()
        for _ in range(100):  # in fifty minutes all has been asked for once, and most of it again
            await app.pass_time(30)
        before = Counter(call.operation for call in simulator.log)
        for _ in range(120):
            await app.pass_time(30)
        calls = Counter(call.operation for call in simulator.log) - before
        found = lines_of(await app.page())
        return calls, sum(labels.get("target") == "salon" for _, labels, _ in found)
