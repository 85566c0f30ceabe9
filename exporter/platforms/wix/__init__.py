"""Wix sites: calendar connections and booking counts (docs/platforms/wix.md)."""

from typing import Final

from exporter.platforms.base import Platform, Section
from exporter.platforms.conformance import Conformance
from exporter.platforms.wix import checks, settings
from exporter.platforms.wix.advice import ADVICE
from exporter.platforms.wix.check_statements import CHECK_SECTIONS, CHECK_STATEMENTS
from exporter.platforms.wix.conformance import QUESTIONS
from exporter.platforms.wix.session import WixSession, open_session
from exporter.platforms.wix.sites import DISCOVERER, WixDiscovery
from exporter.platforms.wix.statements import SECTIONS, STATEMENTS

__all__ = ["WIX", "open_session"]

WIX: Final = Platform(
    name="wix",
    settings=settings.WixTarget,
    advice=ADVICE,
    open_session=open_session,
    problems=checks.problems,
    warnings=checks.warnings,
    reference=(
        Section("Wix target", settings.WixTarget, "`targets[]` with `platform: wix`"),
        Section("Wix discovery", WixDiscovery, "`discover[]` with `platform: wix`"),
        Section("Wix collector `connections`", settings.WixConnections, "`collectors.connections` of a Wix target"),
        Section("Wix collector `bookings`", settings.WixBookings, "`collectors.bookings` of a Wix target"),
        Section("Wix collector `events`", settings.WixEvents, "`collectors.events` of a Wix target"),
        Section("Wix heartbeat", settings.WixHeartbeat, "`heartbeats[]` of the collector `events` of a Wix target"),
        Section("Wix collector `slots`", settings.WixSlots, "`collectors.slots` of a Wix target"),
        Section("Wix service", settings.SlotService, "`collectors.slots.services[]` of a Wix target"),
    ),
    misnomers={
        "account_id": "remove it, and name the site with site_id: account_id is the id of the account",
        "token": "write api_key (wix)",
        "apikey": "write api_key",
    },
    inventory=WixSession.inventory,
    conformance=Conformance((*STATEMENTS, *CHECK_STATEMENTS), QUESTIONS, WixSession.conform, SECTIONS | CHECK_SECTIONS),
    discoverer=DISCOVERER,
)
