"""What may go wrong in the simulated worlds, and the world of the demo.

They lean on both simulated platforms, which do not know them.
"""

from exporter.simulator.drills.incident import Incident
from exporter.simulator.drills.incidents import INCIDENTS
from exporter.simulator.drills.scenarios import SCENARIOS, Scenario, run_scenario
from exporter.simulator.drills.sync_partner import SourceBooking, SyncPartner

__all__ = ["INCIDENTS", "SCENARIOS", "Incident", "Scenario", "SourceBooking", "SyncPartner", "run_scenario"]
