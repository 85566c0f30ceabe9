"""One small business on both simulated platforms, and the configuration that watches it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from exporter.clock import Clock
from exporter.simulator import Simulator, running
from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.simulator.canary import CANARIES
from exporter.simulator.wix.world import Site

API_KEY = "IST.planted-api-key-5b1c"
WEBHOOK_CODE = "plantedwebhookcode77"
APP_SECRET = "appsecret-planted-1"
SITE_ID = "7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10"


@dataclass
class Business:
    """The simulator with one Wix site and one Bitrix24 portal, at ``url``."""

    url: str
    folder: Path
    simulator: Simulator
    secrets: tuple[str, ...] = (API_KEY, WEBHOOK_CODE, *CANARIES)

    @property
    def site(self) -> Site:
        return self.simulator.wix.sites[SITE_ID]

    @property
    def portal(self) -> Portal:
        return self.simulator.bitrix24.portals["salon"]

    @property
    def webhook_url(self) -> str:
        return f"https://salon.bitrix24.example/rest/1/{WEBHOOK_CODE}/"

    def wix_target(self, name: str = "salon-wix", **changes: object) -> dict[str, Any]:
        return {
            "name": name,
            "platform": "wix",
            "site_id": SITE_ID,
            "api_key": API_KEY,
            "base_url": self.url,
            "timeout": "5s",
            "collectors": {"connections": {"interval": "1s"}, "bookings": {"interval": "1s"}},
            "accepted": [{"warning": "conflicts_off", "why": "to count takes one request"}],
            **changes,
        }

    def bitrix24_target(self, name: str = "salon-b24", **changes: object) -> dict[str, Any]:
        return {
            "name": name,
            "platform": "bitrix24",
            "webhook_url": self.webhook_url,
            "base_url": self.url,
            "timeout": "5s",
            "budget": {"requests_per_second": 50, "burst": 40},
            "collectors": {"bookings": {"interval": "1s"}, "links": {"interval": "1s", "window": "next_7d"}},
            **changes,
        }

    def expired_oauth_target(self, name: str = "oauth", portal: Portal | None = None, **oauth: object) -> dict[str, Any]:
        """Return a target of ``portal`` with a token file of its own, whose first call has to renew the token."""
        platform = self.simulator.bitrix24
        platform.oauth.access_seconds = -1
        app = platform.add_app(portal or self.portal, client_id=f"local.{name}", client_secret=APP_SECRET)
        tokens = self.folder / f"{name}.json"
        tokens.write_text(json.dumps(platform.oauth.token_file(platform.issue(app), self.url, self.simulator.now())))
        oauth = {"client_id": f"local.{name}", "client_secret": APP_SECRET, "token_file": str(tokens), **oauth}
        target = self.bitrix24_target(name, oauth=oauth, collectors={"bookings": {"interval": "1h"}})
        del target["webhook_url"]
        return target

    def config(self, *targets: dict[str, Any], name: str = "exporter.yml", **top: object) -> Path:
        """Write a configuration with ``targets`` (both when none is given) and return its path."""
        path = self.folder / name
        content = {"timezone": "Europe/Berlin", "targets": list(targets) or [self.wix_target(), self.bitrix24_target()], **top}
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path


def build(simulator: Simulator) -> None:
    """Fill a simulator: 3 synced connections, staff with Wix bookings, 120 Bitrix24 bookings with copies in a calendar."""
    site = simulator.wix.add_site(SITE_ID)
    simulator.wix.add_key(site, API_KEY)
    site.connect_many(3)
    site.add_staff(schedule_id=next(one.schedule_id for one in site.connections if one.imports))
    site.bookings.seed(days_back=1, days_ahead=7)
    portal = simulator.bitrix24.add_portal("salon")
    simulator.bitrix24.add_webhook(portal, code=WEBHOOK_CODE, scopes=CALENDAR_SCOPES)
    portal.world.fill(120, simulator.now())
    for resource in portal.world.resources:
        portal.calendar.link(resource, resource)


@contextlib.asynccontextmanager
async def running_business(folder: Path, clock: Clock | None = None) -> AsyncIterator[Business]:
    """Run the simulated platforms while the block runs, on the system's clock unless another is given."""
    simulator = Simulator(clock, build=build)
    async with running(simulator.app) as url:
        yield Business(url, folder, simulator)
