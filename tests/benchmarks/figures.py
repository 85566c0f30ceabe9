"""What a benchmark finds: a figure of ours beside the same figure of its peers, measured in turns, and what it is held to."""

from __future__ import annotations

import importlib
import math
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

MET: Final = "met"
MISSED: Final = "missed"
NOT_RUN: Final = "not run"


class NotRun(Exception):  # noqa: N818  it is no error: this machine cannot run the benchmark
    """What is missing here, and the command that brings it."""


class Goal(msgspec.Struct, frozen=True):
    """What a figure is at most: itself, in ``unit``, or as a share of the peer ``of``.

    ``says`` are the words of the promise, which no other goal has; ``benchmark`` is the module that measures it. With ``worst``
    the worst round is held to it and not the median.
    """

    says: str
    benchmark: str
    most: float
    unit: str = ""
    of: str = ""
    worst: bool = False


class Figure(msgspec.Struct, frozen=True):
    """One number a round: ours, and each peer's by its name; less is better.

    ``limit`` names the peer that is no competitor but a bound: the least that physics or a budget allow. ``limited_by`` says in
    words what keeps the figure from being smaller.
    """

    name: str
    unit: str
    ours: tuple[float, ...]
    peers: dict[str, tuple[float, ...]] = {}
    goal: Goal | None = None
    limit: str = ""
    limited_by: str = ""

    def __post_init__(self) -> None:
        if self.goal is not None and not self.goal.of and self.goal.unit != self.unit:
            raise ValueError(f"{self.name} is measured in {self.unit}, its goal is in {self.goal.unit}")

    @property
    def held(self) -> float | None:
        """What is compared with the goal; ``None`` when ours or the peer did not run."""
        if not self.ours or self.goal is None:
            return None
        found = (max if self.goal.worst else statistics.median)(self.ours)
        if not self.goal.of:
            return found
        beside = self.peers.get(self.goal.of)
        return found / statistics.median(beside) if beside else None

    @property
    def verdict(self) -> str:
        """``met``, ``missed`` or ``not run``; nothing where nothing was promised."""
        if self.goal is None:
            return ""
        if self.held is None or math.isnan(self.held):
            return NOT_RUN
        return MET if self.held <= self.goal.most else MISSED


@dataclass(frozen=True)
class Spread:
    """The median of all rounds, the least and the most."""

    median: float
    least: float
    most: float


def spread(values: tuple[float, ...]) -> Spread:
    """Return what a table shows of the rounds."""
    return Spread(statistics.median(values), min(values), max(values))


def turns(rounds: int, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return who is measured in which order: everybody once a round, and each round another one first."""
    return [names[turn % len(names) :] + names[: turn % len(names)] for turn in range(rounds)]


def in_turns(rounds: int, ways: Mapping[str, Callable[[], T]]) -> dict[str, tuple[T, ...]]:
    """Measure every way once a round, so that whatever else the machine does meets all of them; returns the values by way."""
    found: dict[str, list[T]] = {name: [] for name in ways}
    for order in turns(rounds, tuple(ways)):
        for name in order:
            found[name].append(ways[name]())
    return {name: tuple(values) for name, values in found.items()}


async def in_turns_async(rounds: int, ways: Mapping[str, Callable[[], Awaitable[T]]]) -> dict[str, tuple[T, ...]]:
    """Do the same with ways that are awaited."""
    found: dict[str, list[T]] = {name: [] for name in ways}
    for order in turns(rounds, tuple(ways)):
        for name in order:
            found[name].append(await ways[name]())
    return {name: tuple(values) for name, values in found.items()}


def process_cpu(pid: int) -> float:
    """Return the processor time of a process in seconds, ended threads included, to the nanosecond; Linux only.

    It is the clock that ``clock_getcpuclockid(3)`` names, which Python does not offer; ``/proc`` counts in steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


def peer(module: str) -> Any:  # noqa: ANN401  whatever the peer offers
    """Import a peer, or say how to get it."""
    try:
        found: ModuleType = importlib.import_module(module)
    except ModuleNotFoundError as missing:
        raise NotRun(f"{missing.name} is not installed; `make bench` installs it") from None
    return found
