"""Pairs in a process that is killed, stopped and started, by a clock that is set: a sync that works is never accused."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.calendar_busy import BusyObservation
from exporter.counting import clipped, minus, union
from exporter.proof import ProofState
from exporter.state.pair_memory import PairMemory
from exporter.state.pair_text import pair_of, pair_text
from exporter.state.pairs import Pairs
from exporter.state.status_history import EVENTS_SAVE_SECONDS
from tests.harness.pairs import DAY, HOUR, MAX_AGE, MINUTE, hours
from tests.state.test_pairs_properties import STEPS, Working

LIFE = st.lists(
    st.one_of(
        STEPS.map(lambda steps: steps[:3]),
        st.tuples(st.just("killed"), st.sampled_from((10.0, 5 * MINUTE, HOUR, DAY, 8 * DAY))).map(lambda step: [step]),
        st.tuples(st.just("set_clock"), st.sampled_from((-8 * DAY, -DAY, -HOUR, HOUR, DAY, 8 * DAY))).map(lambda step: [step]),
        st.tuples(st.just("stopped"), st.sampled_from((HOUR, DAY))).map(lambda step: [step]),
        st.just([("read_otherwise", None)]),
        st.tuples(st.just("polls"), st.sampled_from((20 * MINUTE, 2 * HOUR))).map(lambda step: [step]),
    ),
    min_size=5,
    max_size=30,
)


class Living(Working):
    """A process with a state file that has what was known at some moment of the last ten minutes."""

    def __init__(self, random: Random, *, has_entries: bool) -> None:
        self.file: list[tuple[float, bytes]] = []
        self.loaded: bytes | None = None
        super().__init__(random, has_entries=has_entries)

    def load(self, _: str) -> PairMemory | None:
        found = None if self.loaded is None else pair_of(self.loaded)
        return None if found is None else found.moved_by(-self.stepped)

    def keep(self, _: str, memory: PairMemory) -> None:
        self.file.append((self.now, pair_text(memory, self.stepped)))

    def start_again(self) -> None:
        self.killed(0.0)

    def killed(self, seconds: float) -> None:
        """Be killed, and started again ``seconds`` later."""
        recent = [text for at, text in self.file if at >= self.now - EVENTS_SAVE_SECONDS]
        if self.file:
            self.loaded = self.random.choice(recent or [self.file[-1][1]])
        if seconds:
            self.pass_time(seconds)
        # The steady line of the new process begins with what the wall clock says.
        by, self.stepped = self.stepped, 0.0
        self.now += by
        self.waiting = [(at + by, change) for at, change in getattr(self, "waiting", ())]
        self.file = [(at + by, text) for at, text in self.file[-5:]]
        self.pairs = Pairs(self, lambda pair, lag: self.lags.append((pair, lag)))
        self.pairs.arrange(self.specs)

    def set_clock(self, seconds: float) -> None:
        self.stepped += seconds

    def stopped(self, seconds: float) -> None:
        """Be stopped between the question to the calendar and the answer, which is read when the process goes on."""
        was = self.now
        busy = tuple(sorted(clipped([*self.copies, *self.private], self.wall - DAY, self.wall + 8 * DAY)))
        entries, free = (busy, ()) if self.has_entries else (None, None)
        span, periods = (self.wall - DAY, self.wall + 8 * DAY), minus(union(busy), self.unclear)
        told = BusyObservation(was, *span, periods, entries=entries, free=free, unclear=self.unclear)
        self.pass_time(seconds)
        self.pairs.observed("anna-cal", told, self.now, max_age=MAX_AGE, stepped=self.stepped)

    def read_otherwise(self) -> None:
        """Read entries from now on, or busy times alone, as after a reload."""
        self.has_entries, self.unclear = not self.has_entries, ()

    def polls(self, seconds: float, interval: float = 5 * MINUTE) -> None:
        until = self.now + seconds
        while self.now < until:
            self.pass_time(interval)
            self.poll()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(life=LIFE, seed=st.integers(0, 999), has_entries=st.booleans())
def test_a_sync_that_works_is_never_accused_whatever_becomes_of_the_process_and_its_clock(
    life: list[list[tuple[str, object]]], seed: int, has_entries: bool
) -> None:
    scene = Living(Random(seed), has_entries=has_entries)
    for day in range(1, 6):
        scene.private.append(hours(19, 21, day=day))
        scene.knows = [*(scene.knows or ()), hours(19, 21, day=day)]
    scene.prove()
    assert ProofState.PROVED is scene.state()
    for name, argument in (step for steps in life for step in steps):
        getattr(scene, name)(*(() if argument is None else (argument,)))
        assert [] == scene.accusations(), name
        assert all(0 <= lag <= DAY for _, lag in scene.lags)
        scene.pass_time(scene.random.choice((5.0, MINUTE, 5 * MINUTE)))
