"""Time windows in Grafana date math, resolved to half-open UTC intervals in an IANA zone (design 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from exporter.model import Window


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """A named window as configured: ``start`` and ``end`` are date math expressions such as ``now+1d/d``."""

    name: str
    start: str
    end: str

    def resolve(self, now: float, zone: ZoneInfo) -> Window:
        """Return the interval for the frozen ``now`` (Unix seconds). Raises :class:`ValueError` when it is empty."""
        raise NotImplementedError
