"""What a drill may use of the simulator."""

from __future__ import annotations

from typing import Protocol

from exporter.simulator.bitrix24 import Bitrix24Simulator
from exporter.simulator.faults import FaultBoard
from exporter.simulator.wix import WixSimulator


class SimulatedWorld(Protocol):
    """Both platforms, and the board of faults of their transport."""

    wix: WixSimulator
    bitrix24: Bitrix24Simulator
    faults: FaultBoard

    def now(self) -> float:
        """Return the simulator's time in Unix seconds."""
        ...
