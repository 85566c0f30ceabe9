"""Exponential back-off with jitter: how long to wait after the n-th failure in a row."""

from __future__ import annotations

from random import Random


def exponential(attempt: int, *, initial_seconds: float, max_seconds: float, random: Random) -> float:
    """Return the back-off in seconds after failure ``attempt`` (from 0): ``initial_seconds``, doubled up to ``max_seconds``.

    Half of it is jitter, so that many targets that failed together do not come back together.
    """
    ceiling = min(max_seconds, initial_seconds * 2.0 ** min(attempt, 30))
    return ceiling * (0.5 + random.random() / 2)
