"""A Wix answer that is not a 2xx -> one of our errors (docs/platforms/wix.md 9).

Logic stands on the status and on ``details.applicationError.code``, never on a message: messages are empty by design for
system errors, may be HTML, and may echo what was sent. Only status, code and request id are shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from exporter.clock import Clock
from exporter.errors import (
    AuthError,
    ClientError,
    GoneError,
    InvalidResponseError,
    NetworkError,
    NotEntitledError,
    NotFoundError,
    PermissionDeniedError,
    PollError,
    RateLimitedError,
    Reason,
    ServerError,
)
from exporter.limits import TEXT
from exporter.platforms.error_rules import ErrorRule, content_type, is_code
from exporter.platforms.exchange import Answer, retry_after_seconds
from exporter.platforms.wix.endpoints import Endpoint
from exporter.support.json_text import decoded
from exporter.support.net import ascii_host, join_address
from exporter.support.redaction import sanitized

THROTTLED_SECONDS: Final = 60.0
"""What the Wix troubleshooting page says to wait after a 429 (wix.md 10)."""

REASONS: Final = tuple(reason for reason in Reason if reason not in (Reason.OPERATING_LIMIT, Reason.OVERLOAD))
"""Why a poll of a site may fail: the two that are left out are limits that Bitrix24 alone has."""

_RETRIED_STATUSES: Final = frozenset({500, 502, 503, 504})
_NO_TOKEN_STATUSES: Final = frozenset({400, 401, 403})
_REQUEST_ID: Final = re.compile(rf"[A-Za-z0-9_.:|-]{{1,{TEXT.number}}}")

# In the texts `{operation}` is our word for what was asked.
_BY_CODE: Final[Mapping[str, ErrorRule]] = {
    "FUNCTION_REMOVED": ErrorRule(
        NotFoundError, "Wix has retired {operation} ({shown}); install a newer version of the exporter"
    ),
    "PREMIUM_FEATURE_NOT_ENABLED": ErrorRule(NotEntitledError, "the site's plan does not contain calendar sync ({shown})"),
    "CONNECTION_NOT_CONNECTED": ErrorRule(NotEntitledError, "Wix cannot read the calendars of this connection ({shown})"),
    "NOT_SUPPORTED_BY_PROVIDER": ErrorRule(
        NotEntitledError, "Wix does not list the calendars of this connection's provider ({shown})"
    ),
}
_NO_TOKEN: Final[ErrorRule] = ErrorRule(AuthError, "Wix does not give this app a token ({shown})")
_NO_SUCH_PATH: Final[ErrorRule] = ErrorRule(
    NotFoundError, "there is no {operation} at this address ({shown}); check base_url and reader_prefix"
)
_GONE: Final[ErrorRule] = ErrorRule(
    GoneError, "Wix does not know the connection that {operation} asks about ({shown}): it is gone, or was replaced"
)
_NOT_KNOWN: Final[ErrorRule] = ErrorRule(NotEntitledError, "Wix refuses {operation} with a code that is not known ({shown})")
_NOT_INSTALLED: Final = "APP_NOT_INSTALLED"
"""How codes end that say that an app is missing (wix.md 9.1)."""
_BY_STATUS: Final[dict[int, ErrorRule]] = {
    404: ErrorRule(NotFoundError, "Wix does not know what {operation} asks for ({shown}); check site_id"),
    428: ErrorRule(NotEntitledError, "the site lacks what {operation} needs ({shown}); is Wix Bookings installed?"),
    429: ErrorRule(RateLimitedError, "Wix throttles this site ({shown})"),
    501: ErrorRule(
        ServerError, "Wix does not implement {operation} at this address ({shown}); check base_url and reader_prefix"
    ),
}
_BY_STATUS_WITH_KEY: Final[dict[int, ErrorRule]] = {
    401: ErrorRule(AuthError, "Wix does not accept the API key ({shown})"),
    403: ErrorRule(PermissionDeniedError, "Wix does not let this API key do {operation} ({shown})"),
}
_BY_STATUS_WITH_TOKEN: Final[dict[int, ErrorRule]] = {
    401: ErrorRule(AuthError, "Wix does not accept the app's token, not even a fresh one ({shown})"),
    403: ErrorRule(PermissionDeniedError, "Wix does not let this app do {operation} ({shown})"),
}
_BY_HUNDRED: Final[Mapping[int, ErrorRule]] = {
    3: ErrorRule(InvalidResponseError, "Wix redirects {operation}{place}, which is not followed ({shown})"),
    4: ErrorRule(ClientError, "Wix calls {operation} a bad request ({shown})"),
    5: ErrorRule(ServerError, "Wix failed to answer {operation} ({shown})"),
}
_STRANGE: Final[ErrorRule] = ErrorRule(
    InvalidResponseError, "Wix answered {operation} with a status that HTTP does not know ({shown})"
)


class _Error(msgspec.Struct):
    details: Any = None
    error: Any = None  # RFC 6749, token endpoint only


def request_id(answer: Answer) -> str | None:
    """Return what Wix support asks for."""
    given = answer.headers.get("x-wix-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else None


def invalid(answer: Answer, endpoint: Endpoint, what: str) -> InvalidResponseError:
    """Return the error for a 2xx answer that is not what the API promises; ``what`` must not quote the body."""
    kind = content_type(answer.content_type)
    return InvalidResponseError(
        f"Wix answered {endpoint.operation} with {what} ({kind}, {len(answer.body)} bytes)",
        status=answer.status,
        request_id=request_id(answer),
    )


def failure(answer: Answer, endpoint: Endpoint, *, app_mode: bool, clock: Clock) -> PollError:
    """Return the error that a non-2xx ``answer`` stands for."""
    status, given = answer.status, _given_code(answer)
    code = given if is_code(given) else None
    rule = _classify(answer, endpoint, given, app_mode=app_mode)
    wait = retry_after_seconds(answer, clock)
    if rule.error is RateLimitedError and not wait:
        wait = THROTTLED_SECONDS
    words = {
        "operation": endpoint.operation,
        "place": _new_place(answer),
        "shown": f"HTTP {status}, {code or '…'}" if given else f"HTTP {status} without a reason",
    }
    return rule.as_error(status=status, code=code, request_id=request_id(answer), retry_after=wait, **words)


def _new_place(answer: Answer) -> str:
    """Return to which host a redirect leads, in the words of its error; nothing for one that stays, or cannot be read."""
    try:
        location = httpx.URL(answer.headers.get("location", ""))
        name = ascii_host(location.raw_host.decode("ascii"))
    except (httpx.InvalidURL, ValueError):
        return ""
    return "" if "%" in name else f" to {sanitized(join_address(location.host, location.port))}"


def may_pass(error: PollError) -> bool:
    """Return whether asking again within the same poll makes sense (wix.md 10). All our calls are reads."""
    return isinstance(error, NetworkError) or (isinstance(error, ServerError) and error.status in _RETRIED_STATUSES)


def _classify(answer: Answer, endpoint: Endpoint, code: str, *, app_mode: bool) -> ErrorRule:
    status = answer.status
    if code in _BY_CODE:
        return _BY_CODE[code]
    if endpoint is Endpoint.MINT_TOKEN and status in _NO_TOKEN_STATUSES:
        return _NO_TOKEN
    if status == 428 and code and not code.endswith(_NOT_INSTALLED):  # noqa: PLR2004  HTTP: precondition required
        return _NOT_KNOWN
    if status == 404 and endpoint is Endpoint.LIST_CALENDARS and (code or "x-wix-responded-by" in answer.headers):  # noqa: PLR2004
        return _GONE
    if status == 404 and "x-wix-responded-by" not in answer.headers:  # noqa: PLR2004  HTTP: not found
        # A path that exists nowhere is answered without the header that names the service (wix.md 9.1).
        return _NO_SUCH_PATH
    by_status = _BY_STATUS | (_BY_STATUS_WITH_TOKEN if app_mode else _BY_STATUS_WITH_KEY)
    return by_status.get(status) or _BY_HUNDRED.get(status // 100, _STRANGE)


def _given_code(answer: Answer) -> str:
    """Return what the body has in the place of the platform's own error word, empty where there is nothing."""
    body = decoded(answer.body, _Error)
    if body is None:
        return ""
    code: object = body.error
    if isinstance(body.details, dict) and isinstance(error := body.details.get("applicationError"), dict):
        code = error.get("code")
    return code if isinstance(code, str) else ""
