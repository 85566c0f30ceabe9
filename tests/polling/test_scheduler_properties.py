"""The scheduler against a model of what is promised, in any order of results, reloads, stalls, clock steps and stops.

The model knows no arithmetic of the scheduler: only between which two moments the next poll of a collector has to begin.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Literal

import pytest
import structlog
import structlog.testing
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exporter import errors
from exporter.errors import PollError, Reason
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.base import PollResult
from exporter.polling.admission import Admission
from exporter.polling.poll import Job
from exporter.polling.scheduler import Scheduler
from exporter.state.poll_requests import PollAnswer, PollRequest
from exporter.state.snapshot import CollectorState
from tests.harness.clock import ManualClock

pytestmark = pytest.mark.slow

GRACE = 5.0
BEGUN_AGAIN_WITHIN = 60.0
CANCELLED_WITHIN = 1.0
SWALLOWS_FOR = 40.0
ASKED_APART = 10.0
ROUNDING = 1e-3
NEVER = float("inf")

A_PERSON_MENDS: Final = {Reason.AUTH, Reason.PERMISSION, Reason.NOT_ENTITLED, Reason.NOT_FOUND, Reason.CONFIG}
LIMITED: Final = {Reason.RATE_LIMITED, Reason.OPERATING_LIMIT}
ERRORS: Final = {
    error.reason: error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, PollError)
}

Key = tuple[str, CollectorName]
Plan = dict[str, tuple[tuple[CollectorName, float, float], ...]]
"""The collectors of each target: name, interval, phase as a part of it."""


@dataclass(frozen=True)
class Behaviour:
    """What a poll does: for ``seconds`` nothing, then how it ends."""

    end: Literal["good", "partial", "fails", "bug", "times out inside", "is cancelled inside", "hangs", "swallows its end"] = (
        "good"
    )
    seconds: float = 0.0
    reason: Reason = Reason.INTERNAL
    retry_after: float | None = None


def promised(interval: float, reason: Reason, retry_after: float | None, failures: int) -> tuple[float, float]:
    """Return after how many seconds at the least and at the most a collector comes back from a failed poll."""
    asked = retry_after or 0.0
    failures = min(failures, 31)  # no interval is so short that it still grows, and 2 ** 1024 is no float
    if reason in A_PERSON_MENDS:
        wait = max(asked, interval, min(900.0, interval * 2 ** (failures - 1)))
        return wait, wait
    if reason is Reason.OVERLOAD:
        return max(asked, interval, 900.0), max(asked, interval, 900.0)
    if reason in LIMITED:
        grown = min(interval, 10.0 * 2 ** (failures - 2)) if failures > 1 else 0.0  # a short wait is believed once
        wait = max(asked, grown) if asked else interval
        return wait, wait
    most = min(max(interval, 10.0), min(interval, 10.0) * 2 ** (failures - 1))
    return max(asked, most / 2), max(asked, most)


@dataclass(eq=False)
class Watched:
    """A collector that does as it is told, and what the model expects of its polls."""

    world: World
    key: Key
    interval: float
    phase: float
    number: int
    behaviour: Behaviour
    place: Literal["live", "leaving", "gone"] = "live"
    leaves_at: float = NEVER
    earliest: float = 0.0
    latest: float = 0.0
    began: float | None = None
    ends_by: float = 0.0
    doing: Behaviour = Behaviour()
    failures: int = 0
    finished: int = 0
    shown: int = 0
    failures_shown: int = 0
    crashes: bool = False
    begins_again_within: float = 0.0
    held: float = -NEVER
    forgiven: int = 0
    tried: int = 0

    @property
    def deadline(self) -> float:
        return max(3 * self.interval, 300.0)

    def job(self) -> Job:
        # The age is a mark: by it one sees whose state is published.
        target, name = self.key
        return Job(target, "wix", name, self.interval, 1e6 + self.number, self, self.world, self.phase)

    async def poll(self) -> PollResult:
        with self.world.noticing():
            return await self._poll()

    async def _poll(self) -> PollResult:
        now = self.world.clock.monotonic()
        assert "live" == self.place, f"a poll of {self} begins after its end"
        assert self.began is None, f"two polls of {self} at once"
        assert [self] == [other for other in self.world.of("live", "leaving") if other.key == self.key]
        assert self.earliest - ROUNDING <= now, f"{self} is polled {self.earliest - now} s early"
        assert self.finished == self.shown, f"a poll of {self} was not shown"
        self._check_that_it_is_not_late()
        self.began, self.ends_by, self.doing = now, now + self.deadline, self.behaviour
        try:
            result = await self._act(self.doing)
        except asyncio.CancelledError:
            self._is_cancelled()
            raise
        except PollError as error:
            self._failed(error.reason, error.retry_after)
            raise
        except Exception:
            self._failed(Reason.INTERNAL, None)
            raise
        self.failures = self.failures + 1 if result.failure else 0
        self.forgiven = self.forgiven if result.failure else 0
        self.held = self.world.clock.monotonic() + ((result.failure and result.failure.retry_after) or 0.0)
        self._back_to_its_phase()
        return result

    async def _act(self, behaviour: Behaviour) -> PollResult:
        await self.world.clock.sleep(behaviour.seconds)
        if behaviour.end in ("hangs", "swallows its end"):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if behaviour.end == "hangs":
                    raise
                self._check_the_end()
                await self.world.clock.sleep(SWALLOWS_FOR)
        failure = ERRORS[behaviour.reason]("no", retry_after=behaviour.retry_after)
        if behaviour.end == "fails":
            raise failure
        if behaviour.end == "bug":
            raise ZeroDivisionError
        if behaviour.end == "times out inside":
            raise TimeoutError
        if behaviour.end == "is cancelled inside":
            self._failed(Reason.INTERNAL, None)
            raise asyncio.CancelledError
        return PollResult(BookingsObservation(0.0, ()), failure if behaviour.end == "partial" else None)

    def check(self) -> None:
        """A collector that lives is polled in time, and a poll that runs ends in time."""
        if self.began is None:
            self._check_that_it_is_not_late()
        else:
            now, swallowed = self.world.clock.monotonic(), SWALLOWS_FOR if self.doing.end == "swallows its end" else 0.0
            assert now <= self.ends_by + swallowed + ROUNDING, f"{self} is not ended"

    def stall(self, seconds: float) -> None:
        """Expect what comes due while the loop stands still to come at its end."""
        self.latest = max(self.latest, self.world.clock.monotonic() + seconds)
        self.ends_by += seconds

    def _check_that_it_is_not_late(self) -> None:
        late = self.world.clock.monotonic() - self.latest
        assert late <= min(self.world.gate.longest, self.interval) + ROUNDING, f"{self} is polled {late} s late, or never"

    def _is_cancelled(self) -> None:
        if self.began is None:
            return  # from inside
        self._check_the_end()
        self._failed(Reason.TIMEOUT, None)

    def _check_the_end(self) -> None:
        """A running poll is ended for one of two reasons, and not before its time."""
        now = self.world.clock.monotonic()
        assert self.began is not None
        is_over = now >= self.began + self.deadline - ROUNDING
        assert is_over or now >= self.leaves_at - ROUNDING, f"{self} is ended early"

    def _failed(self, reason: Reason, retry_after: float | None) -> None:
        self.failures += 1
        now = self._ended()
        limited = reason in LIMITED or reason is Reason.OVERLOAD
        least, most = promised(self.interval, reason, retry_after, self.failures - (0 if limited else self.forgiven))
        self.earliest, self.latest = now + least, now + most
        self.held = now + (least if limited else retry_after or 0.0)

    def is_asked(self, asked: PollRequest, paused: float) -> None:
        """Expect what somebody who wants a poll now was answered: never a second one, never before the platform's time."""
        now = self.world.clock.monotonic()
        if asked.answer is PollAnswer.POLLING:
            assert self.began is not None or self.earliest <= now + ROUNDING, f"{self} is not being polled"
            return
        assert self.began is None
        self.forgiven = self.failures
        due = max(now, self.held, now + paused)
        self.earliest, self.latest = min(self.earliest, due), min(self.latest, due + self.begins_again_within)
        if asked.answer is PollAnswer.WAITS:
            assert self.earliest - ROUNDING <= now + asked.seconds <= self.latest + ROUNDING
        else:
            assert self.earliest <= now + ROUNDING, f"{self} is polled although the platform wants it not to be"

    def _back_to_its_phase(self) -> None:
        began = self.began or 0.0
        now = self._ended()
        self.earliest = max(began + self.interval / 2, now)
        self.latest = self.earliest + self.interval

    def _ended(self) -> float:
        self.began, self.finished = None, self.finished + 1
        return self.world.clock.monotonic()

    def __repr__(self) -> str:
        return f"{self.key[0]}/{self.key[1].value} ({self.interval:g} s, number {self.number}, {self.behaviour})"


class QuickClock(ManualClock):
    """Gives the loop no more turns than the scheduler needs: a day of polls in a second."""

    async def settle(self, turns: int = 15) -> None:
        await super().settle(turns)


class Gate(Admission):
    """Lets each poll wait for ``seconds``, but never longer than it may."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.seconds = self.longest = 0.0
        self._wall = clock

    def wait_for(self, seconds: float) -> None:
        self.seconds, self.longest = seconds, max(self.longest, seconds)

    async def poll(self, max_seconds: float) -> None:
        if self.seconds:
            await self._wall.sleep(min(self.seconds, max_seconds))


@dataclass(eq=False)
class World:
    """The scheduler on clocks of ours, the collectors that there were, and what they are to do."""

    clock: QuickClock = field(default_factory=QuickClock)
    all: list[Watched] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    faults: list[BaseException] = field(default_factory=list)
    asked_at: dict[str, float] = field(default_factory=dict)
    asking: bool = False

    def __post_init__(self) -> None:
        self.gate = Gate(self.clock)
        self.scheduler = Scheduler(
            clock=self.clock,
            random=Random(1),
            admission=self.gate,
            publish=self._publish,
            observe_lateness=self._observe_lateness,
        )

    def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
        """Count nothing: it is the recorder of every job."""

    def of(self, *places: str) -> list[Watched]:
        return [watched for watched in self.all if watched.place in places]

    async def change(self, plan: Plan, behaviour: Behaviour) -> None:
        """Poll what ``plan`` says, as a reload does: stop what goes, then start what comes."""
        now = self.plan()
        leaving = {target for target in now if plan.get(target) != now[target]}
        self._leave(leaving)
        await self.scheduler.stop(leaving, grace=GRACE)
        self._are_gone()
        coming = [
            Watched(self, (target, name), interval, interval * part, next(self.numbers), behaviour)
            for target in plan
            if target not in now or target in leaving
            for name, interval, part in plan[target]
        ]
        for watched in coming:
            watched.earliest = watched.latest = self.clock.monotonic()
        self.all += coming
        await self.scheduler.start([watched.job() for watched in coming])

    def ask(self, target: str, paused: float) -> None:
        """Want ``target`` to be polled now, while its platform asks for ``paused`` seconds."""
        now, rows = self.clock.monotonic(), {watched.key[1]: watched for watched in self.of("live") if watched.key[0] == target}
        self.asking = True
        answers = self.scheduler.poll_now(target, paused=paused)
        self.asking = False
        assert set(rows) == {asked.collector for asked in answers}
        if now < self.asked_at.get(target, -NEVER) + ASKED_APART - ROUNDING:
            assert {PollAnswer.TOO_SOON} >= {asked.answer for asked in answers}
            return
        for asked in answers:
            rows[asked.collector].is_asked(asked, paused)
        if {PollAnswer.NOW, PollAnswer.WAITS} & {asked.answer for asked in answers}:
            self.asked_at[target] = now

    async def stop(self, change: asyncio.Task[None] | None) -> None:
        """End everything, a change that is under way first."""
        if change is not None:
            change.cancel()
            for watched in self.of("leaving"):
                watched.leaves_at = self.clock.monotonic()  # nobody waits for them any more
            with contextlib.suppress(asyncio.CancelledError):
                await change
        self._leave({watched.key[0] for watched in self.of("live")})
        await self.scheduler.stop(grace=GRACE)
        self._are_gone()

    def plan(self) -> Plan:
        plan: Plan = {}
        for watched in self.of("live"):
            row = (watched.key[1], watched.interval, watched.phase / watched.interval)
            plan[watched.key[0]] = (*plan.get(watched.key[0], ()), row)
        return plan

    def _leave(self, targets: set[str]) -> None:
        for target in targets:
            self.asked_at.pop(target, None)
        for watched in self.of("live"):
            if watched.key[0] in targets:
                watched.place, watched.leaves_at = "leaving", self.clock.monotonic() + GRACE

    def _are_gone(self) -> None:
        for watched in self.of("leaving"):
            watched.place = "gone"

    def _publish(self, state: CollectorState) -> None:
        with self.noticing():
            watched = self.all[round(state.max_age - 1e6)]
            now = self.clock.monotonic()
            assert (state.target, state.collector) == watched.key
            assert watched.place != "gone", f"{watched} shows something after its end"
            is_new, watched.tried = watched.finished > watched.tried, watched.finished
            if watched.crashes and is_new:
                watched.crashes, watched.failures = False, watched.failures_shown + 1
                watched.latest += BEGUN_AGAIN_WITHIN
                watched.begins_again_within = BEGUN_AGAIN_WITHIN
                raise ZeroDivisionError
            assert state.finished_polls == watched.finished
            assert (state.failure.count if state.failure else 0) == watched.failures
            assert state.up == (watched.failures == 0 < watched.finished)
            if self.asking:
                return  # what it is then to be is told when it was answered
            due = (state.next_poll or 0.0) - self.clock.steady() + now
            assert watched.earliest - ROUNDING <= due <= watched.latest + ROUNDING
            begins_again, watched.begins_again_within = watched.begins_again_within > 0, 0.0
            if watched.finished and not watched.failures and not begins_again:
                assert abs((due - watched.phase + ROUNDING) % watched.interval - ROUNDING) < ROUNDING, "it keeps its phase"
            watched.earliest, watched.latest = due, max(now, due)
            watched.shown, watched.failures_shown = watched.finished, watched.failures

    def _observe_lateness(self, platform: str, seconds: float) -> None:
        with self.noticing():
            assert "wix" == platform
            assert seconds >= 0

    @contextlib.contextmanager
    def noticing(self) -> Iterator[None]:
        try:
            yield
        except AssertionError as fault:
            self.faults.append(fault)
            raise


# Whatever may happen.

TARGETS = ("a", "b", "c")
INTERVALS = (4.0, 60.0, 300.0)
plans: st.SearchStrategy[Plan] = st.dictionaries(
    st.sampled_from(TARGETS),
    st.lists(
        st.tuples(st.sampled_from(list(CollectorName)), st.sampled_from(INTERVALS), st.sampled_from((0.0, 0.3, 0.9))),
        min_size=1,
        max_size=2,
        unique_by=lambda row: row[0],
    ).map(tuple),
    max_size=3,
)
behaviours = st.builds(
    Behaviour,
    st.sampled_from(
        (
            "good",
            "good",
            "partial",
            "fails",
            "fails",
            "fails",
            "bug",
            "times out inside",
            "is cancelled inside",
            "hangs",
            "swallows its end",
        )
    ),
    st.sampled_from((0.0, 0.0, 3.0, 70.0, 250.0)),
    st.sampled_from(list(Reason)),
    st.sampled_from((None, None, 0.0, 3.0, 45.0, 400.0, 4000.0)),
)


class AnyOrder(RuleBasedStateMachine):
    """Reloads, results, stalls, steps of the wall clock and the stop, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda _, context: self.stray.append(context))
        self.stray: list[dict[str, Any]] = []
        self.world = World()
        self.change: asyncio.Task[None] | None = None
        self.changed_by = NEVER
        self.steps = 0
        self.stopped = False
        self.silence = structlog.testing.capture_logs()
        self.said = self.silence.__enter__()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    def begin(self, change: Coroutine[Any, Any, None]) -> None:
        """Begin a change that may wait for polls that run, and for no others."""
        waits = (
            GRACE + CANCELLED_WITHIN if any(watched.began is not None for watched in self.world.of("live", "leaving")) else 0.0
        )
        self.changed_by = self.world.clock.monotonic() + waits
        self.change = self.loop.create_task(change)
        self.do(self.world.clock.settle())

    @property
    def is_changing(self) -> bool:
        return self.change is not None and not self.change.done()

    @initialize(plan=plans, behaviour=behaviours)
    def starts(self, plan: Plan, behaviour: Behaviour) -> None:
        self.begin(self.world.change(plan, behaviour))

    @precondition(lambda self: not self.is_changing and not self.stopped)
    @rule(plan=plans, behaviour=behaviours)
    def reloads(self, plan: Plan, behaviour: Behaviour) -> None:
        self.begin(self.world.change(plan, behaviour))

    @precondition(lambda self: not self.is_changing and not self.stopped)
    @rule(site=st.sampled_from(TARGETS), interval=st.sampled_from(INTERVALS), behaviour=behaviours)
    def reloads_with_another_interval(self, site: str, interval: float, behaviour: Behaviour) -> None:
        plan = self.world.plan()
        rows = plan.get(site, ((CollectorName.BOOKINGS, interval, 0.0),))
        self.begin(self.world.change({**plan, site: tuple((name, interval, part) for name, _, part in rows)}, behaviour))

    @rule(number=st.integers(0, 5), behaviour=behaviours)
    def behaves(self, number: int, behaviour: Behaviour) -> None:
        if live := self.world.of("live"):
            live[number % len(live)].behaviour = behaviour

    @precondition(lambda self: not self.is_changing and not self.stopped)
    @rule(site=st.sampled_from(TARGETS), paused=st.sampled_from((0.0, 0.0, 5.0, 500.0)))
    def somebody_asks(self, site: str, paused: float) -> None:
        self.world.ask(site, paused)
        self.do(self.world.clock.settle())

    @rule(number=st.integers(0, 5))
    def a_bug_of_ours_ends_its_task(self, number: int) -> None:
        if live := self.world.of("live"):
            live[number % len(live)].crashes = True

    @rule(seconds=st.sampled_from((2.0, 10.0, 60.0, 60.0, 300.0, 1000.0)))
    def time_passes(self, seconds: float) -> None:
        self.do(self.world.clock.advance(seconds))

    @rule(seconds=st.sampled_from((0.3, 7.0, 90.0)))
    def the_loop_stands_still(self, seconds: float) -> None:
        for watched in self.world.of("live", "leaving"):
            watched.stall(seconds)
        self.changed_by = max(self.changed_by, self.world.clock.monotonic() + seconds)
        self.do(self.world.clock.stall(seconds))

    @rule(seconds=st.sampled_from((-7200.0, -1.5, 1.5, 7200.0, 1e6)))
    def somebody_sets_the_clock(self, seconds: float) -> None:
        self.world.clock.set_by += seconds

    @rule(seconds=st.sampled_from((0.0, 50.0, 1e6)))
    def the_machine_is_busy(self, seconds: float) -> None:
        self.world.gate.wait_for(seconds)

    @precondition(lambda self: not self.stopped and self.steps > 12)
    @rule()
    def stops(self) -> None:
        self.stopped = True
        self.begin(self.world.stop(self.change if self.is_changing else None))

    @invariant()
    def nothing_is_lost_and_nothing_lasts(self) -> None:
        self.steps += 1
        for fault in self.world.faults:
            raise fault
        for watched in self.world.of("live"):
            watched.check()
        if self.is_changing:
            assert self.world.clock.monotonic() <= self.changed_by + ROUNDING, "a change waits too long"
        elif self.change is not None:
            self.change.result()
        assert [] == self.stray
        assert {"task_died"} >= {line["event"] for line in self.said if "exc_info" in line and line["event"] != "poll_crashed"}

    def teardown(self) -> None:
        try:
            if not self.stopped:
                self.stops()
            self.do(self.world.clock.advance(GRACE + CANCELLED_WITHIN))
            assert not self.is_changing
            self.do(self.world.clock.advance(SWALLOWS_FOR + 2000.0))
            self.nothing_is_lost_and_nothing_lasts()
            assert set() == asyncio.all_tasks(self.loop)
        finally:
            self.silence.__exit__(None, None, None)
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.do(asyncio.sleep(0))
            self.loop.close()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    deadline=None, max_examples=100, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
)
