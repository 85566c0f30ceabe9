"""The businesses of a soak, the configurations that watch them, and what the page must say about them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.simulator import Simulator
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES

SITES: Final = 12
PORTALS: Final = 8
OAUTH_PORTALS: Final = 3
ACCESS_SECONDS: Final = 300
"""Access tokens of the portals with OAuth live this long, so that many are renewed."""
INTAKE_SECONDS: Final = 240.0
SECRET: Final = "soak-app-secret"
COUNTED: Final = frozenset({"CONFIRMED", "PENDING"})


def site_id(number: int) -> str:
    return f"7f1c0c5e-2f0e-4f9c-9a55-{number:012x}"


def build(simulator: Simulator) -> None:
    """Fill the simulator: sites with connections and staff, portals with bookings of which two of three are linked."""
    for number in range(SITES):
        site = simulator.wix.add_site(site_id(number))
        simulator.wix.add_key(site, f"IST.soak-key-{number:04}")
        site.connect_many(3 + number % 3)
        site.add_staff()
        site.bookings.seed(days_back=1, days_ahead=8)
        site.diary.start_intake(INTAKE_SECONDS)
    for number in range(PORTALS):
        portal = simulator.bitrix24.add_portal(f"portal-{number}")
        simulator.bitrix24.add_webhook(portal, code=f"soakwebhook{number:04}", scopes=CALENDAR_SCOPES)
        portal.world.fill(120, simulator.now())
        for resource in portal.world.resources:
            portal.calendar.link(resource, resource)
        portal.costs["booking.v1.booking.externaldata.list"] = 0.02
        portal.diary.start_intake(INTAKE_SECONDS)


class Business:
    """The simulated world as ``wix`` and ``bitrix24`` (two base URLs) show it. The auth server is asked at ``direct``."""

    def __init__(self, simulator: Simulator, folder: Path, *, wix: str, bitrix24: str, direct: str) -> None:
        self.simulator, self.folder = simulator, folder
        self.path = folder / "exporter.yml"
        self._wix, self._bitrix24 = wix, bitrix24
        self.targets = [*(self._site(number) for number in range(SITES)), *(self._portal(number) for number in range(PORTALS))]
        platform = simulator.bitrix24
        platform.oauth.access_seconds = ACCESS_SECONDS
        for number in range(OAUTH_PORTALS):
            app = platform.add_app(platform.portals[f"portal-{number}"], client_id=f"local.soak-{number}", client_secret=SECRET)
            tokens = folder / f"tokens-{number}.json"
            # A lost answer of the auth server has spent the token, and nothing but a new login helps: its way is safe.
            tokens.write_text(json.dumps(platform.oauth.token_file(platform.issue(app), direct, simulator.now())))

    def _site(self, number: int) -> dict[str, Any]:
        return {
            "name": f"site-{number}",
            "platform": "wix",
            "site_id": site_id(number),
            "api_key": f"IST.soak-key-{number:04}",
            "base_url": self._wix,
            "timeout": "5s",
            "collectors": {"connections": {"interval": "8s"}, "bookings": {"interval": "12s", "conflicts": number % 2 == 0}},
        }

    def _portal(self, number: int) -> dict[str, Any]:
        if number < OAUTH_PORTALS:
            tokens = self.folder / f"tokens-{number}.json"
            client = {"client_id": f"local.soak-{number}", "client_secret": SECRET, "token_file": str(tokens)}
            access: dict[str, Any] = {"oauth": client}
        else:
            access = {"webhook_url": f"https://portal-{number}.bitrix24.example/rest/1/soakwebhook{number:04}/"}
        return {
            "name": f"portal-{number}",
            "platform": "bitrix24",
            **access,
            "base_url": self._bitrix24,
            "timeout": "5s",
            "collectors": {"bookings": {"interval": "12s"}, "links": {"interval": "30s", "window": "next_7d"}},
        }

    def configure(self, targets: list[dict[str, Any]] | None = None) -> None:
        """Write the configuration: of all targets unless some are given."""
        state = str(self.folder / "state.json")
        content = {"timezone": "Europe/Berlin", "state_file": state, "targets": targets or self.targets}
        self.path.write_text(yaml.safe_dump(content, sort_keys=False))

    def hold(self) -> None:
        """Let nobody book, so that the world stands still."""
        for diary in self._diaries():
            diary.stop_intake()

    def go_on(self) -> None:
        """Let people book again."""
        for diary in self._diaries():
            diary.resume_intake()

    def _diaries(self) -> Iterator[Any]:
        yield from (site.diary for site in self.simulator.wix.sites.values())
        yield from (portal.diary for portal in self.simulator.bitrix24.portals.values())


def wrong(business: Business, page: dict[str, float]) -> tuple[int, list[str]]:
    """Compare a page with the world: how many numbers were compared, and a line for each that is wrong or missing."""
    expected = dict(_expected(business, _bounds(page)))
    lines = [
        f"{name} is {page.get(name, 'missing')}, not {value:g}" for name, value in expected.items() if page.get(name) != value
    ]
    return len(expected), lines


_BOUND: Final = re.compile(
    r'window_(?P<side>start|end)_timestamp_seconds\{collector="(?P<collector>\w+)",platform="\w+",target="(?P<target>[^"]+)",'
    r'window="(?P<window>\w+)"\}'
)


def _bounds(page: dict[str, float]) -> dict[tuple[str, str, str], dict[str, float]]:
    bounds: dict[tuple[str, str, str], dict[str, float]] = {}
    for name, value in page.items():
        if found := _BOUND.fullmatch(name):
            bounds.setdefault((found["target"], found["collector"], found["window"]), {})[found["side"]] = value
    return bounds


def _expected(business: Business, bounds: dict[tuple[str, str, str], dict[str, float]]) -> Iterator[tuple[str, float]]:
    for number in range(SITES):
        target, site = f"site-{number}", business.simulator.wix.sites[site_id(number)]
        statuses = Counter(str(connection.status).lower() for connection in site.connections)
        for status in ("synced", "connected", "error", "disconnected"):
            yield f"sum of connections, {status}, {target}", statuses[status]
        starts = [booking.start for booking in site.bookings if booking.status in COUNTED]
        for window in ("last_24h", "today", "next_24h", "next_7d"):
            name = f'bookings{{platform="wix",target="{target}",window="{window}"}}'
            yield name, _within(starts, bounds.get((target, "bookings", window)))
    for number in range(PORTALS):
        target, world = f"portal-{number}", business.simulator.bitrix24.portals[f"portal-{number}"].world
        starts = [float(booking.start) for booking in world.bookings()]
        linked = [float(booking.start) for booking in world.bookings() if booking.crm_links]
        for window in ("last_24h", "today", "next_24h", "next_7d"):
            name = f'bookings{{platform="bitrix24",target="{target}",window="{window}"}}'
            yield name, _within(starts, bounds.get((target, "bookings", window)))
        window_of_links = bounds.get((target, "links", "next_7d"))
        all_of_them, tied = _within(starts, window_of_links), _within(linked, window_of_links)
        yield f'linked_bookings{{platform="bitrix24",target="{target}",window="next_7d"}}', tied
        yield f'unlinked_bookings{{platform="bitrix24",target="{target}",window="next_7d"}}', all_of_them - tied


def _within(starts: list[float], bounds: dict[str, float] | None) -> float:
    if bounds is None:
        return -1.0
    return sum(bounds["start"] <= start < bounds["end"] for start in starts)


_CONNECTIONS: Final = re.compile(
    r'connections\{calendar_type="\w+",platform="wix",status="(?P<status>\w+)",target="(?P<target>[^"]+)"\}'
)


def summed(page: dict[str, float]) -> dict[str, float]:
    """Add to a page the connections of a target by status, over all types of calendar."""
    sums: Counter[str] = Counter()
    for name, value in page.items():
        if found := _CONNECTIONS.fullmatch(name):
            sums[f"sum of connections, {found['status']}, {found['target']}"] += int(value)
    zeros = {
        f"sum of connections, {status}, site-{n}": 0.0
        for n in range(SITES)
        for status in ("synced", "connected", "error", "disconnected")
    }
    return {**page, **zeros, **{name: float(value) for name, value in sums.items()}}
