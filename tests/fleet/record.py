"""When each target was asked what, and what can be said about it."""

from __future__ import annotations

import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final, TypedDict

PERCENTILES: Final = {"p1": 0.01, "p50": 0.5, "p99": 0.99, "worst": 1.0}


class Report(TypedDict):
    """What was asked between two moments. ``refused`` counts answers that are no success, by what they say."""

    requests: int
    operations: dict[str, int]
    targets: dict[str, int]
    intervals: dict[str, dict[str, float]]
    refused: dict[str, int]


class Record:
    """Every arrival, by operation and target. Moments are those of the monotonic clock, which all processes share."""

    def __init__(self) -> None:
        self._arrivals: defaultdict[str, defaultdict[str, array[float]]] = defaultdict(lambda: defaultdict(lambda: array("d")))
        self._refused: Counter[str] = Counter()

    def note(self, operation: str, target: str) -> None:
        self._arrivals[operation][target].append(time.monotonic())

    def refuse(self, what: str) -> None:
        self._refused[what] += 1

    def report(self, since: float = 0.0, until: float = float("inf")) -> Report:
        """Report what arrived from ``since`` to ``until``; refusals are those of the whole life.

        ``targets`` counts, by operation, the targets that were asked at all; ``intervals`` are the seconds between two asks
        of the same target, both of which lie in the time in question.
        """
        asked = {
            operation: {name: [at for at in moments if since <= at < until] for name, moments in targets.items()}
            for operation, targets in self._arrivals.items()
        }
        operations = {operation: sum(map(len, targets.values())) for operation, targets in asked.items()}
        return Report(
            requests=sum(operations.values()),
            operations=operations,
            targets={operation: sum(map(bool, targets.values())) for operation, targets in asked.items()},
            intervals={operation: found for operation, targets in asked.items() if (found := _percentiles(targets))},
            refused=dict(self._refused),
        )


def _percentiles(targets: Mapping[str, list[float]]) -> dict[str, float]:
    seconds = sorted(_between(targets))
    return {name: seconds[int(share * (len(seconds) - 1))] for name, share in PERCENTILES.items()} if seconds else {}


def _between(targets: Mapping[str, list[float]]) -> Iterator[float]:
    for moments in targets.values():
        for before, after in pairwise(moments):
            yield after - before
