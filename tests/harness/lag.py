"""A loop that is as late as a test says, on a clock of the test's."""

from __future__ import annotations

from exporter.clock.loop_lag import TICK_SECONDS, LoopLag
from tests.harness.clock import ManualClock


class LateLag(LoopLag):
    """Ticks on ``clock``, from the first listener on; ``lateness`` is what it reports, in seconds."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.lateness = 0.0
        self._clock = clock
        self._tick_on()

    def late(self) -> float:
        return self.lateness

    def _tick_on(self) -> None:
        self._clock.call_later(TICK_SECONDS, self._tick_on)
        for listener in self._listeners:
            listener()
