"""Everything that can go wrong, drawn once.

::

    BookingSyncError
    ├── ConfigError                 bad configuration; carries every problem at once
    ├── ListenError                 the web server cannot have its address
    ├── WebServerError              the web server ended though nobody stopped it
    └── PollError                   a poll ended without (complete) data; one ``reason`` each
        ├── AuthError               auth             the platform does not accept the credential
        ├── PermissionDeniedError             permission       accepted, but it may not do this
        ├── NotEntitledError        not_entitled     the plan or a missing app forbids it
        ├── NotFoundError           not_found        wrong path, site, portal or method
        ├── RateLimitedError        rate_limited     too many requests; ``retry_after`` when known
        ├── OperatingLimitError     operating_limit  Bitrix24 operating time is used up; ``retry_after``
        ├── OverloadError           overload         Bitrix24 blocked the portal by hand
        ├── PollTimeoutError        timeout          no answer in time
        ├── NetworkError            network          no connection, no name, connection lost
        ├── TlsError                tls              certificate or handshake
        ├── ServerError             server_error     5xx
        ├── ClientError             client_error     4xx with no better name: a bug in our request
        ├── InvalidResponseError    invalid_response not what the API promises: HTML, truncated, missing fields
        ├── TargetConfigError       config           found out at run time: token file gone, http base_url
        └── InternalError           internal         a bug of ours
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Reason(StrEnum):
    """The closed list of values of the ``reason`` label of ``booking_sync_collector_failures_total``."""

    AUTH = "auth"
    PERMISSION = "permission"
    NOT_ENTITLED = "not_entitled"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    OPERATING_LIMIT = "operating_limit"
    OVERLOAD = "overload"
    TIMEOUT = "timeout"
    NETWORK = "network"
    TLS = "tls"
    SERVER_ERROR = "server_error"
    CLIENT_ERROR = "client_error"
    INVALID_RESPONSE = "invalid_response"
    CONFIG = "config"
    INTERNAL = "internal"

    __hash__ = str.__hash__  # an enum's own is a call of Python each time


class BookingSyncError(Exception):
    """The root of all errors that this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong in a configuration: where, what, and how to mend it.

    ``path`` is dotted with list positions, ``targets[0].api_key``; empty for the file as a whole.
    """

    path: str
    message: str
    fix: str = ""
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "")
        text = ": ".join(part for part in (place, self.path, self.message) if part)
        return f"{text} (fix: {self.fix})" if self.fix else text

    def map_texts(self, by: Callable[[str], str]) -> ConfigProblem:
        """Return the same problem with its texts as ``by`` tells them."""
        return ConfigProblem(by(self.path), by(self.message), by(self.fix), self.file, self.line)


class ConfigError(BookingSyncError):
    """The configuration cannot be used. ``problems`` holds every reason, never just the first.

    ``warnings`` holds what is allowed in the rest of it and probably not meant, as far as that can be told.
    """

    def __init__(self, problems: Sequence[ConfigProblem], warnings: Sequence[ConfigProblem] = ()) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
        self.warnings = tuple(warnings)

    def map_texts(self, by: Callable[[str], str]) -> ConfigError:
        """Return the same error with the texts of its problems as ``by`` tells them."""
        return ConfigError(
            [problem.map_texts(by) for problem in self.problems], [warning.map_texts(by) for warning in self.warnings]
        )


class ListenError(BookingSyncError):
    """The web server cannot listen on its address: taken, not of this machine, or not allowed."""


class WebServerError(BookingSyncError):
    """The web server ended though nobody stopped it: a bug, which is its cause."""


class PollError(BookingSyncError):
    """A poll failed. The message speaks to the operator and never holds a URL with a credential.

    ``status`` is the HTTP status when there was an answer, ``code`` the platform's own error word, ``request_id`` what
    the platform's support asks for, ``retry_after`` the seconds that the platform (or its documentation) asks us to wait.
    """

    reason: ClassVar[Reason] = Reason.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after

    def again(self, retry_after: float | None) -> PollError:
        """Return the same error for another call, that may be tried after ``retry_after`` seconds."""
        return type(self)(self.message, status=self.status, code=self.code, request_id=self.request_id, retry_after=retry_after)

    def map_texts(self, by: Callable[[str, int], str], *, max_letters: int, max_word_letters: int) -> PollError:
        """Return the same error with all of its texts as ``by`` tells them, the message in ``max_letters`` letters."""
        code, request_id = (text and by(text, max_word_letters) for text in (self.code, self.request_id))
        message = by(self.message, max_letters)
        return type(self)(message, status=self.status, code=code, request_id=request_id, retry_after=self.retry_after)

    def facts(self) -> dict[str, object]:
        """Return what a log line says of the error."""
        return {
            "reason": self.reason.value,
            "message": self.message,
            "status": self.status,
            "code": self.code,
            "request_id": self.request_id,
        }


class AuthError(PollError):
    reason = Reason.AUTH


class PermissionDeniedError(PollError):
    reason = Reason.PERMISSION


class NotEntitledError(PollError):
    reason = Reason.NOT_ENTITLED


class NotFoundError(PollError):
    reason = Reason.NOT_FOUND


class GoneError(NotFoundError):
    """What was listed a moment ago is not there any more."""


class RateLimitedError(PollError):
    reason = Reason.RATE_LIMITED


class OperatingLimitError(PollError):
    reason = Reason.OPERATING_LIMIT


class OverloadError(PollError):
    reason = Reason.OVERLOAD


class PollTimeoutError(PollError):
    reason = Reason.TIMEOUT


class NetworkError(PollError):
    reason = Reason.NETWORK


class UnreachableError(NetworkError):
    """No connection came about, so nothing was sent."""


class TlsError(PollError):
    reason = Reason.TLS


class ServerError(PollError):
    reason = Reason.SERVER_ERROR


class ClientError(PollError):
    reason = Reason.CLIENT_ERROR


class InvalidResponseError(PollError):
    reason = Reason.INVALID_RESPONSE


class TargetConfigError(PollError):
    reason = Reason.CONFIG


class InternalError(PollError):
    reason = Reason.INTERNAL
