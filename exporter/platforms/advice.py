"""The human fix for every state and every failure, written once; probe, status board, API and runbooks quote it.

Sources: fact sheet wix.md 3.4, 3.5, 9.2 and 12; bitrix24.md 6 and 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason, PlatformName


@dataclass(frozen=True, slots=True)
class Advice:
    """``meaning`` says what is the case in one sentence, ``fix`` who has to do what; empty when nothing has to be done."""

    meaning: str
    fix: str


# Quoted also by the Wix client when a 403 comes without a word: an empty key answers exactly like a missing right.
WIX_THREE_CHECKS: Final = (
    "(1) the API key is there, is not empty and was made by the owner or a co-owner of the account that owns the site; "
    "(2) the site is in the key's list of sites and `site_id` names it; "
    "(3) the key has the permission group Wix Bookings, External Calendars included"
)
_WIX_APP_MODE: Final = (
    "If all three hold, this API may not accept keys at all: use app mode (`app_id`, `app_secret`, `instance_id`) instead"
)

CONNECTION_STATES: Final[Mapping[ConnectionStatus, Advice]] = MappingProxyType(
    {
        ConnectionStatus.SYNCED: Advice("Both calendars agree.", ""),
        ConnectionStatus.SYNC_IN_PROGRESS: Advice(
            "A sync is running. It should end within minutes.",
            "Nothing at first. If it lasts longer than an hour, the calendar's owner disconnects and reconnects it: "
            "Wix dashboard -> Bookings calendar -> Sync personal calendar.",
        ),
        ConnectionStatus.CONNECTED: Advice(
            "The calendar is connected and no export has run yet. Where only import is on, this is the normal, final state.",
            "Nothing where only import is on. If export is on and this lasts longer than an hour, the calendar's owner "
            "saves the sync settings again, or disconnects and reconnects.",
        ),
        ConnectionStatus.DISCONNECTED: Advice(
            "The connection was cut: on purpose, or by Wix when the staff member's schedule changed its owner. "
            "Personal appointments no longer block booking times.",
            "If it was not on purpose, the calendar's owner reconnects: "
            "Wix dashboard -> Bookings calendar -> Sync personal calendar -> Connect.",
        ),
        ConnectionStatus.ERROR: Advice(
            "The sync is broken and will not mend itself; bookings and calendar drift apart.",
            "The calendar's owner opens the Wix dashboard -> Bookings calendar -> Sync personal calendar and reconnects.",
        ),
        ConnectionStatus.UNDEFINED: Advice(
            "Wix gives no information about this connection; it is neither known to work nor known to be broken.",
            "A site manager looks at the connection in the Wix dashboard -> Bookings calendar -> Sync personal calendar.",
        ),
        ConnectionStatus.UNKNOWN: Advice(
            "Wix reports a status that this version of the exporter does not know.",
            "A site manager looks at the connection in the Wix dashboard; the exporter's operator installs a newer version.",
        ),
    }
)

CONNECTION_ERRORS: Final[Mapping[ErrorReason, Advice]] = MappingProxyType(
    {
        ErrorReason.TOKEN_REVOKED: Advice(
            "The calendar's owner, or the provider, withdrew the access; the sync has stopped.",
            "The calendar's owner signs in again: Wix dashboard -> Bookings calendar -> Sync personal calendar -> Reconnect. "
            "An Apple calendar needs a new app-specific password from account.apple.com.",
        ),
        ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED: Advice(
            "Wix could not create its own calendar in the external account, so bookings are not exported.",
            "The calendar's owner checks the rights and the quota of the external account, then disconnects and reconnects, "
            "or chooses another calendar to export into.",
        ),
        ErrorReason.EXTERNAL_CALENDAR_DELETED: Advice(
            "The calendar that Wix exported into was deleted, so bookings are not exported.",
            "The calendar's owner saves the sync settings again, or disconnects and reconnects; Wix then makes a new calendar.",
        ),
        ErrorReason.UNDEFINED: Advice(
            "The sync is broken and Wix gives no reason.",
            "A site manager looks at the connection in the Wix dashboard -> Bookings calendar; the calendar's owner "
            "reconnects it.",
        ),
        ErrorReason.UNKNOWN: Advice(
            "The sync is broken for a reason that this version of the exporter does not know.",
            "A site manager looks at the connection in the Wix dashboard -> Bookings calendar; the calendar's owner "
            "reconnects it.",
        ),
    }
)

_EVERYWHERE: Final[Mapping[Reason, Advice]] = {
    Reason.TIMEOUT: Advice(
        "The platform did not answer in time.",
        "Nothing at first: the exporter tries again. If it lasts, the exporter's operator checks the platform's status page "
        "and the network, then raises the target's `timeout`.",
    ),
    Reason.NETWORK: Advice(
        "No connection to the platform: name not found, refused, or lost half-way.",
        "The exporter's operator checks DNS, firewall and proxy of the host, and `base_url` if it is set.",
    ),
    Reason.TLS: Advice(
        "The encrypted connection failed: certificate not trusted, expired, or for another name.",
        "The exporter's operator checks the host's clock and CA certificates, and whether a proxy intercepts TLS.",
    ),
    Reason.INVALID_RESPONSE: Advice(
        "The answer is not what the API promises: HTML, cut off, too large or without a field that must be there.",
        "Nothing at first: the exporter tries again. If it lasts, the exporter's operator checks `base_url` and any proxy, "
        "then reports it with the request id from the log.",
    ),
    Reason.CLIENT_ERROR: Advice(
        "The platform refused the request as wrong.",
        "The exporter's operator compares the target's configuration with the documentation, installs the newest version, "
        "and otherwise reports a bug with code and request id from the log.",
    ),
    Reason.CONFIG: Advice(
        "The configuration turned out to be unusable while running.",
        "The exporter's operator mends what the message names, then reloads.",
    ),
    Reason.INTERNAL: Advice(
        "A bug in the exporter stopped this poll; other targets are not touched.",
        "The exporter's operator reports it with the traceback from the log.",
    ),
}

_WIX: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "Wix does not accept the credential: wrong, expired or revoked.",
        "The account's owner makes a new API key (API Keys Manager) and the exporter's operator puts it in place, without "
        "`Bearer` in front. In app mode the operator checks `app_id`, `app_secret` and `instance_id`.",
    ),
    Reason.PERMISSION: Advice(
        "Wix does not let this credential read here; an empty or missing key gets the same answer.",
        f"The account's owner checks three things: {WIX_THREE_CHECKS}. {_WIX_APP_MODE}. "
        "In app mode, permissions added later need the app to be installed again.",
    ),
    Reason.NOT_ENTITLED: Advice(
        "The site's plan does not contain this feature, or Wix Bookings is not installed on it.",
        "The site's owner upgrades the plan (calendar sync is a premium feature) or installs Wix Bookings; "
        "otherwise the exporter's operator removes this collector from the target.",
    ),
    Reason.NOT_FOUND: Advice(
        "Wix knows no such address.",
        "The exporter's operator checks `site_id`, `base_url` and `reader_prefix`; then installs the newest version, "
        "because Wix may have retired the method.",
    ),
    Reason.RATE_LIMITED: Advice(
        "The site's limit of 200 requests a minute is used up; every client of this key and site shares it.",
        "Nothing at first: the exporter waits. If it lasts, the exporter's operator raises the intervals or gives other "
        "clients a key of their own.",
    ),
    Reason.OPERATING_LIMIT: Advice(
        "The platform's time budget is used up.",
        "Nothing at first: the exporter waits. If it lasts, the exporter's operator raises the intervals.",
    ),
    Reason.OVERLOAD: Advice(
        "Wix has blocked requests because of overload.",
        "The exporter's operator raises the intervals and asks Wix support, naming the request id from the log.",
    ),
    Reason.SERVER_ERROR: Advice(
        "Wix, or a calendar provider behind it, has a fault.",
        "Nothing at first: the exporter tries again. If it lasts, the exporter's operator looks at status.wix.com and names "
        "the request id to Wix support.",
    ),
}

_BITRIX24: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "Bitrix24 does not accept the credential: the webhook was deleted or expired, or the token was revoked.",
        "A portal administrator makes a new incoming webhook (Developer resources -> Other -> Inbound webhook) with the scope "
        "`booking`; the exporter's operator puts it in place. With OAuth, install the application again.",
    ),
    Reason.PERMISSION: Advice(
        "The credential is valid but may not read bookings.",
        "A portal administrator adds the scope `booking` to the webhook or application, and gives the person who made the "
        "webhook access to the booking section.",
    ),
    Reason.NOT_ENTITLED: Advice(
        "The portal does not offer REST access or online booking: its tool Booking is switched off, or the plan lacks it.",
        "Where the message says that the tool is switched off, a portal administrator switches Booking on: "
        "Settings -> Tools (/settings/configs/?page=tools on the portal). Otherwise the portal's owner renews the plan, or "
        "moves to one that has REST access and Booking. Or the exporter's operator removes this target.",
    ),
    Reason.NOT_FOUND: Advice(
        "The portal or the method does not exist at this address.",
        "The exporter's operator checks the portal's name and the user id in the webhook URL; a portal administrator checks "
        "that the portal was not deleted and that online booking is available on it.",
    ),
    Reason.RATE_LIMITED: Advice(
        "The portal's request limit is used up; every application on the portal shares it.",
        "Nothing at first: the exporter waits. If it lasts, the exporter's operator lowers `budget.requests_per_second` or "
        "raises the intervals.",
    ),
    Reason.OPERATING_LIMIT: Advice(
        "The method's operating time of ten minutes is used up; Bitrix24 blocks the method until it drops.",
        "Nothing at first: the exporter waits for the reset. If it lasts, the exporter's operator raises the interval, narrows "
        "the windows, or gives other jobs a webhook of their own.",
    ),
    Reason.OVERLOAD: Advice(
        "Bitrix24 has blocked REST for this portal by hand because of overload; it does not end by itself.",
        "A portal administrator asks Bitrix24 support to lift the block (OVERLOAD_LIMIT); the exporter's operator raises the "
        "intervals first.",
    ),
    Reason.SERVER_ERROR: Advice(
        "The Bitrix24 server has a fault.",
        "Nothing at first: the exporter tries again. If it lasts, a portal administrator asks Bitrix24 support, or whoever "
        "runs the server of an on-premise portal.",
    ),
}

FAILURES: Final[Mapping[PlatformName, Mapping[Reason, Advice]]] = MappingProxyType(
    {
        PlatformName.WIX: MappingProxyType({**_EVERYWHERE, **_WIX}),
        PlatformName.BITRIX24: MappingProxyType({**_EVERYWHERE, **_BITRIX24}),
    }
)

# What our own reading finds, not a word of a platform.
DOUBLE_BOOKING: Final = Advice(
    "Two bookings overlap on a resource that can serve one at a time.",
    "The front desk moves or cancels one of the bookings and tells the customer. If the resource may serve several at a time, "
    "the exporter's operator lists it in `overlapping_resources`.",
)
DATA_WITHDRAWN: Final = Advice(
    "There is no fresh data, and the old data was withdrawn because it reached its `max_age`.",
    "The exporter's operator looks into the log for what holds the polls up.",
)
WINDOW_INCOMPLETE: Final = Advice(
    "Not everything in this window could be read; the true numbers may be higher.",
    "Nothing at first: the next poll reads again. If it lasts, the exporter's operator looks into the log.",
)
CREDENTIAL_ENDS: Final = Advice(
    "The credential works until this moment, and a person must renew it.",
    "The account's owner renews the credential and the exporter's operator puts it in place.",
)


def for_connection(status: ConnectionStatus, error_reason: ErrorReason | None) -> Advice:
    """Return what a connection's state means and its fix. ``error_reason`` counts only while the status is ``ERROR``."""
    if status is ConnectionStatus.ERROR and error_reason is not None:
        return CONNECTION_ERRORS[error_reason]
    return CONNECTION_STATES[status]


def for_failure(reason: Reason, platform: PlatformName) -> Advice:
    """Return what a failed poll means and its fix."""
    return FAILURES[platform][reason]
