"""Wix: external calendar connections and booking counts of one site (fact sheet wix.md)."""

from exporter.platforms.wix.session import open_session

__all__ = ["open_session"]
