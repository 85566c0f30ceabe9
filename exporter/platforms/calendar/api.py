"""One question to a CalDAV server: credential, pace, retries, errors (docs/platforms/calendar.md 2).

We are a guest on somebody's server, which works for each answer: it is asked one thing at a time, and seldom.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import Final

import httpx
import structlog

from exporter.errors import InvalidResponseError, PollError, RateLimitedError
from exporter.model import ApiUsage, Budget
from exporter.platforms import answer_kinds
from exporter.platforms.base import Services
from exporter.platforms.calendar.api_errors import ENTRIES, FREE_BUSY, THROTTLED_SECONDS, failure, may_pass
from exporter.platforms.calendar.settings import CalDav
from exporter.platforms.exchange import Answer, exchange, new_request
from exporter.platforms.limiter import LeakyBucket
from exporter.platforms.retry import RetryPolicy, send_with_retries

log = structlog.get_logger(__name__)

REQUESTS_PER_SECOND: Final = 1.0
BURST: Final = 3.0
RETRY: Final = RetryPolicy(retries=2, initial_seconds=2.0, max_seconds=15.0, max_asked_seconds=15.0)

_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>'
_NAMES: Final = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
_FREE_BUSY: Final = f'{_HEAD}<c:free-busy-query {_NAMES}><c:time-range start="{{start}}" end="{{end}}"/></c:free-busy-query>'
# Which properties are wanted could be said, too: xandikos then leaves out each entry that lacks one (calendar.md 2.2).
_ENTRIES: Final = (
    f"{_HEAD}<c:calendar-query {_NAMES}><d:prop><c:calendar-data>"
    '<c:expand start="{start}" end="{end}"/>'
    '</c:calendar-data></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
    '<c:time-range start="{start}" end="{end}"/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>'
)
_BODIES: Final = {FREE_BUSY: _FREE_BUSY, ENTRIES: _ENTRIES}
_STATUSES: Final = {FREE_BUSY: httpx.codes.OK, ENTRIES: httpx.codes.MULTI_STATUS}


class CalDavApi:
    """All questions about one calendar."""

    def __init__(self, name: str, caldav: CalDav, services: Services, *, base_url: str | None, timeout: float) -> None:
        """``name`` is that of the target; ``base_url`` stands for the origin of the calendar's address."""
        self._name = name
        self._services = services
        self._timeout = timeout
        self._limiter = LeakyBucket(name, REQUESTS_PER_SECOND, BURST, clock=services.clock, events=services.events)
        user, password = caldav.username.reveal(), caldav.password.reveal()
        self._credential = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
        services.known.hold(self, [password, self._credential])
        address = httpx.URL(caldav.url.reveal())
        self.url = address if base_url is None else httpx.URL(base_url).copy_with(raw_path=address.raw_path)

    def close(self) -> None:
        """Let its password be forgotten."""
        self._services.known.drop(self)

    def usage(self) -> ApiUsage:
        """Return how many questions may be asked right now, and until when the server asked us to wait."""
        budget = Budget("requests", self._limiter.burst, self._limiter.remaining())
        return ApiUsage(budgets=(budget,), paused_until=self._limiter.paused_until())

    async def ask(self, operation: str, start: float, end: float) -> Answer:
        """Return the answer about ``[start, end)`` that ``operation`` promises, still unread.

        Repeats 5xx answers and lost connections. Raises the :class:`~exporter.errors.PollError` that any other answer is.
        """
        return await send_with_retries(
            lambda: self._once(operation, start, end),
            RETRY,
            may_repeat=may_pass,
            note=partial(self._note_retry, operation),
            clock=self._services.clock,
            random=self._services.random,
            turn=self._limiter.take,
        )

    async def _once(self, operation: str, start: float, end: float) -> Answer:
        body = _BODIES[operation].format(start=_written(start), end=_written(ceil(end)))
        headers = {
            "Authorization": f"Basic {self._credential}",
            "Depth": "1",
            "Content-Type": "application/xml; charset=utf-8",
            "Accept": "text/calendar, application/xml, text/xml",
        }
        request = new_request("REPORT", self.url, content=body.encode(), headers=headers)
        try:
            answer = await exchange(self._services, operation, request, kind=answer_kinds.CALENDAR, timeout=self._timeout)
        except InvalidResponseError:
            self._limiter.answered()
            raise
        if answer.status == _STATUSES[operation]:
            self._limiter.answered()
            return answer
        error = failure(answer, self.url, operation, self._services.clock)
        if not error.retry_after:
            self._limiter.answered()
            raise error
        each = THROTTLED_SECONDS if isinstance(error, RateLimitedError) else 0.0
        self._limiter.pause(error.retry_after, error, each=each)
        raise error.again(self._limiter.paused_for()) if each else error

    def _note_retry(self, operation: str, error: PollError) -> None:
        self._services.events.retry(operation, error.reason.value)
        log.debug("calendar_request_repeated", target=self._name, operation=operation, **error.facts())


def _written(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y%m%dT%H%M%SZ}"
