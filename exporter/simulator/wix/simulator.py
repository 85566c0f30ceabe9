"""All simulated sites, and which of them a call is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.simulator.platform import Call, Description, Reply, html_reply

if TYPE_CHECKING:
    from exporter.simulator.core import Simulator


class WixSimulator:
    """The Wix side of a :class:`~exporter.simulator.core.Simulator`."""

    name = "wix"

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def owns(self, path: str) -> bool:
        return path.startswith(("/bookings/", "/_api/", "/oauth2/", "/oauth/access", "/calendar/"))

    def describe(self, call: Call) -> Description:
        return Description("unknown", call.path)

    async def answer(self, call: Call) -> Reply:
        del call
        return html_reply(404, "404 Not Found")

    def advance(self) -> None:
        pass

    def overview(self) -> object:
        return {}

    def reset(self) -> None:
        pass
