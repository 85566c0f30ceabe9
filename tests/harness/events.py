"""An ``Events`` sink that remembers what it was told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from exporter.model import CollectorName


@dataclass
class RecordedEvents:
    """Implements :class:`exporter.platforms.base.Events`."""

    requests: list[tuple[str, str, float]] = field(default_factory=list)
    retries: list[tuple[str, str]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    malformed: Counter[CollectorName] = field(default_factory=Counter)
    unrecognized: Counter[tuple[CollectorName, str]] = field(default_factory=Counter)
    discovered: int = 0
    vanished: int = 0

    def request(self, operation: str, code: str, seconds: float) -> None:
        self.requests.append((operation, code, seconds))

    def retry(self, operation: str, reason: str) -> None:
        self.retries.append((operation, reason))

    def throttle_wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def malformed_rows(self, collector: CollectorName, rows: int) -> None:
        self.malformed[collector] += rows

    def unrecognized_value(self, collector: CollectorName, field: str, times: int = 1) -> None:
        self.unrecognized[collector, field] += times

    def bookings_discovered(self, bookings: int) -> None:
        self.discovered += bookings

    def bookings_vanished(self, bookings: int) -> None:
        self.vanished += bookings

    def codes(self, operation: str | None = None) -> list[str]:
        """Return the codes of all exchanges, of one operation or of all."""
        return [code for name, code, _ in self.requests if operation in (None, name)]
