"""From when on the table of verdicts holds, and how bad some of its rows are: the part of it that a user may choose.

One value for all who judge: findings (board, ``/api/v1/status``, ``probe``), the intake, and the rules that are rendered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The numbers of the rows by their kind; durations are seconds, shares lie between 0 and 1.

    ``conflict_soon``, ``external_conflict_soon``: an overlap that begins within this time cannot wait for the morning.
    ``connections_down_within`` and ``connection_disconnected_within``: a connection that worked within this time is missed; one
    that was cut before was probably meant to be. ``connection_stuck_after``: a sync ends within minutes.
    ``unlinked_bookings_least``: of fewer verified bookings a share says little. ``intake_silent_least``: so many were usual a
    week before.

    ``severities`` are the warnings that are something else: ``critical`` or ``ok``, by kind.
    """

    conflict_soon: float = _DAY
    external_conflict_soon: float = _DAY
    connections_down_least: int = 2
    connections_down_within: float = _DAY
    connection_disconnected_within: float = _DAY
    connection_stuck_after: float = _HOUR
    connection_unclear_after: float = _HOUR
    credential_expiry_within: float = 14 * _DAY
    unlinked_bookings_share: float = 0.2
    unlinked_bookings_least: int = 10
    links_unverified_share: float = 0.5
    intake_silent_least: int = 10
    poll_overdue_intervals: float = 1.0
    severities: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def severity(self, kind: str) -> str:
        """Return how bad a warning of ``kind`` is: ``critical``, ``warning`` or ``ok``."""
        return self.severities.get(kind, "warning")


DEFAULTS: Final = Thresholds()
