"""The scripted incidents: each one sentence, one change of the world, one alert to expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.simulator.core import Simulator


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that goes wrong: ``begin`` changes the world, ``end`` repairs it, ``alert`` is the page to expect."""

    name: str
    description: str
    changes: str
    alert: str
    begin: Callable[[Simulator], None]
    end: Callable[[Simulator], None]


INCIDENTS: tuple[Incident, ...] = ()


class IncidentDesk:
    """Starts and stops incidents; several may run at once."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._known = {incident.name: incident for incident in INCIDENTS}
        self._active: dict[str, float] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all incidents."""
        return tuple(self._known)

    @property
    def active(self) -> tuple[str, ...]:
        """Return the names of the running incidents, oldest first."""
        return tuple(self._active)

    def start(self, name: str) -> None:
        """Begin the incident; one that runs already stays as it is. Raises :class:`KeyError` for an unknown name."""
        incident = self._known[name]
        if name not in self._active:
            self._active[name] = self._simulator.now()
            incident.begin(self._simulator)

    def stop(self, name: str) -> None:
        """Repair what the incident changed; one that does not run is fine. Raises :class:`KeyError` for an unknown name."""
        incident = self._known[name]
        if self._active.pop(name, None) is not None:
            incident.end(self._simulator)

    def stop_all(self) -> None:
        """Repair everything."""
        for name in self.active:
            self.stop(name)

    def forget(self) -> None:
        """Drop all incidents without repairing, because the world is rebuilt anyway."""
        self._active.clear()

    def overview(self) -> list[dict[str, object]]:
        """Return every incident as JSON, with the moment it began (Unix seconds) or ``null``."""
        return [
            {
                "name": incident.name,
                "description": incident.description,
                "changes": incident.changes,
                "expected_alert": incident.alert,
                "active_since": self._active.get(incident.name),
            }
            for incident in self._known.values()
        ]
