"""What an answer that is not data means: Bitrix24's error codes, then HTTP statuses (bitrix24.md section 8).

The code decides and the status only where there is no known code, because one status has several meanings: 503 is a full
bucket, a block by hand, or a plain outage. Where several errors share a code, a known sentence decides before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import msgspec

from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    NotEntitledError,
    NotFoundError,
    OperatingLimitError,
    OverloadError,
    PermissionDeniedError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
    ServerError,
    TargetConfigError,
)
from exporter.limits import CODE
from exporter.platforms.error_rules import ErrorRule, is_code, sentence


class Action(Enum):
    """What the caller may do about it."""

    GIVE_UP = "give up"
    RETRY = "retry"
    RETRY_ONCE = "retry once"
    PAUSE = "pause the whole portal, then retry"
    OPERATING = "pause the method until its reset"
    OVERLOAD = "stop the portal for long"
    RENEW = "renew the access token once"
    DIRECT = "call without a batch"
    SPLIT = "send fewer commands"


class Refusal(msgspec.Struct, frozen=True):
    """An answer without data: the error that the poll would end with, and what may be tried first."""

    error: PollError
    action: Action


class _Rule(ErrorRule, frozen=True):
    action: Action = Action.GIVE_UP


def _rule(error: type[PollError], text: str, action: Action = Action.GIVE_UP) -> _Rule:
    return _Rule(error, sentence(text), action)


BOOKING_NOT_FOUND: Final = "1021"
METHOD_NOT_FOUND: Final = "error_method_not_found"
NO_CODE: Final = ""
"""What calendar methods answer about an event that is hidden from us; their sentence is in the portal's language."""
NOT_IN_BATCH: Final = "error_batch_method_not_allowed"
BATCH_TOO_LONG: Final = "error_batch_length_exceeded"

_BUG: Final = "does not accept the request, which is a fault of the exporter"
_AUTH: Final = "does not accept the credential"

RULES: Final[Mapping[str, _Rule]] = {
    "query_limit_exceeded": _rule(RateLimitedError, "refuses because of too many requests", Action.PAUSE),
    "operation_time_limit": _rule(OperatingLimitError, "blocks the method for its operating time", Action.OPERATING),
    "overload_limit": _rule(
        OverloadError, "has blocked REST for this portal; its support must lift the block", Action.OVERLOAD
    ),
    "internal_server_error": _rule(ServerError, "has an internal error", Action.RETRY),
    "error_unexpected_answer": _rule(ServerError, "could not finish the request", Action.RETRY),
    "error_core": _rule(ServerError, "has an error in its core", Action.RETRY_ONCE),
    "expired_token": _rule(AuthError, "says that the access token has expired", Action.RENEW),
    "invalid_token": _rule(AuthError, "says that the access token is invalid", Action.RENEW),
    "no_auth_found": _rule(AuthError, "found no valid credential in the request", Action.RENEW),
    "invalid_credentials": _rule(AuthError, f"{_AUTH}: the webhook was deleted, or its owner lacks rights"),
    "authorization_error": _rule(AuthError, f"{_AUTH}: its owner was dismissed or is inactive"),
    "error_oauth": _rule(AuthError, f"{_AUTH}: the application is not authorised"),
    "insufficient_scope": _rule(PermissionDeniedError, "says that the credential lacks the scope {module}"),
    "user_access_error": _rule(PermissionDeniedError, "does not let the credential's user use the application"),
    "allowed_only_intranet_user": _rule(PermissionDeniedError, "serves staff only, and the credential's user is not staff"),
    "wrong_auth_type": _rule(PermissionDeniedError, "does not allow this kind of credential"),
    "method_confirm_denied": _rule(PermissionDeniedError, "had an administrator deny the method"),
    "method_confirm_waiting": _rule(PermissionDeniedError, "waits for an administrator to allow the method"),
    "403": _rule(PermissionDeniedError, "does not let the credential's user see bookings"),
    "access_denied": _rule(NotEntitledError, "denies REST: the plan has none, or the user has no right to it"),
    "payment_required": _rule(NotEntitledError, "requires payment for the application"),
    "application_not_found": _rule(NotEntitledError, "does not know the application"),
    "not_installed": _rule(NotEntitledError, "says that the application is not installed"),
    "portal_deleted": _rule(NotFoundError, "says that the portal is deleted or closed"),
    METHOD_NOT_FOUND: _rule(NotFoundError, "does not know the method: module {module} missing or old, or a wrong URL"),
    "error_manifest_is_not_available": _rule(NotFoundError, "does not have the application's manifest"),
    NOT_IN_BATCH: _rule(ClientError, "does not run the method in a batch", Action.DIRECT),
    BATCH_TOO_LONG: _rule(ClientError, "takes fewer commands in a batch", Action.SPLIT),
    "invalid_request": _rule(TargetConfigError, "refuses the request; it wants https"),
    "error_argument": _rule(ClientError, _BUG),
    "wrong_encoding": _rule(ClientError, _BUG),
    "100": _rule(ClientError, _BUG),
    "0": _rule(ClientError, _BUG),
    NO_CODE: _rule(ClientError, _BUG),
    "422": _rule(ClientError, _BUG),
    BOOKING_NOT_FOUND: _rule(ClientError, "does not have the booking"),
}

_STATUSES: Final[Mapping[int, _Rule]] = {
    401: _rule(AuthError, _AUTH),
    402: _rule(NotEntitledError, "requires payment"),
    403: _rule(PermissionDeniedError, "forbids the request"),
    404: _rule(NotFoundError, "does not know the address; the portal may be gone"),
    408: _rule(PollTimeoutError, "gave up waiting for the request"),
    410: _rule(NotFoundError, "says that the portal is gone"),
    429: _rule(RateLimitedError, "refuses because of too many requests", Action.PAUSE),
}
# Different errors share these codes, and older builds have others for the same: the text tells (bitrix24.md 8.2).
_SHARED_CODES: Final = frozenset({"0", NO_CODE, "422"})
_SENTENCES: Final[Mapping[str, _Rule]] = {
    "booking tool is disabled": _rule(
        NotEntitledError, "says that its tool Booking is switched off; an administrator switches it on under Settings -> Tools"
    ),
    "feature is not available": _rule(NotEntitledError, "says that its plan does not contain Booking"),
}
_CLIENT: Final = _rule(ClientError, _BUG)
_SERVER: Final = _rule(ServerError, "has a fault", Action.RETRY)
_NO_DATA: Final = _rule(InvalidResponseError, "sent something that is not its API's JSON", Action.RETRY_ONCE)

_OK: Final = 200
_MULTIPLE_CHOICES: Final = 300
_BAD_REQUEST: Final = 400
_SERVER_ERROR: Final = 500


def normalise(error: object) -> str:
    """Return the code of a body's ``error``: a word, a number, text that is a number, empty, or REST v3's object."""
    if isinstance(error, Mapping):
        error = error.get("code", "")
    return str(error).strip()[: CODE.number] if isinstance(error, str | int | float) else ""


def refusal(
    portal: str, method: str, error: object, description: object = "", *, status: int | None, retry_after: float | None = None
) -> Refusal:
    """Return what the ``error`` of an answer of ``method`` means: its mere presence is a failure.

    Be it ``0``, empty, or under HTTP 200.

    The description is free text of the portal, which may name people: known sentences mean something, no other is shown.
    """
    code = normalise(error)
    rule = RULES.get(code.lower())
    if rule is None or code in _SHARED_CODES:
        rule = _by_sentence(description) or rule
    if rule is None:
        by_status = _STATUSES.get(status or 0)
        rule = by_status or (_SERVER if status is not None and status >= _SERVER_ERROR else _CLIENT)
    shown = code if code.lower() in RULES or is_code(code) else "…"
    module = "calendar" if method.startswith("calendar.") else "booking"  # a scope has the name of its module
    words = {"who": portal, "shown": shown or "empty error code", "module": module}
    return Refusal(rule.as_error(status=status, code=shown, retry_after=retry_after, **words), rule.action)


def _by_sentence(description: object) -> _Rule | None:
    text = description.strip().lower() if isinstance(description, str) else ""
    return next((rule for sentence, rule in _SENTENCES.items() if text.startswith(sentence)), None)


def refusal_without_json(portal: str, status: int, retry_after: float | None) -> Refusal:
    """Return what an answer means that is not a JSON object of the API, judged by its status.

    ``retry_after`` is in seconds.
    """
    rule = _STATUSES.get(status)
    if rule is None:
        if status >= _SERVER_ERROR:
            rule = _SERVER
        elif status >= _BAD_REQUEST:
            rule = _CLIENT
        else:
            rule = _NO_DATA
    words = {"who": portal, "shown": f"HTTP {status}"}
    return Refusal(rule.as_error(status=status, retry_after=retry_after, **words), rule.action)
