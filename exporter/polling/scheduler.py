"""One task per target and collector: fixed interval, own phase, deadline, back-off by reason, immutable results.

A failed poll is a result, not a crash: it is counted, logged and published like a good one, and never reaches another
target.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Final

import structlog
from msgspec.structs import replace

from exporter.clock import Clock, wall_deadline
from exporter.errors import InternalError, PollError, Reason
from exporter.model import CollectorName
from exporter.polling.admission import Admission
from exporter.polling.poll import Job, PollOutcome, poll
from exporter.state.failure import failure_of
from exporter.state.poll_requests import PollAnswer, PollRequest
from exporter.state.snapshot import CollectorState
from exporter.support.backoff import exponential
from exporter.support.fair_semaphore import resolve_wait, wait_for_place
from exporter.support.logs import FailureLog
from exporter.support.slices import in_slices
from exporter.support.supervision import supervised

log = structlog.get_logger(__name__)

INITIAL_RETRY_SECONDS: Final = 10.0
MAX_DENIED_SECONDS: Final = 15 * 60.0
OVERLOAD_SECONDS: Final = 15 * 60.0
CANCEL_SECONDS: Final = 1.0
ASK_AGAIN_SECONDS: Final = 10.0
"""How far apart the polls of one target lie that somebody asks for: a finger that clicks is no storm."""

# A person has to act before these can get better, so asking at the normal pace would only be noise for the platform.
DENIED: Final = frozenset({Reason.AUTH, Reason.PERMISSION, Reason.NOT_ENTITLED, Reason.NOT_FOUND, Reason.CONFIG})

# The platform's own word that it is asked too much: what we wait for these is its wish, and no back-off of ours.
LIMITED: Final = frozenset({Reason.RATE_LIMITED, Reason.OPERATING_LIMIT, Reason.OVERLOAD})


def retry_delay(interval: float, error: PollError, failures: int, random: Random) -> float:
    """Return the seconds to wait after the ``failures``-th failed poll in a row (from 1), counted from its end.

    Faults that pass by themselves are retried sooner than the interval and never later than ``max(interval, 10 s)``; what
    a person has to mend is asked for less and less often, up to 15 min; what the platform asks us to wait, we wait. When it
    refuses again after a short wait, its word is not enough: 10 s at least, doubled each time up to the interval.
    """
    asked = error.retry_after or 0.0
    if error.reason in DENIED:
        return max(asked, interval, min(MAX_DENIED_SECONDS, interval * 2.0 ** min(failures - 1, 30)))
    if error.reason is Reason.OVERLOAD:
        return max(asked, interval, OVERLOAD_SECONDS)
    if error.reason in (Reason.RATE_LIMITED, Reason.OPERATING_LIMIT):
        if failures == 1 or not asked:
            return asked or interval
        return max(asked, min(interval, INITIAL_RETRY_SECONDS * 2.0 ** min(failures - 2, 30)))
    longest = max(interval, INITIAL_RETRY_SECONDS)
    return max(
        asked,
        exponential(failures - 1, initial_seconds=min(interval, INITIAL_RETRY_SECONDS), max_seconds=longest, random=random),
    )


@dataclass(slots=True)
class _Progress:
    """Where a collector's loop stands: the state that was shown last, and when the next poll is due (monotonic).

    ``alarm`` is set while it sleeps until then, ``busy`` from the moment that is over to the end of the poll. Before ``held``
    (monotonic) the platform wants no poll. ``forgiven`` are the failures in a row before somebody asked: back-off begins anew.
    """

    state: CollectorState
    due: float
    alarm: asyncio.Future[bool] | None = None
    busy: bool = False
    held: float = float("-inf")
    forgiven: int = 0


class Scheduler:
    """Owns the polling tasks: starts them, stops them, waits for them.

    A bug in what is done with a finished poll ends the task: ``died`` is told, and it is begun again.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        random: Random,
        admission: Admission,
        publish: Callable[[CollectorState], None],
        observe_lateness: Callable[[str, float], None],
        died: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._random = random
        self._admission = admission
        self._publish = publish
        self._observe_lateness = observe_lateness
        self._died = died
        self._tasks: dict[tuple[str, CollectorName], asyncio.Task[None]] = {}
        self._progress: dict[tuple[str, CollectorName], _Progress] = {}  # of the same collectors
        self._asked: dict[str, float] = {}  # by target: when somebody last had it polled (monotonic)
        # By task: one that swallowed its end may have a successor. With what it polls, and since when (steady).
        self._polling: dict[asyncio.Task[Any] | None, tuple[tuple[str, CollectorName], float]] = {}
        self._failures = FailureLog(log)

    @property
    def polling(self) -> Mapping[tuple[str, CollectorName], float]:
        """The collectors of which a poll runs, and since when: a moment of :meth:`~exporter.clock.Clock.steady`."""
        return dict(self._polling.values())

    async def start(self, jobs: Iterable[Job]) -> None:
        """Start polling: everything is due at once, and admission makes of that what this machine can do.

        A call that is cancelled half way leaves the rest of ``jobs`` unstarted; :meth:`stop` ends those that it started.
        """
        shuffled = list(jobs)
        # In the order of a file one platform would come after the other, and all of one site at the same time.
        self._random.shuffle(shuffled)
        async for job in in_slices(shuffled):
            progress = _Progress(replace(job.initial_state(), next_poll=self._clock.steady()), self._clock.monotonic())
            task = asyncio.create_task(self._keep_polling(job, progress), name=f"{job.target}/{job.name}")
            self._tasks[job.target, job.name] = task
            self._progress[job.target, job.name] = progress

    def poll_now(
        self, target: str, names: Collection[CollectorName] | None = None, *, paused: float = 0.0
    ) -> list[PollRequest]:
        """Let the collectors of ``target`` (those of ``names``, unless ``None``) be polled now, and go on from there.

        Our own back-off ends. What the platform asked for does not: nothing begins while it is ``paused`` (seconds from now),
        nor before the time that the last poll was told. Returns what happens to each collector.
        """
        now = self._clock.monotonic()
        rows = {key[1]: row for key, row in self._progress.items() if key[0] == target and (names is None or key[1] in names)}
        if (wait := self._asked.get(target, float("-inf")) + ASK_AGAIN_SECONDS - now) > 0:
            return [PollRequest(name, PollAnswer.TOO_SOON, wait) for name in rows]
        asked = [PollRequest(name, *self._bring_forward(row, now, now + paused)) for name, row in rows.items()]
        if moved := [one.collector.value for one in asked if one.answer is not PollAnswer.POLLING]:
            self._asked[target] = now
            log.info("poll_brought_forward", target=target, collectors=moved)
        return asked

    def _bring_forward(self, progress: _Progress, now: float, paused_until: float) -> tuple[PollAnswer, float]:
        if progress.busy:
            return PollAnswer.POLLING, 0.0
        progress.due = min(progress.due, max(now, progress.held, paused_until))
        progress.state = replace(progress.state, next_poll=self._clock.steady_at(progress.due))
        if progress.state.failure is not None:
            progress.forgiven = progress.state.failure.count
        if progress.alarm is not None:
            resolve_wait(progress.alarm, with_place=True)
        self._publish(progress.state)
        return (PollAnswer.NOW, 0.0) if progress.due <= now else (PollAnswer.WAITS, progress.due - now)

    async def stop(self, targets: Iterable[str] | None = None, *, grace: float) -> None:
        """Stop polling ``targets`` (all when ``None``): no new poll begins, one that runs may end within ``grace`` seconds."""
        wanted = None if targets is None else set(targets)
        leaving = {key: self._tasks.pop(key) for key in tuple(self._tasks) if wanted is None or key[0] in wanted}
        for key in leaving:
            self._progress.pop(key, None)
            self._asked.pop(key[0], None)
        for task in leaving.values():
            if task not in self._polling:
                task.cancel()
        try:
            await self._ended(leaving.values(), grace)
        finally:  # also when nobody waits any more: then the process stops
            for task in leaving.values():
                task.cancel()
        if not await self._ended(leaving.values(), CANCEL_SECONDS):
            stuck = [task.get_name() for task in leaving.values() if not task.done()]
            log.error("polls_do_not_end", collectors=stuck)  # they end, or not, without us: nothing of theirs is published
        for key in leaving:
            self._failures.forget(key)

    async def _ended(self, tasks: Collection[asyncio.Task[None]], seconds: float) -> bool:
        if not tasks:
            return True
        try:
            async with wall_deadline(self._clock, seconds):
                await asyncio.wait(tasks)
        except TimeoutError:
            return False
        return True

    async def _keep_polling(self, job: Job, progress: _Progress) -> None:
        def died(task: str) -> None:
            self._died(task)
            progress.state = self._failed_by_a_bug(job, progress)

        facts = {"target": job.target, "platform": job.platform, "collector": job.name.value}
        work = partial(self._poll_on, job, progress)
        await supervised("poll", work, clock=self._clock, random=self._random, died=died, **facts)

    async def _poll_on(self, job: Job, progress: _Progress) -> None:
        # The task has no name here: a frame that knows its own task is a cycle, which only a garbage collection frees.
        key = (job.target, job.name)
        if self._tasks.get(key) is not asyncio.current_task():
            return  # stopped between a bug and this new beginning
        self._publish(progress.state)
        while True:
            await self._until_due(progress)
            progress.busy = True
            try:
                outcome = await self._poll_once(job, progress)
            finally:
                progress.busy = False
            if outcome is None or self._tasks.get(key) is not asyncio.current_task():
                return  # stopped meanwhile

    async def _until_due(self, progress: _Progress) -> None:
        """Sleep until the next poll is due, which may be brought forward meanwhile."""
        was_brought_forward = True
        while was_brought_forward and (pause := progress.due - self._clock.monotonic()) > 0:
            progress.alarm = asyncio.get_running_loop().create_future()
            try:
                was_brought_forward = await wait_for_place(progress.alarm, self._clock, pause)
            finally:
                progress.alarm = None

    async def _poll_once(self, job: Job, progress: _Progress) -> PollOutcome | None:
        """Poll and show what came of it; ``None`` when the collector swallowed its end."""
        await self._admission.poll(job.interval)
        began = self._clock.monotonic()
        late, progress.due = max(0.0, began - progress.due), began + job.interval  # the latter when a bug ends this round
        self._polling[asyncio.current_task()] = (job.target, job.name), self._clock.steady()
        try:
            outcome = await poll(job, progress.state, self._clock)
            self._observe_lateness(job.platform, late + outcome.held_up)
            if _is_cancelled():
                return None
            delay = self._delay(job, outcome, progress)
            now = self._clock.monotonic()
            progress.due = job.after(began, now) if delay is None else now + delay
            progress.held = now + _asked_to_wait(outcome.error, delay)
            state = replace(outcome.state, next_poll=self._clock.steady_at(progress.due))
            self._publish(state)
            progress.state = state
            await job.history.save()
        finally:
            self._polling.pop(asyncio.current_task(), None)
        return outcome

    def _failed_by_a_bug(self, job: Job, progress: _Progress) -> CollectorState:
        """Return the state of a collector whose poll could not be shown: it keeps its data and is not well."""
        before, now = progress.state, self._clock.steady()
        count, since = (before.failure.count + 1, before.failure.since) if before.failure else (1, now)
        after = replace(
            before,
            finished_polls=before.finished_polls + 1,
            up=False,
            last_poll=now,
            failure=failure_of(InternalError("a bug in the exporter; please report it with the log"), now, count, since),
            next_poll=now + progress.due - self._clock.monotonic(),
        )
        return job.remembered(before, after)

    def _delay(self, job: Job, outcome: PollOutcome, progress: _Progress) -> float | None:
        """Log how the poll went. Returns the seconds before the next one, ``None`` for the normal interval."""
        key = (job.target, job.name)
        facts = {"target": job.target, "platform": job.platform, "collector": job.name.value}
        state, error = outcome.state, outcome.error
        if error is None or state.failure is None:
            progress.forgiven = 0
            self._failures.recovered(key, "poll_recovered", **facts)
            log.debug("poll_finished", **facts, seconds=round(state.last_duration or 0.0, 3))
            return None
        failures = state.failure.count - (0 if error.reason in LIMITED else progress.forgiven)
        delay = None if outcome.partial else retry_delay(job.interval, error, failures, self._random)
        self._failures.failed(
            key,
            "poll_partly_failed" if outcome.partial else "poll_failed",
            kind=error.reason.value,
            **facts,
            **error.facts(),
            attempt=state.failure.count,
            next_try_seconds=round(job.interval if delay is None else delay, 1),
        )
        return delay


def _asked_to_wait(error: PollError | None, delay: float | None) -> float:
    """Return for how many seconds after a poll the platform wants no other, of the ``delay`` that we leave."""
    if error is None:
        return 0.0
    return delay if delay is not None and error.reason in LIMITED else error.retry_after or 0.0


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
