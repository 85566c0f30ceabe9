"""Bitrix24 portals: bookings and their links to the CRM (fact sheet bitrix24.md)."""

from exporter.platforms.bitrix24.session import open_session

__all__ = ["open_session"]
