"""Retries with back-off within a poll: how long it waits for a platform that refuses, how often it repeats, when it gives up.

Which faults may be repeated is each platform's to say, by code and not by exception: what the platform refuses stays refused.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from random import Random
from typing import Final, TypeVar

import msgspec

from exporter.clock import Clock, held_up
from exporter.errors import PollError
from exporter.support.backoff import exponential

MAX_WAIT_SECONDS: Final = 30.0

T = TypeVar("T")


@dataclass(slots=True)
class _WaitAllowance:
    """What is left. Of calls that a poll makes side by side, seconds that pass for several of them count once."""

    seconds: float
    last_attempt: float = 0.0
    charged_until: float = -math.inf

    def cost(self, begin: float, end: float) -> float:
        return max(0.0, end - max(begin, self.charged_until))

    def charge(self, begin: float, end: float) -> None:
        self.seconds -= self.cost(begin, end)
        self.charged_until = max(self.charged_until, end)


_allowance: ContextVar[_WaitAllowance | None] = ContextVar("wait_allowance", default=None)


@contextlib.contextmanager
def wait_allowance(interval: float) -> Iterator[None]:
    """Bound the waits of the block for a platform that refuses: together they last at most ``min(interval, 30)`` seconds.

    A poll that slept through a long pause would look healthy. It fails instead, its error says why, and the next poll comes
    when the pause ends (docs/decisions/0123). Attempts that fail slowly count as waits (:func:`charge_failed_attempt`); waits
    for our own rate limit do not.
    """
    token = _allowance.set(_WaitAllowance(min(interval, MAX_WAIT_SECONDS)))
    try:
        yield
    finally:
        _allowance.reset(token)


async def wait_within_allowance(seconds: float, error: PollError, clock: Clock) -> None:
    """Wait ``seconds``, which ``error`` asks for. Raises ``error`` when the poll's allowance does not cover the wait.

    The attempt after the wait may fail as slowly as the one before, so the allowance has to cover that one, too. Outside of
    :func:`wait_allowance` a single wait lasts at most 30 s.
    """
    left = _allowance.get() or _WaitAllowance(MAX_WAIT_SECONDS)
    now = clock.monotonic()
    if left.cost(now, now + seconds) + left.last_attempt > left.seconds:
        raise error
    left.charge(now, now + seconds)
    await clock.sleep(seconds)


@contextlib.contextmanager
def charge_block(clock: Clock) -> Iterator[None]:
    """Subtract the usable seconds of the block from the poll's allowance (:func:`wait_allowance`)."""
    began = usable_seconds(clock)
    try:
        yield
    finally:
        if (left := _allowance.get()) is not None:
            now = clock.monotonic()
            left.charge(now - (usable_seconds(clock) - began), now)


@contextlib.contextmanager
def charge_failed_attempt(clock: Clock) -> Iterator[None]:
    """Subtract the seconds of the block from the poll's allowance when it raises a :class:`~exporter.errors.PollError`."""
    began = usable_seconds(clock)
    try:
        yield
    except PollError:
        charge_failure(usable_seconds(clock) - began, clock)
        raise


def usable_seconds(clock: Clock) -> float:
    """Return monotonic seconds without those in which our own event loop or queues held an attempt up."""
    return clock.monotonic() - clock.lost() - held_up()


def charge_failure(seconds: float, clock: Clock) -> None:
    """Subtract ``seconds`` from the poll's allowance: an attempt took so long, ends now and failed."""
    if (left := _allowance.get()) is not None:
        now = clock.monotonic()
        left.charge(now - seconds, now)
        left.last_attempt = seconds


class RetryPolicy(msgspec.Struct, frozen=True):
    """At most ``retries`` repetitions, after ``initial_seconds`` doubled each time up to ``max_seconds``.

    There is none when the platform asks for more than ``max_asked_seconds`` (``Retry-After``): a poll does not wait for that,
    the scheduler does.
    """

    retries: int
    initial_seconds: float
    max_seconds: float
    max_asked_seconds: float = math.inf

    def wait(self, failures: int, error: PollError, random: Random) -> float | None:
        """Return how many seconds to wait after ``error``, before which there were ``failures``; ``None`` to give up."""
        return self.pause(failures, error, random) if failures < self.retries else None

    def pause(self, failures: int, error: PollError, random: Random) -> float | None:
        """Return what :meth:`wait` does for a caller that counts its repetitions itself."""
        wait = exponential(failures, initial_seconds=self.initial_seconds, max_seconds=self.max_seconds, random=random)
        asked = error.retry_after or 0.0
        return None if asked > self.max_asked_seconds else max(wait, asked)


async def send_with_retries(
    send: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    *,
    may_repeat: Callable[[PollError], bool],
    note: Callable[[PollError], None],
    clock: Clock,
    random: Random,
    turn: Callable[[], Awaitable[None]] | None = None,
) -> T:
    """Return what ``send`` brings, repeated as far as ``policy`` allows it; ``note`` hears of each repetition.

    ``turn`` is waited for before each: it is our own pace and costs no allowance, other than for pauses. Raises the
    :class:`~exporter.errors.PollError` of the last attempt, or of a turn that does not come.
    """
    failures = 0
    while True:
        if turn is not None:
            await turn()
        try:
            with charge_failed_attempt(clock):
                return await send()
        except PollError as error:
            wait = policy.wait(failures, error, random) if may_repeat(error) else None
            if wait is None:
                raise
            await wait_within_allowance(wait, error, clock)
            note(error)
        failures += 1
