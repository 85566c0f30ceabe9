"""One poll of one collector, inside its deadline: a failure is part of the result, never an exception.

The one broad ``except`` of the package is here: a bug in one collector must not touch another.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import structlog
from msgspec.structs import replace

from exporter.clock import Clock
from exporter.errors import InternalError, PollError, PollTimeoutError, Reason, TargetConfigError
from exporter.model import Change, CollectorName
from exporter.platforms.base import Collector, PollResult
from exporter.platforms.retry import wait_allowance
from exporter.polling.sanitizing import sanitized_error, sanitized_observation
from exporter.state.changes import OK, WITHDRAWN, failing
from exporter.state.failure import failure_of
from exporter.state.snapshot import CollectorState
from exporter.state.status_history import StatusHistory
from exporter.support.known_secrets import KnownSecrets
from exporter.support.phases import phase
from exporter.support.threads import NO_THREAD, is_no_thread

log = structlog.get_logger(__name__)

MIN_DEADLINE_SECONDS: Final = 300.0


AT_ONCE: Final = 20
"""Polls, or checks of a credential, that a command makes side by side: a fleet is not asked all at once."""

_LEANS_ON: Final[Mapping[CollectorName, Sequence[CollectorName]]] = {
    CollectorName.EVENTS: (CollectorName.CONNECTIONS,),
    CollectorName.SLOTS: (CollectorName.CONNECTIONS, CollectorName.EVENTS),
}
"""Whose polls use what other collectors of the target have seen."""


class PollRecorder(Protocol):
    """Who counts finished polls."""

    def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
        """Count a poll that took ``seconds``; ``reason`` is ``None`` only when it fully succeeded."""
        ...


def phase_of(target: str, collector: CollectorName, interval: float) -> float:
    """Return the phase of a collector: a number of seconds in ``[0, interval)`` that is the same in every process.

    By hash, so that slow collectors of a fleet do not lie together although all were started, or held up, at one moment.
    """
    return phase(f"{target}/{collector.value}") * interval


class Job(msgspec.Struct, frozen=True):
    """One collector of one target, ready to be polled. ``interval``, ``max_age`` and ``phase`` are seconds.

    ``phase`` is where in each interval its polls lie, see :func:`phase_of`. What ``known`` knows is masked in all that a poll
    brings. ``history`` remembers how its polls went.
    """

    target: str
    platform: str
    name: CollectorName
    interval: float
    max_age: float
    collector: Collector
    recorder: PollRecorder
    phase: float = 0.0
    known: KnownSecrets = msgspec.field(default_factory=KnownSecrets)
    history: StatusHistory = msgspec.field(default_factory=StatusHistory)

    @property
    def deadline(self) -> float:
        """Seconds after which a poll is given up: late is fine (a throttled portal), for ever is not."""
        return max(3 * self.interval, MIN_DEADLINE_SECONDS)

    def after(self, began: float, now: float) -> float:
        """Return when the next poll is due (monotonic), the last having begun at ``began``.

        That is the slot of the job's phase 0.5 to 1.5 intervals later; slots that a long poll overran are left out.
        """
        earliest = max(began + self.interval / 2, now)
        return self.phase + math.ceil((earliest - self.phase) / self.interval) * self.interval

    def initial_state(self) -> CollectorState:
        """Return the state before the first poll."""
        return CollectorState(self.target, self.platform, self.name, self.interval, self.max_age)

    def remembered(self, before: CollectorState, after: CollectorState) -> CollectorState:
        """Return ``after``, which a poll left behind, with the states that the collector had within a week."""
        now = after.last_poll or 0.0
        shown, failure = before.at(now), after.failure
        if shown.expired:  # since a moment between two polls
            self.history.collector_seen(self.target, self.name.value, shown.changes[-1], now)
        state = OK if failure is None else WITHDRAWN if after.at(now).expired else failing(failure.reason)
        present = Change(now, state, known=before.finished_polls > 0)
        return replace(after, changes=self.history.collector_seen(self.target, self.name.value, present, now))


class PollOutcome(msgspec.Struct, frozen=True):
    """A finished poll: the state after it, and what went wrong. ``partial`` is true when it brought data all the same.

    ``held_up`` is how many seconds of it passed in queues of ours, for connections and decoding.
    """

    state: CollectorState
    error: PollError | None
    partial: bool
    held_up: float


async def poll(job: Job, before: CollectorState, clock: Clock) -> PollOutcome:
    """Poll ``job`` once; ``before`` is the state that the last poll left."""
    began = clock.monotonic()
    result: PollResult | None = None
    error: PollError | None
    # What waits for a turn of ours is late, not slow: it counts for no deadline, but for an interval at most.
    deadline = clock.timeout(job.deadline, slack=job.interval)
    try:
        with wait_allowance(job.interval):
            async with deadline:
                result = await job.collector.poll()
        error = result.failure and _alone(result.failure)
    except PollError as failed:
        error = _alone(failed)
    except asyncio.CancelledError:
        # Meant for us when we stop. Otherwise something inside was cancelled, and that must not end the collector for good.
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise
        error = InternalError("the poll was cancelled from inside; please report it")
    except Exception as bug:
        if isinstance(bug, TimeoutError) and deadline.expired:
            error = PollTimeoutError(f"the poll did not end within {job.deadline:g} s")
        elif is_no_thread(bug):
            error = TargetConfigError(NO_THREAD)
        else:
            log.exception("poll_crashed", target=job.target, collector=job.name.value)
            error = InternalError(f"a bug in the exporter ({type(bug).__name__}); please report it with the log")
    error = sanitized_error(error, job.known) if error else None
    seconds, now = clock.monotonic() - began, clock.steady()
    job.recorder.poll_finished(job.name, seconds, error.reason if error else None)
    partial = error is not None and result is not None
    count, since = (before.failure.count + 1, before.failure.since) if before.failure else (1, now)
    state = replace(
        before,
        finished_polls=before.finished_polls + 1,
        up=error is None,
        last_poll=now,
        last_duration=seconds,
        last_success=now if error is None else before.last_success,
        observation=sanitized_observation(result.observation, job.known) if result else before.observation,
        failure=failure_of(error, now, count, since, partial=partial) if error else None,
    )
    return PollOutcome(job.remembered(before, state), error, partial, deadline.held_up)


async def poll_all(
    jobs: Sequence[Job], clock: Clock, finished: Callable[[CollectorState], None] = lambda _: None
) -> tuple[CollectorState, ...]:
    """Poll all ``jobs`` once, :data:`AT_ONCE` side by side; ``finished`` hears of each. The result is in the order of ``jobs``.

    No second poll comes to see what the first did not know, so those that use what others have seen are polled after them.
    """
    places = asyncio.Semaphore(AT_ONCE)
    ended = {(job.target, job.name): asyncio.Event() for job in jobs}

    async def one(job: Job) -> CollectorState:
        for name in _LEANS_ON.get(job.name, ()):
            if (job.target, name) in ended:
                await ended[job.target, name].wait()
        async with places:
            state = (await poll(job, job.initial_state(), clock)).state
        ended[job.target, job.name].set()
        finished(state)
        return state

    return tuple(await asyncio.gather(*(one(job) for job in jobs)))


def _alone(error: PollError) -> PollError:
    """Return ``error`` without what led to it: its frames hold the whole poll, and each other in a cycle."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
