"""Pairs: the bookings of a resource against its owner's own calendar, from poll to poll.

Moments are Unix seconds (``float``) of the steady clock (:meth:`exporter.clock.Clock.steady`) unless they are said to be of the
wall clock, as the times of bookings and of busy periods are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from exporter.model import Observation
from exporter.proof import PairSpec, Proof
from exporter.state.pair_memory import NoMemories, PairMemories


class Pairs:
    """Holds the newest observation of both ends of each pair, judges them, and remembers. Lives in the event loop."""

    def __init__(self, memories: PairMemories | None = None, on_lag: Callable[[str, float], None] | None = None) -> None:
        """``on_lag`` is told the name of a pair and each new lag in seconds, once."""
        self._memories = NoMemories() if memories is None else memories
        self._on_lag = on_lag

    def arrange(self, specs: Sequence[PairSpec], accounts: Mapping[str, str] | None = None) -> None:
        """Watch the pairs of ``specs`` (each name once) and no others.

        ``accounts`` has the hash of each target's account, as the state file has it. A pair between the same ends keeps its
        memory, with another grace or other directions, too; other ends, or other accounts behind their names, begin anew.
        """
        raise NotImplementedError

    def observed(
        self, target: str, observation: Observation, now: float, *, max_age: float, stepped: float = 0.0
    ) -> frozenset[str]:
        """Take a new observation of ``target`` that is published at ``now``, and judge the pairs that it is of.

        Observations that say nothing of a pair are passed over, so each may be handed in. ``max_age`` is that of its collector
        in seconds, ``stepped`` by how many seconds the wall clock was set. Returns the targets whose :meth:`proofs` are others
        now.
        """
        raise NotImplementedError

    def proofs(self, target: str, now: float, stepped: float = 0.0) -> tuple[Proof, ...]:
        """Return what the pairs say whose bookings are those of ``target``, in moments of the wall clock.

        A pair of which an end is older than its ``max_age`` at ``now`` says nothing. The same tuple is returned as long as
        nothing changes.
        """
        raise NotImplementedError

    def holds_until(self, target: str, now: float) -> float:
        """Return the moment at which :meth:`proofs` of ``target`` change without a new observation; infinity for never."""
        raise NotImplementedError
