"""The platforms by name: the one place that names them. A new one is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from exporter.platforms.base import Platform, Services, Session
from exporter.platforms.bitrix24 import BITRIX24
from exporter.platforms.calendar import CALENDAR
from exporter.platforms.settings import Target
from exporter.platforms.wix import WIX

PLATFORMS: Final[Mapping[str, Platform]] = MappingProxyType({platform.name: platform for platform in (WIX, BITRIX24, CALENDAR)})


def new_shared() -> Mapping[str, object]:
    """Return what the sessions of each platform have in common, by platform; for the life of a process."""
    return {platform.name: platform.new_shared() for platform in PLATFORMS.values()}


def open_session(target: Target, services: Services) -> Session:
    """Return the live side of ``target``. No I/O. Raises :class:`exporter.errors.TargetConfigError` when it cannot work."""
    return PLATFORMS[target.platform].open_session(target, services)
