"""Repeating a request within a poll: how often, how long between, and when the next poll is the better repetition.

Which faults may be repeated is each platform's to say, by code and not by exception: what the platform refuses stays refused.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Final, TypeVar

from exporter.clock import Clock
from exporter.errors import PollError
from exporter.platforms.settings import CollectorSettings
from exporter.support.backoff import exponential

MIN_POLL_BUDGET_SECONDS: Final = 240.0

T = TypeVar("T")


def poll_budget_seconds(interval: float) -> float:
    """Return the seconds after which a poll gives up waiting: late is fine, but it ends before the scheduler ends it."""
    return max(2 * interval, MIN_POLL_BUDGET_SECONDS)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most ``retries`` repetitions, after ``initial_seconds`` doubled each time up to ``max_seconds``.

    There is none after a wait longer than ``max_wait_seconds``, nor when the platform asks for more than
    ``max_asked_seconds`` (``Retry-After``): a poll does not wait for that, the scheduler does.
    """

    retries: int
    initial_seconds: float
    max_seconds: float
    max_wait_seconds: float = math.inf
    max_asked_seconds: float = math.inf

    def within(self, collectors: Iterable[CollectorSettings]) -> RetryPolicy:
        """Return the policy of a target: a wait longer than its shortest interval is no repetition but the next poll."""
        shortest = min((settings.interval for settings in collectors), default=self.max_seconds)
        return replace(self, max_wait_seconds=shortest)

    def wait(self, failures: int, error: PollError, random: Random) -> float | None:
        """Return how many seconds to wait after ``error``, before which there were ``failures``; ``None`` to give up."""
        return self.pause(failures, error, random) if failures < self.retries else None

    def pause(self, failures: int, error: PollError, random: Random) -> float | None:
        """Return what :meth:`wait` does for a caller that counts its repetitions itself."""
        wait = exponential(failures, initial_seconds=self.initial_seconds, max_seconds=self.max_seconds, random=random)
        asked = error.retry_after or 0.0
        return None if wait > self.max_wait_seconds or asked > self.max_asked_seconds else max(wait, asked)


async def send_with_retries(
    send: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    *,
    may_repeat: Callable[[PollError], bool],
    note: Callable[[PollError], None],
    clock: Clock,
    random: Random,
) -> T:
    """Return what ``send`` brings, repeated as far as ``policy`` allows it; ``note`` hears of each repetition.

    Raises the :class:`~exporter.errors.PollError` of the last attempt.
    """
    failures = 0
    while True:
        try:
            return await send()
        except PollError as error:
            wait = policy.wait(failures, error, random) if may_repeat(error) else None
            if wait is None:
                raise
            note(error)
            await clock.sleep(wait)
        failures += 1
