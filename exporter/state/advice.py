"""What to do about what a view shows: each platform's advice by the platform's name, and that for what only we find."""

from __future__ import annotations

from typing import Final

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason
from exporter.platforms.advice import Advice
from exporter.platforms.registry import PLATFORMS

# What our own reading finds, not a word of a platform.
DOUBLE_BOOKING: Final = Advice(
    "Two bookings overlap on a resource that can serve one at a time.",
    "The front desk opens the calendar at this time, moves or cancels one of the two bookings and tells its customer. If the "
    "resource may serve several at a time, the exporter's operator lists it in `overlapping_resources`.",
)
DATA_WITHDRAWN: Final = Advice(
    "There is no fresh data, and the old data was withdrawn because it reached its `max_age`.",
    "The exporter's operator looks into the log for what holds the polls up.",
)
WINDOW_INCOMPLETE: Final = Advice(
    "Not everything in this window could be read; the true numbers may be higher.",
    "Nothing at first: the next poll reads again. If it lasts, the exporter's operator looks into the log.",
)
LINKS_UNVERIFIED: Final = Advice(
    "The links of more than half of these bookings were read longer ago than `max_age`; nobody knows whether they are linked.",
    "Nothing while it passes. If it lasts, the exporter's operator raises `verify_calls` or `max_age` of the collector "
    "`links`, or narrows its window; where the operating time is more than half spent, raises its interval or "
    "`budget.operating_seconds`.",
)
CREDENTIAL_ENDS: Final = Advice(
    "The credential works until this moment, and a person must renew it.",
    "The account's owner renews the credential and the exporter's operator puts it in place.",
)


def for_connection(platform: str, status: ConnectionStatus, error_reason: ErrorReason | None) -> Advice:
    """Return what a connection's state means and its fix. ``error_reason`` counts only while the status is ``ERROR``."""
    return PLATFORMS[platform].advice.connection(status, error_reason)


def for_failure(platform: str, reason: Reason, sign_in: str = "") -> Advice:
    """Return what a failed poll means and its fix, for accounts that are signed in to by ``sign_in`` if it matters how."""
    return PLATFORMS[platform].advice.failure(reason, sign_in)


def plain(text: str) -> str:
    """Return advice for a terminal or a log: without the quotes that mark code on a page."""
    return text.replace("`", "")
