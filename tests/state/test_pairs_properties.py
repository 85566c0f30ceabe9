"""Pairs in worlds of every kind: a sync that works is never accused, and of another a raster of minutes says the same."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exporter.calendar_busy import Period
from exporter.proof import Import
from tests.harness.pairs import BEGIN, DAY, GRACE, HOUR, MINUTE, Kept, Scene, hours, times

SYNC_TAKES = 15 * MINUTE
BOOKED = st.builds(
    lambda day, hour, half: hours(hour, hour + 0.5 + half / 2, day), st.integers(1, 4), st.integers(8, 17), st.integers(0, 2)
)
PRIVATE = st.builds(
    lambda day, hour, length: hours(hour + 1 / 3, hour + 1 / 3 + length / 4, day),  # its ends are those of no booking
    st.integers(1, 4),
    st.integers(7, 18),
    st.integers(1, 30),
)
LITTLE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Working(Scene):
    """A pair whose sync works: each change is in the calendar, or on the platform, after a quarter of an hour at the most."""

    def __init__(self, random: Random, *, has_entries: bool) -> None:
        super().__init__(has_entries=has_entries, kept=Kept())
        self.random = random
        self.waiting: list[tuple[float, Callable[[], None]]] = []
        self.knows = []
        self.made = 0

    def later(self, change: Callable[[], None], *, behind: float = 0.0) -> None:
        """Let the sync do ``change`` in a while, changes in their order."""
        at = self.now + self.random.uniform(0, SYNC_TAKES)
        self.waiting.append((max(at, behind, *(moment for moment, _ in self.waiting)) if self.waiting else at, change))

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while self.waiting and self.waiting[0][0] <= until:
            self.waiting.pop(0)[1]()
        self.now = until

    def make(self, period: Period) -> None:
        self.made += 1
        self.bookings[f"b{self.made}"] = period
        self.later(lambda: self.copies.append(period))

    def cancel(self) -> None:
        if self.bookings:
            self.remove_booking(self.random.choice(sorted(self.bookings)))

    def remove_booking(self, name: str) -> None:
        period = self.bookings.pop(name)
        self.later(lambda: self.copies.remove(period))

    def move(self, period: Period) -> None:
        if self.bookings:
            name = self.random.choice(sorted(self.bookings))
            before, self.bookings[name] = self.bookings[name], period
            self.later(lambda: self.copies.__setitem__(self.copies.index(before), period))

    def add_private(self, period: Period) -> None:
        self.private.append(period)
        assert self.knows is not None
        self.later(lambda: self.knows.append(period))  # type: ignore[union-attr]

    def remove_private(self) -> None:
        if self.private:
            period = self.random.choice(self.private)
            self.private.remove(period)
            self.later(lambda: self.knows.remove(period))  # type: ignore[union-attr]

    def hide(self, day: int) -> None:
        """Let a holiday hide what else is in the calendar on a ``day``; 0 for no holiday."""
        self.unclear = (hours(0, 24, day),) if day and not self.has_entries else ()

    def accusations(self) -> list[object]:
        return [
            row for proof in self.shown() for rows in (proof.missing, proof.left, proof.unknown_to_platform) for row in rows
        ]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("make"), BOOKED),
        st.tuples(st.just("cancel"), st.none()),
        st.tuples(st.just("move"), BOOKED),
        st.tuples(st.just("add_private"), PRIVATE),
        st.tuples(st.just("remove_private"), st.none()),
        st.tuples(st.just("read_bookings"), st.none()),
        st.tuples(st.just("read_calendar"), st.none()),
        st.tuples(st.just("read_events"), st.none()),
        st.tuples(st.just("poll"), st.none()),
        st.tuples(st.just("start_again"), st.none()),
        st.tuples(st.just("hide"), st.integers(0, 4)),
        st.tuples(st.just("pass_time"), st.sampled_from((10.0, MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 5 * HOUR))),
    ),
    min_size=20,
    max_size=80,
)

CAME_AND_WENT: list[tuple[str, object]] = [  # a booking that no read of the bookings told, and a read of the calendar did
    ("make", hours(9, 9.5)),
    ("pass_time", HOUR),
    ("read_calendar", None),
    ("pass_time", HOUR),
    ("remove_booking", "b1"),
    ("poll", None),
]


@LITTLE
@given(steps=STEPS, seed=st.integers(0, 999), has_entries=st.booleans())
@example(steps=CAME_AND_WENT, seed=0, has_entries=False)
def test_a_sync_that_works_is_never_accused_whatever_is_read_when(
    steps: list[tuple[str, object]], seed: int, has_entries: bool
) -> None:
    scene = Working(Random(seed), has_entries=has_entries)
    for day in range(1, 6):
        scene.private.append(hours(19, 21, day=day))
        scene.knows = [*(scene.knows or ()), hours(19, 21, day=day)]
    scene.prove()
    for name, argument in steps:
        getattr(scene, name)(*(() if argument is None else (argument,)))
        assert [] == scene.accusations(), name
        scene.pass_time(scene.random.choice((5.0, MINUTE, 5 * MINUTE)))


def test_the_world_of_a_sync_that_works_is_one_in_which_faults_show() -> None:
    scene = Working(Random(1), has_entries=False)
    scene.prove()
    scene.make(hours(10, 11))
    scene.waiting.clear()
    scene.polls(HOUR)
    assert 1 == len(scene.accusations())


def minutes(period: Period) -> set[int]:
    return set(range(round((period[0] - BEGIN) / MINUTE), round((period[1] - BEGIN) / MINUTE)))


def raster(periods: list[Period]) -> set[int]:
    return {minute for period in periods for minute in minutes(period)}


FAULTY = st.lists(st.tuples(BOOKED, st.sampled_from(("arrives", "lost", "left", "went"))), max_size=12)


@settings(LITTLE, max_examples=30)
@given(FAULTY, st.lists(PRIVATE, max_size=5), st.lists(PRIVATE, max_size=5))
def test_what_is_missing_and_left_behind_and_unknown_is_what_a_raster_of_minutes_says(
    bookings: list[tuple[Period, str]], known: list[Period], unknown: list[Period]
) -> None:
    scene = Scene()
    scene.knows = [hours(19, 21, day=day) for day in range(1, 6)]
    scene.private = list(scene.knows)
    scene.prove()
    for number, (period, fate) in enumerate(bookings):
        scene.book(f"b{number}", period, arrives=fate != "lost")
    scene.polls(10 * MINUTE)
    for number, (period, fate) in enumerate(bookings):
        if fate in {"left", "went"}:
            del scene.bookings[f"b{number}"]
        if fate == "went":
            scene.copies.remove(period)
    scene.poll()  # what went is seen to be free before anything else is there
    scene.private += known + unknown
    scene.knows += known
    scene.polls(HOUR, 10 * MINUTE)

    busy = raster([*scene.copies, *scene.private])
    booked = raster(list(scene.bookings.values()))
    absent = {name for name, (start, end) in scene.bookings.items() if not minutes((start + MINUTE, end - MINUTE)) <= busy}
    assert absent == set(scene.missing())

    gone = [period for period, fate in bookings if fate in {"left", "went"}]
    behind = [period for period, fate in bookings if fate == "left"]
    for period in set(gone):
        rest = minutes(period) - booked
        is_told = period in scene.left()
        if is_told:
            assert rest <= busy - booked, "it is busy, and of no booking"
            around = connected(rest, busy - booked)
            assert around <= raster(gone), "of nothing but cancelled bookings"
        elif period in behind and rest and connected(rest, busy - booked) <= raster(behind):
            pytest.fail("a copy that was left behind alone, and is not told")

    unheard = busy - booked - raster(scene.knows)
    told = raster(times(scene.proof().unknown_to_platform)) if scene.proof().imports is not None else set()
    assert told <= unheard - raster(behind)
    ends = raster([*scene.bookings.values(), *gone])
    assert {minute for minute in unheard - told if all(abs(minute - other) > 61 for other in ends)} == set(), (
        "far from bookings"
    )
    numbers = scene.proof().imports
    assert numbers is not None
    assert bool(told) == bool(numbers[Import.MISSING])
    assert 0 == numbers[Import.PENDING]


def connected(some: set[int], among: set[int]) -> set[int]:
    """Return the minutes ``among`` which are in one piece with ``some``."""
    found = set(some)
    edge = set(some)
    while edge:
        edge = {near for minute in edge for near in (minute - 1, minute + 1) if near in among} - found
        found |= edge
    return found


@LITTLE
@given(st.lists(BOOKED, min_size=1, max_size=8), st.floats(0, 4 * GRACE), st.sampled_from((60.0, 300.0, 600.0)))
def test_a_lost_booking_is_told_in_the_first_polls_after_its_grace_and_not_before(
    bookings: list[Period], made: float, interval: float
) -> None:
    scene = Scene()
    scene.prove()
    scene.polls(made, interval)
    for number, period in enumerate(bookings):
        scene.book(f"b{number}", period, arrives=False)
    known = scene.now
    while scene.now < known + 2 * GRACE:
        scene.poll(interval)
        if scene.now < known + GRACE:
            assert [] == scene.missing()
        elif scene.now > known + GRACE + 2 * interval + MINUTE:
            assert {f"b{number}" for number in range(len(bookings))} == set(scene.missing())


@LITTLE
@given(st.floats(0, DAY), st.floats(1, 3 * HOUR), st.sampled_from((60.0, 300.0, 600.0)))
def test_a_lag_is_no_shorter_than_the_sync_took_and_longer_by_the_intervals_at_most(
    begin: float, takes: float, interval: float
) -> None:
    scene = Scene()
    scene.prove()
    scene.polls(begin / 10, interval)
    scene.book("new", hours(10, 11, day=3), arrives=False)
    scene.created["new"] = made = scene.now
    while scene.now < made + takes:
        scene.poll(min(interval, made + takes - scene.now))
    scene.copies.append(hours(10, 11, day=3))
    came = scene.now
    scene.poll(interval)
    scene.poll(interval)
    assert [True] == [came - made <= seconds <= came - made + 2 * interval + MINUTE for _, seconds in scene.lags]
