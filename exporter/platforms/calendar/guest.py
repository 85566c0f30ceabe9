"""One server, asked one thing at a time, and seldom: pace, retries and pauses are the same whichever way a calendar is read.

We are a guest on somebody's server, which works for each answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import httpx
import structlog

from exporter.errors import InvalidResponseError, PollError, RateLimitedError
from exporter.model import ApiUsage, Budget
from exporter.platforms.answer_kinds import AnswerKind
from exporter.platforms.base import Services
from exporter.platforms.calendar.api_errors import THROTTLED_SECONDS, may_pass
from exporter.platforms.exchange import Answer, exchange
from exporter.platforms.limiter import LeakyBucket
from exporter.platforms.retry import RetryPolicy, send_with_retries

log = structlog.get_logger(__name__)

REQUESTS_PER_SECOND: Final = 1.0
BURST: Final = 3.0
RETRY: Final = RetryPolicy(retries=2, initial_seconds=2.0, max_seconds=15.0, max_asked_seconds=15.0)


class Guest:
    """Asks the server of one calendar. ``name`` is that of the target; each request may take ``timeout`` seconds."""

    def __init__(self, name: str, services: Services, *, timeout: float) -> None:
        self._name = name
        self._services = services
        self._timeout = timeout
        self._limiter = LeakyBucket(name, REQUESTS_PER_SECOND, BURST, clock=services.clock, events=services.events)

    def usage(self) -> ApiUsage:
        """Return how many questions may be asked right now, and until when the server asked us to wait."""
        budget = Budget("requests", self._limiter.burst, self._limiter.remaining())
        return ApiUsage(budgets=(budget,), paused_until=self._limiter.paused_until())

    async def ask(
        self,
        operation: str,
        request: Callable[[], httpx.Request],
        *,
        kind: AnswerKind,
        refused: Callable[[Answer], PollError | None],
    ) -> Answer:
        """Return the answer to ``request``, still unread, in which ``refused`` finds no error.

        Repeats 5xx answers and lost connections. Raises the :class:`~exporter.errors.PollError` that any other answer is.
        """
        return await send_with_retries(
            lambda: self._once(operation, request(), kind, refused),
            RETRY,
            may_repeat=may_pass,
            note=partial(self._note_retry, operation),
            clock=self._services.clock,
            random=self._services.random,
            turn=self._limiter.take,
        )

    async def _once(
        self, operation: str, request: httpx.Request, kind: AnswerKind, refused: Callable[[Answer], PollError | None]
    ) -> Answer:
        try:
            answer = await exchange(self._services, operation, request, kind=kind, timeout=self._timeout)
        except InvalidResponseError:
            self._limiter.answered()
            raise
        error = refused(answer)
        if error is None:
            self._limiter.answered()
            return answer
        if not error.retry_after:
            self._limiter.answered()
            raise error
        each = THROTTLED_SECONDS if isinstance(error, RateLimitedError) else 0.0
        self._limiter.pause(error.retry_after, error, each=each)
        raise error.again(self._limiter.paused_for()) if each else error

    def _note_retry(self, operation: str, error: PollError) -> None:
        self._services.events.retry(operation, error.reason.value)
        log.debug("calendar_request_repeated", target=self._name, operation=operation, **error.facts())
