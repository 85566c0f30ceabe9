"""What every part of the simulator has in common: the time, the chance and the log of requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from exporter.clock import Clock
from exporter.simulator.requestlog import RequestLog


@dataclass(frozen=True, slots=True)
class Stage:
    """What a simulated platform knows of the simulator that it is a part of. The same ``seed`` gives the same world."""

    clock: Clock
    seed: int
    log: RequestLog = field(default_factory=RequestLog)

    def now(self) -> float:
        """Return the simulator's time in Unix seconds."""
        return self.clock.time()

    def random_for(self, *names: object) -> Random:
        """Return a generator of its own for a part of the world, so that parts do not shift each other."""
        return Random(":".join(map(str, (self.seed, *names))))  # noqa: S311  a reproducible world, not a secret
