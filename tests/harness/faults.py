"""Waiting for a call to arrive at the simulator."""

from __future__ import annotations

import asyncio

from exporter.simulator import Simulator


async def met(simulator: Simulator, *, seconds: float = 30.0) -> None:
    """Wait until calls have met all faults that are switched on for a number of times."""
    async with asyncio.timeout(seconds):
        while simulator.faults.active():  # noqa: ASYNC110  that a call has arrived is no event
            await asyncio.sleep(0.001)
