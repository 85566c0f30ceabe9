"""What Wix's states and failures mean, and who does what about them (docs/platforms/wix.md 3.4, 3.5, 9.2 and 12)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from exporter.errors import Reason
from exporter.model import CollectorName, ConnectionStatus, ErrorReason
from exporter.platforms.advice import EVERYWHERE, Advice, PlatformAdvice

STAFF_RIGHT: Final = "BOOKINGS.STAFF_MEMBER_READ"
SLOTS_RIGHT: Final = "BOOKINGS.AVAILABILITY_READ_TIME_SLOTS"
EVENTS_RIGHTS: Final = "CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS and BOOKINGS.BOOKING_READ"
PROBES_RIGHT: Final = "CALENDAR.READ_OWN_EXTERNAL_CALENDAR_CONNECTIONS"
NEEDED_RIGHTS: Final[Mapping[CollectorName, str]] = MappingProxyType(
    {
        CollectorName.CONNECTIONS: "Manage External Calendars",
        CollectorName.BOOKINGS: "Read Bookings",
        CollectorName.EVENTS: EVENTS_RIGHTS,
        CollectorName.SLOTS: SLOTS_RIGHT,
    }
)
"""The permissions without which a collector reads nothing."""

_STATES: Final[Mapping[ConnectionStatus, Advice]] = {
    ConnectionStatus.SYNCED: Advice("Both calendars agree.", ""),
    ConnectionStatus.SYNC_IN_PROGRESS: Advice(
        "A sync is running. It should end within minutes.",
        "Wait: this ends by itself. If it lasts longer than an hour, the calendar's owner disconnects and reconnects it: Wix "
        "dashboard -> Bookings calendar -> Sync personal calendar.",
    ),
    ConnectionStatus.CONNECTED: Advice(
        "The calendar is connected and no export has run yet. With only import on, this is the normal state and stays so.",
        "Nothing has to be done if only import is on. If export is on and this lasts, the calendar's owner saves the sync "
        "settings again, or disconnects and reconnects.",
    ),
    ConnectionStatus.DISCONNECTED: Advice(
        "The connection was disconnected: on purpose, or by Wix because the staff member's schedule got another owner. "
        "Personal appointments no longer block booking times.",
        "If it was not on purpose, the calendar's owner reconnects it: Wix dashboard -> Bookings calendar -> Sync personal "
        "calendar -> Connect.",
    ),
    ConnectionStatus.ERROR: Advice(
        "The sync is broken and will not recover by itself; bookings and calendar drift apart.",
        "The calendar's owner opens the Wix dashboard -> Bookings calendar -> Sync personal calendar and reconnects.",
    ),
    ConnectionStatus.UNDEFINED: Advice(
        "Wix gives no information about this connection: it may work or be broken.",
        "A site manager checks the connection in the Wix dashboard -> Bookings calendar -> Sync personal calendar.",
    ),
    ConnectionStatus.UNKNOWN: Advice(
        "Wix reports a status that this version of the exporter does not know.",
        "A site manager checks the connection in the Wix dashboard; the exporter's operator installs a newer version.",
    ),
}

_ERRORS: Final[Mapping[ErrorReason, Advice]] = {
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
        "A site manager checks the connection in the Wix dashboard -> Bookings calendar; the calendar's owner reconnects it.",
    ),
    ErrorReason.UNKNOWN: Advice(
        "The sync is broken for a reason that this version of the exporter does not know.",
        "A site manager checks the connection in the Wix dashboard -> Bookings calendar; the calendar's owner reconnects it.",
    ),
}

_FAILURES: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "Wix does not accept the credential: wrong, expired or revoked.",
        "The account's owner makes a new API key (API Keys Manager) and the exporter's operator replaces the old key with it, "
        "without `Bearer` in front. In app mode the operator checks `app_id`, `app_secret` and `instance_id`.",
    ),
    Reason.PERMISSION: Advice(
        "Wix does not let this credential read this data; an empty or missing key gets the same answer.",
        # An empty key answers exactly like a missing right.
        "The account's owner checks three things: "
        "(1) the API key is there, is not empty and was made by the owner or a co-owner of the account that owns the site; "
        "(2) the site is in the key's list of sites and `site_id` names it; "
        "(3) the key has the permission group Wix Bookings, External Calendars included. "
        "If all three hold, this API may not accept keys at all: use app mode (`app_id`, `app_secret`, `instance_id`) instead. "
        "In app mode, permissions added later need the app to be installed again.",
    ),
    Reason.NOT_ENTITLED: Advice(
        "The site's plan does not contain this feature, or Wix Bookings is not installed on it.",
        "The site's owner upgrades the plan (calendar sync is a premium feature) or installs Wix Bookings; "
        "otherwise the exporter's operator removes this collector from the target.",
    ),
    Reason.NOT_FOUND: Advice(
        "Wix does not know this address.",
        "The exporter's operator checks `site_id`, `base_url` and `reader_prefix`; then installs the newest version, "
        "because Wix may have retired the method.",
    ),
    Reason.RATE_LIMITED: Advice(
        "The site's limit of 200 requests a minute is used up; every client of this key and site shares it.",
        "Wait: the exporter continues by itself. If it lasts longer than an hour, the exporter's operator raises the "
        "intervals or gives other clients a key of their own.",
    ),
    Reason.OPERATING_LIMIT: Advice(
        "The platform's time budget is used up.",
        "Wait: the exporter continues by itself. If it lasts longer than an hour, the exporter's operator raises the "
        "intervals.",
    ),
    Reason.OVERLOAD: Advice(
        "Wix has blocked requests because of overload.",
        "The exporter's operator raises the intervals and sends the request id from the log to Wix support.",
    ),
    Reason.SERVER_ERROR: Advice(
        "Wix, or a calendar provider behind it, has a fault.",
        "Wait: the exporter tries again by itself. If it lasts longer than an hour, the exporter's operator checks "
        "status.wix.com and sends the request id from the log to Wix support.",
    ),
}

_WITH_KEY: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "Wix does not accept the API key: wrong, cut off, expired or revoked.",
        "The account's owner makes a new API key (API Keys Manager) and the exporter's operator replaces the old key with it, "
        "whole and without `Bearer` in front.",
    ),
    Reason.PERMISSION: Advice(
        "Wix does not let this API key read this data; an empty or missing key gets the same answer.",
        "The account's owner checks three things: "
        "(1) the API key is there, is not empty and was made by the owner or a co-owner of the account that owns the site; "
        "(2) the site is in the key's list of sites and `site_id` names it; "
        "(3) the key has the permission group Wix Bookings, External Calendars included. "
        "If all three hold, this API may not accept keys at all: use app mode (`app_id`, `app_secret`, `instance_id`) instead.",
    ),
}
_WITH_APP: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "Wix does not accept the app: its secret is wrong, or it is not installed on this site.",
        "The exporter's operator compares `app_id` and `app_secret` with the app's own page at Wix, and `instance_id` with the "
        "site; if they are right, the site's owner installs the app again.",
    ),
    Reason.PERMISSION: Advice(
        "Wix does not let this app read this data: a permission is missing, or was added after the app was installed.",
        "The developer of the app gives it the permissions Manage External Calendars and Read Bookings; then the site's owner "
        "installs it on the site again.",
    ),
    Reason.NOT_FOUND: Advice(
        "Wix does not know this address.",
        "The exporter's operator checks `instance_id`, `base_url` and `reader_prefix`; then installs the newest version, "
        "because Wix may have retired the method.",
    ),
}

ADVICE: Final = PlatformAdvice(
    failures={**EVERYWHERE, **_FAILURES},
    sign_ins={"api_key": _WITH_KEY, "app": _WITH_APP},
    connections=_STATES,
    connection_errors=_ERRORS,
)
