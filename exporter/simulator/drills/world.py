"""What a drill may use of the simulator."""

from __future__ import annotations

from typing import Protocol

from exporter.simulator.bitrix24 import Bitrix24Simulator
from exporter.simulator.calendar import CalendarSimulator
from exporter.simulator.drills.sync_partner import SyncPartner
from exporter.simulator.faults import FaultBoard
from exporter.simulator.stage import Stage
from exporter.simulator.wix import WixSimulator


class SimulatedWorld(Protocol):
    """All platforms, those who copy between them, and the board of faults of their transport."""

    wix: WixSimulator
    bitrix24: Bitrix24Simulator
    calendar: CalendarSimulator
    faults: FaultBoard
    stage: Stage
    partners: list[SyncPartner]

    def now(self) -> float:
        """Return the simulator's time in Unix seconds."""
        ...
