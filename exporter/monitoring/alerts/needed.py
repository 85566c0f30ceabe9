"""Alerts that cannot be switched off: what they tell is told by no other one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NEEDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Watchdog": "it is the heartbeat; only its absence shows that Prometheus or Alertmanager is down",
        "BookingSyncExporterDown": "while no exporter answers, no other alert can fire",
        "BookingSyncAccessDenied": "BookingSyncDataExpired leaves out the targets that refuse the credential",
        "BookingSyncDataExpired": "BookingSyncDataStale ends when data is too old, and no other alert reports that target",
    }
)
"""Names, and what would go untold. All others are told of by what they keep back, target by target."""
