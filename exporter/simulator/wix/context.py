"""What a service of Wix knows while it answers one call."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.simulator.platform import Call
from exporter.simulator.wix.credentials import Caller
from exporter.simulator.wix.switches import Switches
from exporter.simulator.wix.world import Site


@dataclass(frozen=True, slots=True)
class CallContext:
    """One accepted call. ``now`` is Unix seconds; ``connection_id`` is the one in the path, else empty."""

    call: Call
    site: Site
    caller: Caller
    switches: Switches
    now: float
    connection_id: str = ""
