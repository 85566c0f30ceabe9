"""A fleet on the simulated platforms that one key serves, and what can befall all of it at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from exporter.simulator import Simulator
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.simulator.faults import Fault, FaultKind
from exporter.simulator.wix.providers import APPLE, GOOGLE
from exporter.simulator.wix.world import Site

OWNERS_TAKE_MINUTES: Final = 15.0
"""How long it takes until the last owner of a calendar has granted the access again."""

_ACCOUNT: Final = "0b6c5e0a-33a1-4f0e-9d0d-5f7f6d7f3c11"
_KEY: Final = "IST.simulated-key-of-the-agency"
_PORTALS: Final = 2
_INTAKE_SECONDS: Final = 3600.0

Repair = Callable[[], None]


class Cause(StrEnum):
    """What breaks, in the order in which storms are rehearsed: the last is remembered longest."""

    KEY_REFUSED = "key-refused"
    NETWORK_CUT = "network-cut"
    PLATFORM_DOWN = "platform-down"
    PROVIDER_DOWN = "provider-down"
    GRANTS_REVOKED = "grants-revoked"

    @property
    def what(self) -> str:
        """Say it in words."""
        return _WORDS[self]


_WORDS: Final = {
    Cause.KEY_REFUSED: "the key of all sites is refused",
    Cause.NETWORK_CUT: "the host loses its network",
    Cause.PLATFORM_DOWN: "Wix answers with 503",
    Cause.PROVIDER_DOWN: "Google does not answer Wix",
    Cause.GRANTS_REVOKED: "Google's grants are revoked at four of five sites",
}


def build(sites: int, simulator: Simulator) -> None:
    """Fill the simulator with Wix sites of one account and two portals; each site has two calendars at Google, one at Apple."""
    for _ in range(sites):
        site = simulator.wix.add_site(account_id=_ACCOUNT)
        site.add_staff()
        site.connect_many(3, (GOOGLE, GOOGLE, APPLE))
        site.bookings.seed(days_back=1, days_ahead=8)
        site.diary.start_intake(_INTAKE_SECONDS)
    simulator.wix.credentials.add_key(_ACCOUNT, value=_KEY)
    for number in range(1, _PORTALS + 1):
        portal = simulator.bitrix24.add_portal(f"portal-{number}")
        simulator.bitrix24.add_webhook(portal, code=_code(number), scopes=CALENDAR_SCOPES)
        portal.calendar.link(portal.world.add_resource("Room").id, 1)
        portal.customers.seed(days_back=1, days_ahead=8)
        portal.diary.start_intake(_INTAKE_SECONDS)


def configuration(simulator: Simulator, origin: str, directory: Path) -> dict[str, Any]:
    """Return the exporter's configuration with the intervals that everybody has."""
    key = directory / "wix_api_key"
    key.write_text(_KEY)
    # A machine that is late lives on its own clock, not on the fast one.
    common = {"base_url": origin, "timeout": "4m"}
    sites = [
        {"name": f"site-{number:03}", "platform": "wix", "site_id": site_id, "api_key": {"file": str(key)}, **common}
        for number, site_id in enumerate(simulator.wix.sites, 1)
    ]
    portals = [
        {
            "name": f"portal-{number}",
            "platform": "bitrix24",
            "webhook_url": f"{origin}/rest/1/{_code(number)}/",
            "timeout": "4m",
            # Both live at one address here, and would share what one portal may spend.
            "budget": {"requests_per_second": 4.0, "burst": 50},
        }
        for number in range(1, _PORTALS + 1)
    ]
    return {"timezone": "Europe/Berlin", "targets": [*sites, *portals]}


def begin(cause: Cause, simulator: Simulator) -> list[Repair]:
    """Let it happen. Returns the repairs, to be made one after the other; all else recovers at its own next poll."""
    match cause:
        case Cause.KEY_REFUSED:
            simulator.wix.credentials.revoke_key(_KEY)
            return [lambda: _again(simulator)]
        case Cause.NETWORK_CUT:
            return [_fault(simulator, Fault(FaultKind.DROP))]
        case Cause.PLATFORM_DOWN:
            return [_fault(simulator, Fault(FaultKind.STATUS, platform="wix", status=503))]
        case Cause.PROVIDER_DOWN:
            return [_all([_provider_down(site) for site in simulator.wix.sites.values()])]
        case Cause.GRANTS_REVOKED:
            victims = list(simulator.wix.sites.values())
            return [_revoke(site) for site in victims[: math.ceil(len(victims) * 4 / 5)]]


def _code(number: int) -> str:
    return f"s1mulated0portal{number}"


def _again(simulator: Simulator) -> None:
    simulator.wix.credentials.add_key(_ACCOUNT, value=_KEY)


def _fault(simulator: Simulator, fault: Fault) -> Repair:
    simulator.faults.add(fault)
    return lambda: simulator.faults.remove(fault)


def _all(repairs: Iterable[Repair]) -> Repair:
    def repair() -> None:
        for one in repairs:
            one()

    return repair


def _provider_down(site: Site) -> Repair:
    site.provider_down(GOOGLE)
    return lambda: site.provider_up(GOOGLE)


def _revoke(site: Site) -> Repair:
    victims = [one.id for one in site.connections if one.provider_id == GOOGLE.id]
    for one in victims:
        site.connections.revoke_token(one)

    def repair() -> None:
        for one in victims:
            site.connections.recover(one)

    return repair
