"""What the pairs say, for a snapshot: a bug in how they are judged costs the pairs alone, no poll and no page.

Moments are Unix seconds (``float``), durations seconds.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import structlog

from exporter.model import Observation
from exporter.proof import Proof
from exporter.state.pairs import Pairs

log = structlog.get_logger(__name__)


class Proofs:
    """The proofs of ``pairs``; without any there are none."""

    def __init__(self, pairs: Pairs | None = None) -> None:
        self._pairs = pairs

    def observed(self, target: str, observation: Observation, now: float, *, max_age: float, stepped: float) -> Collection[str]:
        """Return the targets whose proofs are others with a new ``observation``, as the pairs do."""
        if self._pairs is None:
            return ()
        try:
            return self._pairs.observed(target, observation, now, max_age=max_age, stepped=stepped)
        except Exception:
            log.exception("pairs_crashed", target=target)
            return ()

    def of(self, target: str, now: float, stepped: float) -> tuple[tuple[Proof, ...], float]:
        """Return the proofs of ``target`` at ``now`` in moments of the wall clock, and until when (steady) they stay."""
        if self._pairs is None:
            return (), math.inf
        try:
            return self._pairs.proofs(target, now, stepped), self._pairs.holds_until(target, now)
        except Exception:
            log.exception("pairs_crashed", target=target)
            return (), math.inf
