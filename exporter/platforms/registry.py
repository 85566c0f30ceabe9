"""Booking platforms: one folder each behind the interface of :mod:`exporter.platforms.base`.

A new platform is one folder and one line in :func:`open_session`.
"""

from __future__ import annotations

from exporter.config import BitrixTarget, Target
from exporter.platforms import bitrix24, wix
from exporter.platforms.base import Services, Session

__all__ = ["open_session"]


def open_session(target: Target, services: Services) -> Session:
    """Return the live side of ``target``. No I/O. Raises :class:`exporter.errors.TargetConfigError` when it cannot work."""
    if isinstance(target, BitrixTarget):
        return bitrix24.open_session(target, services)
    return wix.open_session(target, services)
