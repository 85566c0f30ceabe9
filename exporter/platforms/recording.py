"""Asks an account the questions of its platform's fact sheet, one after the other, and keeps what came of each.

It ends by itself: an account that is not reached, hangs, or asks us to wait is asked nothing more, no question begins after
five minutes, and no more than forty requests leave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx
from msgspec.structs import replace

from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    NotEntitledError,
    NotFoundError,
    OperatingLimitError,
    PermissionDeniedError,
    PollError,
    ServerError,
)
from exporter.platforms.base import Services
from exporter.platforms.conformance import MISSING, TOKEN, Exchange, Transcript
from exporter.platforms.retry import MAX_WAIT_SECONDS, wait_allowance
from exporter.support.json_text import decoded

MAX_REQUESTS: Final = 40
MAX_SECONDS: Final = 300.0

# Said of one question. Whoever cannot be reached, hangs or throttles would do so at the next one, too.
_OF_ONE_QUESTION: Final = (
    AuthError,
    PermissionDeniedError,
    NotEntitledError,
    NotFoundError,
    OperatingLimitError,
    ServerError,
    ClientError,
    InvalidResponseError,
)


class _Bounded(httpx.AsyncBaseTransport):
    """Lets so many requests through, and then no more."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.sent = 0
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.sent >= MAX_REQUESTS:
            raise httpx.ConnectError("no more requests")
        self.sent += 1
        return await self._inner.handle_async_request(request)


class Record:
    """The questions that were put to one account, and their answers."""

    def __init__(self, asking: Callable[[str], None] = lambda _: None) -> None:
        """``asking`` hears of each question before it is asked."""
        self._asking = asking
        self._exchanges: dict[str, Exchange] = {}
        self._facts: dict[str, Any] = {}
        self._latest: dict[str, Exchange] = {}
        self._ways: list[_Bounded] = []
        self._clock: Any = None
        self._began = 0.0
        self._refused = 0
        self.ended: PollError | None = None
        """What ended all further asking."""

    @property
    def requests(self) -> int:
        """How many requests left, repeated ones and those for tokens included."""
        return sum(way.sent for way in self._ways)

    @property
    def exchanges(self) -> Mapping[str, Exchange]:
        """What came of each question, by its name."""
        return self._exchanges

    @property
    def answered(self) -> bool:
        """Whether any question brought what was asked for."""
        return any(exchange.answered for question, exchange in self._exchanges.items() if question != TOKEN)

    def services(self, services: Services) -> Services:
        """Return ``services`` that tell this record of each answer."""
        way = _Bounded(services.http)
        self._ways.append(way)
        self._clock = services.clock
        self._began = services.clock.monotonic()
        return replace(services, http=way, on_exchange=self._record_exchange)

    def transcript(self, sign_in: str) -> Transcript:
        """Return all that was heard."""
        return Transcript(self._exchanges, sign_in, self._facts)

    def know(self, name: str, value: object) -> None:
        """Keep for the judges what a question is asked with."""
        self._facts[name] = value

    def note_token(self, operation: str) -> None:
        """Take the newest answer of ``operation``, which was asked by the way, for that of the question for a token."""
        if operation in self._latest:
            self._exchanges[TOKEN] = self._latest[operation]

    async def ask(self, question: str, operation: str, call: Callable[[], Awaitable[object]]) -> object:
        """Put ``question`` by ``call``, which sends ``operation``; returns the body of a success, else ``MISSING``."""
        self._latest.pop(operation, None)
        if self.ended is not None or self._clock.monotonic() - self._began > MAX_SECONDS:
            self._exchanges[question] = Exchange(asked=False)
            return MISSING
        self._asking(question)
        error: PollError | None = None
        try:
            with wait_allowance(MAX_WAIT_SECONDS):
                await call()
        except PollError as failed:
            error = failed
        found = replace(self._latest.get(operation, Exchange()), error=error)
        self._exchanges[question] = found
        self._refused = self._refused + 1 if isinstance(error, AuthError) else 0
        # A dead credential is refused everywhere, and need not be tried at each door.
        if error is not None and (not isinstance(error, _OF_ONE_QUESTION) or self._refused > 1):
            self.ended = error
        return found.body if found.answered else MISSING

    def _record_exchange(self, operation: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        read = decoded(body, _Json)
        self._latest[operation] = Exchange(
            status,
            frozenset(name.lower() for name in headers),
            headers.get("content-type", "").partition(";")[0].strip().lower(),
            MISSING if read is None else read,
        )


_Json: Any = dict[str, Any] | list[Any]
