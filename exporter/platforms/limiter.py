"""A leaky bucket per portal or site, shared by all collectors of the target, and the pause that the platform asks for.

The bucket has the shape of the platform's own limit (bitrix24.md 6.1): every request adds one, ``rate`` leaks out each second,
and a request waits until it fits under ``burst``. It lives on the injected clock, which is why it is not ``aiolimiter``
(docs/decisions/0001).
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from exporter.clock import Clock
from exporter.errors import PollError, RateLimitedError, Reason
from exporter.platforms.base import Events
from exporter.platforms.retry import wait_within_allowance

log = structlog.get_logger(__name__)

# A millionth of a second is rounding, not load: without it a wait could shrink for ever and never end.
_ROUNDING: Final = 1e-6

# What these say is true for everybody who asks the platform. Anything else was said to one credential, or of one request.
_OF_ALL: Final = frozenset({Reason.RATE_LIMITED, Reason.SERVER_ERROR, Reason.INVALID_RESPONSE, Reason.OVERLOAD})
MAX_SECONDS_FOR_ONE: Final = 60.0
"""How long all wait at most because one of them was refused with a time to come back."""


class LeakyBucket:
    """Requests per second with a burst, first come first served; plus a pause that holds everybody.

    ``owner`` is whose it is, for the log: a line when a pause begins, for each reason, and one when the platform answers again.
    """

    def __init__(self, owner: str, rate: float, burst: float, *, clock: Clock, events: Events) -> None:
        self.rate = rate
        self.burst = burst
        self._owner = owner
        self._clock = clock
        self._events = events
        self._level = 0.0
        self._updated = clock.monotonic()
        self._paused_until = self._updated
        self._refusal: PollError | None = None
        self._refused_at = self._updated
        self._refusals = 0
        self._told: set[Reason] = set()
        self._turn = asyncio.Lock()  # fair: waiters are served in their order

    def remaining(self) -> float:
        """Return how many requests fit right now."""
        return max(0.0, self.burst - self._leaked()) if self.paused_for() <= 0 else 0.0

    def paused_for(self) -> float:
        """Return the seconds until :meth:`pause` ends, or 0."""
        left = self._paused_until - self._clock.monotonic()
        return left if left > _ROUNDING else 0.0

    def paused_until(self) -> float | None:
        """Return when a pause that runs ends, on the wall clock; ``None`` when none does.

        The moment is in Unix seconds.
        """
        return self._clock.steady_at(self._paused_until) + self._clock.stepped() if self.paused_for() else None

    def pause(self, seconds: float, refusal: PollError, *, each: float = 0.0, all_ask_the_same: bool = False) -> None:
        """Hold every request of this target for ``seconds``, as ``refusal`` asks; a longer pause that is running stays.

        When the platform refuses again after a pause that it named itself, ``each`` refusal in a row counts for so many seconds
        since the first. What only one credential or request is refused for holds the others for a minute at most, and they are
        told that they were asked to wait, unless ``all_ask_the_same``.
        """
        now = self._clock.monotonic()
        told = refusal.again(None)
        if refusal.reason not in _OF_ALL and not all_ask_the_same:
            seconds, told = min(seconds, MAX_SECONDS_FOR_ONE), self._to_others(refusal)
        if self._refusal is None:
            self._refused_at = now
        if self.paused_for() <= 0:  # what was on its way when the pause began is no further refusal
            self._refusals += 1
        until = now + seconds
        if self._refusals > 1:
            until = max(until, min(self._refused_at + self._refusals * each, now + 2 * each))
        if told.reason not in self._told:
            self._told.add(told.reason)
            log.warning("requests_paused", of=self._owner, seconds=round(until - now, 1), **told.facts())
        if self._refusal is None or until > self._paused_until:
            self._refusal = told
        self._paused_until = max(self._paused_until, until)

    def _to_others(self, refusal: PollError) -> PollError:
        shown = f"HTTP {refusal.status}" if refusal.status else refusal.reason.value
        message = f"{self._owner} asked the exporter to wait when it refused another request ({shown})"
        return RateLimitedError(message, status=refusal.status, code=refusal.code, request_id=refusal.request_id)

    def answered(self) -> None:
        """Note that the platform answers, whatever it says, without asking to wait."""
        if self._refusal is not None and self.paused_for() <= 0:
            log.info("requests_go_on", of=self._owner, seconds=round(self._clock.monotonic() - self._refused_at, 1))
            self._refusal = None
            self._refusals = 0
            self._told.clear()

    async def wait_for_pause(self, events: Events | None = None) -> None:
        """Wait until no pause runs, which counts as throttle wait.

        Raises the error of the refusal, with what is left of the pause as ``retry_after``, when the poll has no allowance left.
        """
        while (pause := self.paused_for()) > 0 and self._refusal is not None:
            await wait_within_allowance(pause, self._refusal.again(pause), self._clock)
            (events or self._events).throttle_wait(pause)

    async def take(self) -> None:
        """Wait for the end of a pause and for a place, and take it. Raises as :meth:`wait_for_pause`."""
        while True:
            await self.wait_for_pause()
            if await self.acquire():
                return

    async def acquire(self, events: Events | None = None) -> bool:
        """Wait for a place and take it. Returns ``False``, without a place, when a pause runs or begins meanwhile.

        The time waited is counted as throttle wait. ``events`` is who counts it, where several targets share the bucket;
        otherwise its owner does.
        """
        began = self._clock.monotonic()
        try:
            async with self._turn:
                while self.paused_for() <= 0 and (wait := self._wait()) > 0:
                    await self._clock.sleep(wait)
                if self.paused_for() > 0:
                    return False
                self._level = self._leaked() + 1.0
                self._updated = self._clock.monotonic()
                return True
        finally:
            if (waited := self._clock.monotonic() - began) > 0:
                (events or self._events).throttle_wait(waited)

    def _leaked(self) -> float:
        return max(0.0, self._level - (self._clock.monotonic() - self._updated) * self.rate)

    def _wait(self) -> float:
        wait = (self._leaked() + 1.0 - self.burst) / self.rate
        return wait if wait > _ROUNDING else 0.0
