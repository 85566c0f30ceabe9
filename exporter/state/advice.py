"""What to do about what a view shows: each platform's advice by the platform's name, and that for what only we find."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason, Message, Moved
from exporter.platforms.advice import Advice
from exporter.platforms.registry import PLATFORMS
from exporter.policy import WarningKind

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
    "Wait: the next poll reads again. If it lasts longer than an hour, the exporter's operator looks into the log.",
)
LINKS_UNVERIFIED: Final = Advice(
    "The links of many of these bookings were read longer ago than `max_age`; nobody knows whether they are linked.",
    "Wait: it passes by itself. If it lasts longer than an hour, "
    "the exporter's operator raises `verify_calls` or `max_age` of the collector "
    "`links`, or narrows its window; where the operating time is more than half spent, raises its interval or "
    "`budget.operating_seconds`.",
)
CREDENTIAL_ENDS: Final = Advice(
    "The credential works until this moment, and a person must renew it.",
    "The account's owner renews the credential and the exporter's operator puts it in place.",
)
OVERDUE: Final = Advice(
    "The poll should have begun long ago: the exporter has more to do than this machine can, or its clock was stopped.",
    "Wait: it passes by itself. If it lasts longer than an hour, "
    "the exporter's operator gives the exporter more CPU, raises intervals, "
    "or divides the targets (`--shard`).",
)
NOT_POLLED: Final = Advice("Nothing is known yet: no poll has finished.", "")
KNOWN: Final = Advice("The configuration says that this is meant to be.", "")
ALL_DOWN: Final = Advice(
    "Calendars that worked not long ago do not work any more, or one that is gone, and none of the others does.",
    "The calendars' owners connect again, as each connection below says. If all stopped at one moment, an administrator of the "
    "account first finds out what was changed then.",
)
ALL_GONE: Final = Advice(
    "The site lists no calendar connection any more; some worked not long ago. No calendar of it is watched.",
    "An administrator of the account finds out who removed the connections, or withdrew the right to see them; the calendars' "
    "owners connect again. If that was meant, the exporter's operator accepts the warning `no_connections`.",
)
LIMITED: Final = Advice(
    "The platform asked to wait, so nothing is asked until that time has passed.",
    "Wait: it passes by itself. If it comes back, the exporter's operator raises the intervals of the target, and an "
    "administrator of the account looks for other applications that ask as much.",
)
BUDGET_SPENT: Final = Advice(
    "The operating time that the target may spend in ten minutes is spent, so what costs more is not asked.",
    "Wait: it passes by itself. If it comes back, the exporter's operator raises intervals, narrows windows or raises "
    "`budget.operating_seconds`.",
)
UNLINKED: Final = Advice(
    "Many bookings are tied to no CRM entity.",
    "A portal administrator repairs the automation that creates the links, then sales links the bookings by hand.",
)
INTAKE_SILENT: Final = Advice(
    "No new booking arrived for a day; on the same day of last week there were enough.",
    "An administrator of the account makes a test booking as a customer would, then repairs the form, the payment or the "
    "opening hours. Days without bookings belong into the target's `closed`.",
)
RELOAD_REFUSED: Final = Advice(
    "The configuration was changed and could not be used; the one before stays in force.",
    "The exporter's operator runs `booking-sync-exporter check-config`, corrects what it names and reloads.",
)

UNWATCHED: Final[Mapping[WarningKind, str]] = MappingProxyType(
    {
        WarningKind.CONFLICTS_OFF: Message("Bookings are counted, and nobody is told of two that overlap."),
        WarningKind.WINDOW_MISSING: Message("Some of the shipped alerts judge by this window, and never fire without it."),
        WarningKind.SAME_ACCOUNT: Message("What stands there counts twice, or the account that was meant is not watched."),
        WarningKind.EXPIRED: Message(
            "The day came up to which this was accepted. If it still holds, it is judged like all else."
        ),
        WarningKind.UNKNOWN_SCHEDULE: Message("Nothing of this schedule is watched."),
        WarningKind.UNKNOWN_ALIAS: Message("The name is given to no connection."),
        WarningKind.UNKNOWN_RESOURCE: Message("What the configuration says of this resource has no effect."),
        WarningKind.UNKNOWN_ACCEPTED: Message("This entry of `accepted` has no effect."),
        WarningKind.NO_CONNECTIONS: Message("No calendar of the site is watched."),
        WarningKind.OPERATORS_BY_DEFAULT: Message("Whoever has a password and is named nowhere sees every site."),
        WarningKind.DISCOVERY: Message("Sites that are known are watched as before; some that are new may not be watched."),
    }
)
"""What a warning of the configuration means, by its kind."""


def moved(to: Moved) -> Advice:
    """Return what it means that an account answers elsewhere, and what to change."""
    return Advice(
        "The account answers at a new address. The old one still leads there, and when it ends the target fails.",
        Message(
            "The exporter's operator changes the host in `%(setting)s` to `%(host)s` and reloads.",
            setting=to.setting,
            host=to.host,
        ),
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


_WAITS: Final = re.compile(r"Wait: [^.]*\.")


def asked_once(fix: str) -> str:
    """Return ``fix`` as a command says it that asks once and ends: nobody tries again for whoever typed it."""
    return _WAITS.sub("Try again in a few minutes.", fix, count=1)
