"""The pairs of the configuration in force: what sessions read for them, who judges them, and where that is remembered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from exporter.clock import Clock
from exporter.config import Config, paired_resources
from exporter.metrics import Instruments
from exporter.platforms.settings import Target
from exporter.proof import PairSpec
from exporter.state.pair_ends import ends_hash
from exporter.state.pair_memory import PairMemory
from exporter.state.pairs import Pairs
from exporter.state.snapshot import CollectorState, Snapshot
from exporter.state.status_history import StatusHistory


class PairedResources:
    """The resources that pairs name, by target; a reload may change them while sessions live."""

    def __init__(self) -> None:
        self._by_target: Mapping[str, Mapping[str, frozenset[str]]] = {}

    def of(self, target: str) -> Mapping[str, frozenset[str]]:
        """Return the resources of ``target`` that pairs name, as they are configured, each with its ids."""
        return self._by_target.get(target, {})

    def arrange(self, specs: Iterable[PairSpec], targets: Iterable[Target]) -> None:
        """Let sessions read the resources of ``specs``, which are those of ``targets``, from their next poll on."""
        self._by_target = paired_resources(specs, targets)

    @contextlib.contextmanager
    def tried(self, config: Config) -> Iterator[None]:
        """Arrange those of ``config`` while the block opens sessions that look at them; if it fails, those of before stay."""
        before = self._by_target
        self.arrange(config.pair_specs, config.targets)
        try:
            yield
        except BaseException:
            self._by_target = before
            raise


class LivePairs:
    """Judges the pairs of the configuration in force, with the memories of its state file."""

    def __init__(self, clock: Clock, instruments: Instruments, history: StatusHistory) -> None:
        self._clock = clock
        self._instruments = instruments
        self._history = history
        self.pairs = Pairs(self, instruments.proof_lag)

    def load(self, pair: str) -> PairMemory | None:
        """Return what the state file remembers of ``pair``, see :class:`~exporter.state.pair_memory.PairMemories`."""
        return self._history.pair(pair)

    def keep(self, pair: str, memory: PairMemory) -> None:
        """Remember ``memory`` of ``pair`` in the state file, see :class:`~exporter.state.pair_memory.PairMemories`."""
        self._history.keep_pair(pair, memory)

    def publishing(self, snapshot: Snapshot) -> Callable[[CollectorState], None]:
        """Return what puts a state into ``snapshot``, which has the pairs judged by it."""
        return lambda state: snapshot.put(state, self._clock.stepped())

    def arrange(self, config: Config, accounts: Mapping[str, str], history: StatusHistory, snapshot: Snapshot) -> None:
        """Judge the pairs of ``config`` from now on, those of before as they are remembered.

        ``accounts`` has the hash of each target's account. To be called when the counters of all targets are on the page.
        """
        self._history = history
        specs = config.pair_specs
        ends = {spec.name: ends_hash(spec, accounts) for spec in specs}
        history.keep_pairs(frozenset(pair.name for pair in config.pairs), ends)
        self._instruments.arrange_pairs({spec.name: spec.bookings for spec in specs})
        snapshot.arrange_pairs(specs, accounts)
