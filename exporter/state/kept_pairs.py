"""The memories of pairs as a state file and a process have them: whose moments are whose, and what of them is urgent to write.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from exporter.state.pair_memory import PairMemory


class KeptPairs:
    """What is remembered of pairs, by their names, in moments of the steady clock.

    Those of an ``earlier`` run have moments of the wall clock, so they move when that is set, until this run has judged them.
    ``changed`` and ``told`` are set by each poll and by each that changed a verdict, and taken back by who writes them.
    """

    def __init__(self, earlier: Mapping[str, PairMemory] | None = None) -> None:
        self.changed = self.told = False
        self._pairs = dict(earlier or {})
        self._earlier = set(self._pairs)

    def get(self, name: str) -> PairMemory | None:
        """Return what is remembered of the pair ``name``, if anything is."""
        return self._pairs.get(name)

    def keep(self, name: str, memory: PairMemory) -> None:
        """Remember ``memory`` of the pair ``name``, instead of what was remembered before."""
        before = self._pairs.get(name)
        self.changed = True
        self.told |= _verdicts(before or PairMemory(memory.ends, memory.at)) != _verdicts(memory)
        self._pairs[name] = memory
        self._earlier.discard(name)

    def keep_only(self, names: Iterable[str], ends: Mapping[str, str]) -> bool:
        """Forget all pairs but those called ``names``. Returns whether anything is known under other names than before.

        ``ends`` has by their names the hashes of what they tie together: what is known of the same ends under another name is
        known under theirs.
        """
        before, earlier = self._pairs, self._earlier
        of_ends = {memory.ends: name for name, memory in before.items()}

        def known_before_as(name: str) -> str:
            known, tied = before.get(name), ends.get(name)
            return name if tied is None or (known is not None and known.ends == tied) else of_ends.get(tied, name)

        known_as = {name: old for name in names if (old := known_before_as(name)) in before}
        self._pairs = {name: before[old] for name, old in known_as.items()}
        self._earlier = {name for name, old in known_as.items() if old in earlier}
        return self._pairs.keys() != before.keys() or any(name != old for name, old in known_as.items())

    def take_over(self, before: KeptPairs) -> None:
        """Remember what ``before`` does."""
        self._pairs |= before._pairs
        self._earlier = (self._earlier - before._pairs.keys()) | before._earlier
        self.changed |= before.changed

    def set_clock(self, seconds: float) -> None:
        """Move what an earlier run wrote: the wall clock was set by ``seconds``."""
        for name in self._earlier:
            self._pairs[name] = self._pairs[name].moved_by(-seconds)

    def all(self) -> Mapping[str, PairMemory]:
        """Return all of them as they are now."""
        return dict(self._pairs)

    def written(self) -> None:
        """Note that what is there is about to be written."""
        self.changed = self.told = False


def _verdicts(memory: PairMemory) -> Hashable:
    """Return what would be told anew, and late, if it were lost. Busy times are counted, for their edges move."""
    missing = frozenset(key for key, booking in memory.bookings.items() if booking.missing)
    left = frozenset((booking.start, booking.end) for booking in memory.gone if booking.left)
    return memory.proved, memory.imports_proved, missing, left, sum(time.missing for time in memory.unknown)
