"""All simulated portals, and which of them a call is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.simulator.platform import Call, Description, Reply, html_reply

if TYPE_CHECKING:
    from exporter.simulator.core import Simulator


class Bitrix24Simulator:
    """The Bitrix24 side of a :class:`~exporter.simulator.core.Simulator`."""

    name = "bitrix24"

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def owns(self, path: str) -> bool:
        return path.startswith(("/rest/", "/oauth/token", "/oauth/authorize"))

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
