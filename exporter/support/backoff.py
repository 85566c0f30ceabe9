"""How long to wait after the n-th failure in a row."""

from __future__ import annotations

from random import Random


def exponential(attempt: int, *, first: float, most: float, random: Random) -> float:
    """Return seconds to wait after failure number ``attempt`` (from 0): ``first`` doubled each time, at most ``most``.

    Half of it is jitter, so that many targets that failed together do not come back together.
    """
    ceiling = min(most, first * 2.0 ** min(attempt, 30))
    return ceiling * (0.5 + random.random() / 2)
