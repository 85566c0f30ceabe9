"""Faithful local Wix and Bitrix24: for ``simulate``, ``demo``, rehearsals of the team on call, and our own tests.

Built from docs/platforms (wix.md section 13, bitrix24.md section 15) and from nothing of the clients under
``exporter.platforms``, so that the two can disagree. It leans on the clock and on support; only commands and tests lean on it.
"""

from exporter.simulator.faults import Fault, FaultKind
from exporter.simulator.http import running
from exporter.simulator.simulator import Simulator

__all__ = ["Fault", "FaultKind", "Simulator", "running"]
