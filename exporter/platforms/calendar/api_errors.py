"""An answer of a CalDAV server that has no busy times -> one of our errors (docs/platforms/calendar.md 2.4).

Hosts are named, and never a path: it has the owner's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import httpx

from exporter.clock import Clock
from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    NetworkError,
    NotEntitledError,
    NotFoundError,
    PermissionDeniedError,
    PollError,
    RateLimitedError,
    Reason,
    ServerError,
    TargetConfigError,
)
from exporter.platforms.calendar.content_lines import looks_like_a_page
from exporter.platforms.error_rules import ErrorRule, content_type, sentence
from exporter.platforms.exchange import Answer, retry_after_seconds
from exporter.support.net import ascii_host, join_address
from exporter.support.redaction import sanitized

THROTTLED_SECONDS: Final = 300.0
"""How long a server is left alone that throttles and does not say for how long."""

REASONS: Final = tuple(reason for reason in Reason if reason not in (Reason.OPERATING_LIMIT, Reason.OVERLOAD))
FREE_BUSY: Final = "free_busy_query"
ENTRIES: Final = "calendar_query"
RESOURCE_TYPE: Final = "resource_type"

_RETRIED_STATUSES: Final = frozenset({500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SIGN_IN: Final = re.compile(r"(?:^|,)\s*(basic|bearer|digest|negotiate|ntlm)\b", re.IGNORECASE)
_NOT_SUPPORTED: Final = re.compile(rb"<[^<>]{0,40}\bsupported-report\b")
_TOO_MANY: Final = re.compile(rb"<[^<>]{0,40}\bnumber-of-matches-within-limits\b")

_BY_STATUS: Final[Mapping[int, ErrorRule]] = {
    401: ErrorRule(AuthError, sentence("does not accept the user name and password")),
    403: ErrorRule(PermissionDeniedError, sentence("does not let this user read the calendar")),
    404: ErrorRule(NotFoundError, sentence("has no calendar at this address")),
    410: ErrorRule(NotFoundError, sentence("has no calendar at this address any more")),
    429: ErrorRule(RateLimitedError, sentence("asks the exporter to come less often")),
}
_NO_FREE_BUSY: Final = ErrorRule(
    NotEntitledError,
    sentence("does not tell when somebody is busy at this address; if it is that of one calendar, write read: entries"),
)
_NO_REPORT: Final = ErrorRule(
    TargetConfigError, sentence("does not answer questions about calendars at this address; correct caldav.url")
)
_NO_CALENDAR: Final = ErrorRule(
    TargetConfigError, sentence("has a user or a folder at this address; write that of one calendar into caldav.url")
)
_MANY: Final = ErrorRule(TargetConfigError, sentence("does not tell so many entries at once; write read: free_busy"))
_OTHER_SIGN_IN: Final = ErrorRule(
    AuthError, sentence("takes no user name with a password, but {schemes}; write ics_url if it publishes a feed")
)
_BY_HUNDRED: Final[Mapping[int, ErrorRule]] = {
    2: ErrorRule(InvalidResponseError, sentence("answered without a calendar")),
    3: ErrorRule(InvalidResponseError, sentence("redirects to nowhere")),
    4: ErrorRule(ClientError, sentence("calls the question a bad request")),
    5: ErrorRule(ServerError, sentence("failed to answer")),
}
_STRANGE: Final = ErrorRule(InvalidResponseError, sentence("answered with a status that HTTP does not know"))


def failure(answer: Answer, url: httpx.URL, operation: str, clock: Clock) -> PollError:
    """Return the error that an ``answer`` stands for which is not what ``operation`` promises."""
    status = answer.status
    if status in _REDIRECTS and (moved := _redirected(answer, url)) is not None:
        return moved
    if status == httpx.codes.OK and looks_like_a_page(answer.body):
        return invalid(answer, url, "a web page instead of a calendar")
    wait = retry_after_seconds(answer, clock)
    rule = _classify(answer, operation)
    if rule.error is RateLimitedError and not wait:
        wait = THROTTLED_SECONDS
    schemes = ", ".join(dict.fromkeys(map(str.capitalize, _schemes(answer))))
    return rule.as_error(status=status, retry_after=wait, who=url.host, shown=f"HTTP {status}", schemes=schemes)


def no_calendar(answer: Answer, url: httpx.URL) -> PollError:
    """Return the error for an ``answer`` that says that something else than a calendar lies at ``url``."""
    return _NO_CALENDAR.as_error(status=answer.status, retry_after=0.0, who=url.host, shown=f"HTTP {answer.status}", schemes="")


def invalid(answer: Answer, url: httpx.URL, what: str) -> InvalidResponseError:
    """Return the error for an answer that promises a calendar and is none; ``what`` quotes nothing of it."""
    if looks_like_a_page(answer.body):
        what = "a web page instead of a calendar"
    kind = content_type(answer.content_type) if answer.content_type != "text/calendar" else answer.content_type
    return InvalidResponseError(f"{url.host} sent {what} ({kind}, {len(answer.body)} bytes)", status=answer.status)


def may_pass(error: PollError) -> bool:
    """Return whether asking again within the same poll makes sense. All our calls are reads."""
    return isinstance(error, NetworkError) or (isinstance(error, ServerError) and error.status in _RETRIED_STATUSES)


def _classify(answer: Answer, operation: str) -> ErrorRule:
    status = answer.status
    if status == httpx.codes.UNAUTHORIZED and (schemes := _schemes(answer)) and "basic" not in schemes:
        return _OTHER_SIGN_IN
    if status == httpx.codes.FORBIDDEN and _TOO_MANY.search(answer.body):
        return _MANY
    is_unknown = status in (httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_IMPLEMENTED, httpx.codes.UNSUPPORTED_MEDIA_TYPE)
    if is_unknown or (status == httpx.codes.FORBIDDEN and _NOT_SUPPORTED.search(answer.body)):
        return _NO_FREE_BUSY if operation == FREE_BUSY else _NO_REPORT
    if status == httpx.codes.MULTI_STATUS and operation == FREE_BUSY:
        return _NO_FREE_BUSY
    return _BY_STATUS.get(status) or _BY_HUNDRED.get(status // 100, _STRANGE)


def _schemes(answer: Answer) -> list[str]:
    return [scheme.lower() for scheme in _SIGN_IN.findall(answer.headers.get("www-authenticate", ""))]


def _redirected(answer: Answer, url: httpx.URL) -> PollError | None:
    """Return what an operator has to write instead of ``url``; ``None`` for a redirect that leads nowhere."""
    given = answer.headers.get("location", "")
    try:
        location = url.join(given)
        name = ascii_host(location.raw_host.decode("ascii"))
    except (httpx.InvalidURL, ValueError):
        return None
    if not given or "%" in name:
        return None
    place = sanitized(join_address(location.host, location.port))
    if location.host != url.host:
        what = f"redirects to {place}, where the password is not sent; if that is right, write that host in caldav.url"
    elif location.scheme != url.scheme or location.port != url.port:
        what = f"redirects to {location.scheme}://{place}; write that before the path in caldav.url"
    elif location.path == url.path + "/":
        what = "redirects to the same address with a / at its end; write it so in caldav.url"
    else:
        what = "redirects to another path; write caldav.url as `curl --head` shows it behind Location"
    return TargetConfigError(f"{url.host} {what} (HTTP {answer.status})", status=answer.status)
