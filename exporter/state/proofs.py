"""What the pairs say, for a snapshot: a bug in how they are judged costs the pairs alone, no poll and no page.

Moments are Unix seconds (``float``), durations seconds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import structlog

from exporter.model import Observation
from exporter.proof import PairSpec, Proof, SilentPair
from exporter.state.pairs import Pairs

log = structlog.get_logger(__name__)


class Proofs:
    """The proofs of ``pairs``; without any there are none."""

    def __init__(self, pairs: Pairs | None = None) -> None:
        self._pairs = Pairs() if pairs is None else pairs
        self._ends: frozenset[str] = frozenset()
        self._booked: frozenset[str] = frozenset()

    def arrange(self, specs: Sequence[PairSpec], accounts: Mapping[str, str] | None = None) -> None:
        """Judge the pairs of ``specs`` and no others, see :meth:`exporter.state.pairs.Pairs.arrange`."""
        try:
            self._pairs.arrange(specs, accounts)
        except Exception:
            log.exception("pairs_crashed")
        # Of thousands of targets few are of a pair.
        self._booked = frozenset(spec.bookings for spec in specs)
        self._ends = self._booked.union(spec.calendar for spec in specs)

    def observed(self, target: str, observation: Observation, now: float, *, max_age: float, stepped: float) -> Collection[str]:
        """Return the targets whose proofs are others with a new ``observation``, as the pairs do."""
        if target not in self._ends:
            return ()
        try:
            return self._pairs.observed(target, observation, now, max_age=max_age, stepped=stepped)
        except Exception:
            log.exception("pairs_crashed", target=target)
            return ()

    def of(self, target: str, now: float, stepped: float) -> tuple[tuple[Proof, ...], tuple[SilentPair, ...], float]:
        """Return the proofs of ``target`` at ``now``, the pairs without one, and until when (steady) both stay.

        Moments of proofs are those of the wall clock.
        """
        if target not in self._booked:
            return (), (), math.inf
        try:
            silent, until = self._pairs.silent(target, now)
            return self._pairs.proofs(target, now, stepped), silent, min(until, self._pairs.holds_until(target, now))
        except Exception:
            log.exception("pairs_crashed", target=target)
            return (), (), math.inf
