"""Incoming webhooks (bitrix24.md 9.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from exporter.simulator.bitrix24.portal import Portal


@dataclass(frozen=True, slots=True)
class Webhook:
    """A credential that lives in the path. ``expires`` is in Unix seconds."""

    portal: Portal
    user_id: int
    code: str = field(repr=False)
    scopes: frozenset[str]
    expires: float = float("inf")

    def url(self, base: str) -> str:
        """Return the webhook's URL at the origin ``base``."""
        return f"{base}/rest/{self.user_id}/{self.code}/"
