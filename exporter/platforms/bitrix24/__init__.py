"""Bitrix24 portals: bookings and their links to the CRM (docs/platforms/bitrix24.md)."""

from typing import Final

from exporter.platforms.base import Platform, Section
from exporter.platforms.bitrix24 import checks, settings
from exporter.platforms.bitrix24.advice import ADVICE
from exporter.platforms.bitrix24.conformance import QUESTIONS
from exporter.platforms.bitrix24.session import BitrixSession, Shared, open_session
from exporter.platforms.bitrix24.statements import SECTIONS, STATEMENTS
from exporter.platforms.conformance import Conformance

__all__ = ["BITRIX24", "open_session"]

BITRIX24: Final = Platform(
    name="bitrix24",
    settings=settings.BitrixTarget,
    advice=ADVICE,
    open_session=open_session,
    new_shared=Shared,
    problems=checks.problems,
    warnings=checks.warnings,
    reference=(
        Section("Bitrix24 target", settings.BitrixTarget, "`targets[]` with `platform: bitrix24`"),
        Section("Bitrix24 `oauth`", settings.OAuth, "`oauth` of a Bitrix24 target"),
        Section("Bitrix24 `budget`", settings.Budget, "`budget` of a Bitrix24 target"),
        Section("Bitrix24 collector `bookings`", settings.BitrixBookings, "`collectors.bookings` of a Bitrix24 target"),
        Section("Bitrix24 collector `links`", settings.BitrixLinks, "`collectors.links` of a Bitrix24 target"),
    ),
    misnomers={
        "token": "write webhook_url (bitrix24)",
        "url": "write webhook_url (bitrix24), or base_url for another origin",
        "webhook": "write webhook_url",
    },
    inventory=BitrixSession.inventory,
    conformance=Conformance(STATEMENTS, QUESTIONS, BitrixSession.conform, SECTIONS),
)
