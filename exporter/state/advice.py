"""What to do about what a view shows: each platform's advice by the platform's name, and that for what only we find."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from exporter.connection_checks import UnprotectedReason
from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason, Message, Moved
from exporter.platforms.advice import Advice
from exporter.platforms.registry import PLATFORMS
from exporter.policy import WarningKind

# What our own reading finds, not a word of a platform.
DOUBLE_BOOKING: Final = Advice(
    "Two bookings overlap on a resource that can serve one at a time.",
    "The front desk opens the calendar at this time, moves or cancels one of the two bookings and informs its customer. If "
    "the resource may serve several at a time, the exporter's operator lists it in `overlapping_resources`.",
)
DOUBLE_BOOKING_MARKED: Final = Advice(
    "Wix marks these bookings because each overlaps a confirmed booking. The exporter only counts the marks and does not know "
    "which bookings have one.",
    "The front desk looks for overlapping bookings in the Wix calendar and moves or cancels one of each two. The exporter's "
    "operator writes `conflicts: true` to have the bookings named here, or `platform_conflicts: false` where such overlaps are "
    "intended.",
)
PROBE_FAILED: Final = Advice(
    "Wix still calls this calendar connected but can no longer read it: the access that its owner gave has ended. New "
    "appointments in it block no booking times.",
    "The calendar's owner connects it again: Wix dashboard -> Bookings calendar -> Sync personal calendar -> Reconnect. An "
    "Apple calendar needs a new app-specific password from account.apple.com.",
)
NO_CALENDAR_CHOSEN: Final = Advice(
    "The import of this connection is on, but no calendar is chosen for it: no personal appointment blocks booking times.",
    "The calendar's owner opens the Wix dashboard -> Bookings calendar -> Sync personal calendar and chooses the calendars, or "
    "switches the import off.",
)
CHOSEN_CALENDAR_GONE: Final = Advice(
    "A calendar that this connection should import no longer exists in the external account. What replaced it blocks no "
    "booking times.",
    "The calendar's owner opens the Wix dashboard -> Bookings calendar -> Sync personal calendar and chooses the calendars "
    "again.",
)
ACCOUNT_SHARED: Final = Advice(
    "The same external account is connected to several schedules, against which Wix warns: appointments of one staff member "
    "block the booking times of the others, and exported bookings come back as appointments of somebody else.",
    "An administrator of the account leaves the external account connected to one schedule and connects the others to "
    "calendars of their own. If it is intended, the exporter's operator lists the connections under `accepted`.",
)
_NO_CONNECTION: Final = Advice(
    "This staff member takes bookings and has no calendar connected: customers can book the times of personal appointments.",
    "The staff member connects a calendar: Wix dashboard -> Bookings calendar -> Sync personal calendar -> Connect. If none is "
    "wanted, the exporter's operator lists the schedule under `accepted` (`connection: NAME`).",
)
_IMPORT_OFF: Final = Advice(
    "The calendar of this staff member is connected, but its import is off: customers can book the times of personal "
    "appointments.",
    "The calendar's owner opens the Wix dashboard -> Bookings calendar -> Sync personal calendar and switches the import on. "
    "If it is meant to be off, the exporter's operator lists the schedule under `accepted` (`connection: NAME`).",
)
_INVITE_PENDING: Final = Advice(
    "This staff member takes bookings and has not accepted the invitation to the site yet, without which no calendar can be "
    "connected.",
    "The staff member accepts the invitation that came by e-mail, then connects a calendar; an administrator of the account "
    "can send it again.",
)
_INVITE_EXPIRED: Final = Advice(
    "This staff member takes bookings, and the invitation to the site has expired: no calendar can be connected.",
    "An administrator of the account invites the staff member again: Wix dashboard -> Staff.",
)
_USER_DISCONNECTED: Final = Advice(
    "This staff member takes bookings, and the Wix account of the member was removed from the site: no calendar can be "
    "connected.",
    "An administrator of the account invites the staff member again (Wix dashboard -> Staff), or takes the member off the "
    "services.",
)
UNPROTECTED: Final[Mapping[UnprotectedReason, Advice]] = MappingProxyType(
    {
        UnprotectedReason.NO_CONNECTION: _NO_CONNECTION,
        UnprotectedReason.IMPORT_OFF: _IMPORT_OFF,
        UnprotectedReason.INVITE_PENDING: _INVITE_PENDING,
        UnprotectedReason.INVITE_EXPIRED: _INVITE_EXPIRED,
        UnprotectedReason.USER_DISCONNECTED: _USER_DISCONNECTED,
    }
)
"""What it means that a staff member takes bookings without a working import, where no row of a connection tells it."""

EXTERNAL_CONFLICT: Final = Advice(
    "The person who is to serve this booking has an appointment of their own at that time. It was in their private calendar "
    "before the booking was made, or nobody knows which came first: the calendar may be connected and still not keep its time "
    "free.",
    "The front desk asks this person which of the two stands, then moves the booking or has the private event moved. The "
    "calendar's owner reconnects the calendar, so that the site sees its busy times again. If the booking is meant, the "
    "exporter's operator lists its id under `accepted`.",
)
BOOKED_OVER: Final = Advice(
    "The person who is to serve this booking put an appointment of their own over it. The calendar connection works.",
    "This person moves the private event, or the front desk moves the booking and informs its customer. If the booking is "
    "meant, the exporter's operator lists its id under `accepted`.",
)
SLOTS_OVER_BUSY: Final = Advice(
    "The site offers customers times at which the person who would serve them has an appointment in a connected private "
    "calendar: the calendar is read, and its busy times block nothing. Each such slot can become a double booking.",
    "The calendar's owner reconnects the calendar: Wix dashboard -> Bookings calendar -> Sync personal calendar. Until the "
    "slots are gone, the front desk blocks these times by hand in the Wix calendar. If the times are meant to be free, the "
    "exporter's operator lists the schedule under `accepted` (`connection: NAME`).",
)
NO_OPEN_SLOTS: Final = Advice(
    "Customers find no time for this service in the next 7 days: it is fully booked, closed, hidden, or something blocks "
    "every slot.",
    "A site manager looks at the service in the Wix dashboard -> Booking services as a customer would: is it visible, does "
    "anybody offer it, are the working hours right, does an event block them? If the business is closed then, the exporter's "
    "operator adds the days to the target's `closed`.",
)
IMPORT_SILENT: Final = Advice(
    "The status of the connection is good and there were private events for a week, but for the next 7 days there are none. "
    "Either the calendar is empty, or its busy times no longer reach the site and can be booked.",
    "The calendar's owner looks whether the calendar has events in the next days. If it has, they reconnect it. If it stays "
    "empty, the exporter's operator lists the connection under `accepted`.",
)
IMPORT_FROZEN: Final = Advice(
    "The status of the connection is good, but its private events have not changed for much longer than ever before. New "
    "events of this calendar may no longer reach the site.",
    "The calendar's owner adds an event, looks some time later whether the site keeps this time free, and reconnects the "
    "calendar if it does not. If nothing in this calendar changes for weeks, the exporter's operator lists the connection "
    "under `accepted`.",
)
IMPORT_SHORTENED: Final = Advice(
    "The status of the connection is good, but its private events now end much sooner than the day before. Later ones of this "
    "calendar may no longer reach the site.",
    "The calendar's owner looks whether the calendar has later events. If it has and the site does not keep their time free, "
    "they reconnect the calendar.",
)
HEARTBEAT_MISSING: Final = Advice(
    "The status of the connection is good, but the short event that stands in its calendar as a sign of life does not reach "
    "the site, or only an old one does. Other new events of this calendar may not reach it either.",
    "The calendar's owner looks whether the event is in the calendar at the time that the exporter's configuration names. If "
    "it is, they reconnect the calendar. If it is not, they enter it again, or whoever runs the script that writes it starts "
    "the script again. If it is no longer wanted, the exporter's operator removes it under `heartbeats`.",
)
CALENDAR_MISMATCH: Final = Advice(
    "The copy of a booking in the calendar of the staff who serve is missing, lies at another time, or was declined. So nobody "
    "may be there for the customer.",
    "The front desk asks the staff member who serves, then corrects the booking or has the entry in the calendar corrected. An "
    "administrator of the account finds out who or what changed the calendar.",
)
DATA_WITHDRAWN: Final = Advice(
    "There is no fresh data; the old data reached its `max_age` and is no longer shown.",
    "The exporter's operator looks in the log for the reason why polls fail or do not end.",
)
WINDOW_INCOMPLETE: Final = Advice(
    "Not everything in this window could be read; the true numbers may be higher.",
    "Wait: the next poll reads again. If it lasts longer than an hour, the exporter's operator looks in the log for the "
    "reason.",
)
LINKS_UNVERIFIED: Final = Advice(
    "The links of many of these bookings were last read longer ago than `max_age`, so it is not known whether they are linked.",
    "Wait: this ends by itself. If it lasts longer than an hour, the exporter's operator raises `verify_calls` or `max_age` "
    "of the collector `links`, or narrows its window; where more than half of the operating time is used, raises its interval "
    "or `budget.operating_seconds`.",
)
CREDENTIAL_ENDS: Final = Advice(
    "The credential works until this moment, and a person must renew it.",
    "The account's owner renews the credential and the exporter's operator replaces the old one.",
)
OVERDUE: Final = Advice(
    "The poll should have begun long ago: this machine is too slow for the exporter, or it was suspended.",
    "Wait: this ends by itself. If it lasts longer than an hour, the exporter's operator gives the exporter more CPU, raises "
    "intervals, or divides the targets (`--shard`).",
)
NOT_POLLED: Final = Advice("Nothing is known yet: no poll has finished.", "")
KNOWN: Final = Advice("According to the configuration this is intended.", "")
ALL_DOWN: Final = Advice(
    "No calendar of this target works any more; those that worked recently are broken, disconnected or gone.",
    "The calendars' owners reconnect them, as described for each connection below. If all stopped at the same time, an "
    "administrator of the account first finds out what was changed then.",
)
ALL_GONE: Final = Advice(
    "The site has no calendar connection any more, although some worked recently. None of its calendars is watched.",
    "An administrator of the account finds out who removed the connections, or withdrew the right to see them; the calendars' "
    "owners connect again. If it was intended, the exporter's operator accepts the warning `no_connections`.",
)
LIMITED: Final = Advice(
    "The platform asked the exporter to wait, so it sends no requests until then.",
    "Wait: this ends by itself. If it happens again, the exporter's operator raises the intervals of the target, and an "
    "administrator of the account looks for other applications that send many requests.",
)
BUDGET_SPENT: Final = Advice(
    "The target's operating time for ten minutes is used up, so the exporter holds back requests that need more of it.",
    "Wait: this ends by itself. If it happens again, the exporter's operator raises intervals, narrows windows or raises "
    "`budget.operating_seconds`.",
)
UNLINKED: Final = Advice(
    "Many bookings have no link to a CRM entity.",
    "A portal administrator repairs the automation that creates the links, then the sales team links the bookings by hand.",
)
INTAKE_SILENT: Final = Advice(
    "No new booking arrived for a day; on the same day last week there were new bookings.",
    "An administrator of the account makes a test booking as a customer would, then repairs the form, the payment or the "
    "opening hours. If the business is closed on that day, the exporter's operator adds the day to the target's `closed`.",
)
RELOAD_REFUSED: Final = Advice(
    "The configuration was changed and has errors; the previous one stays in force.",
    "The exporter's operator runs `booking-sync-exporter check-config`, corrects what it names and reloads.",
)

UNWATCHED: Final[Mapping[WarningKind, str]] = MappingProxyType(
    {
        WarningKind.CONFLICTS_OFF: Message("Bookings are counted, but bookings that overlap are not reported."),
        WarningKind.WINDOW_MISSING: Message("Some of the shipped alerts need this window and never fire without it."),
        WarningKind.SAME_ACCOUNT: Message("Its data counts twice, or another account should be watched and is not."),
        WarningKind.EXPIRED: Message(
            "The last day (`until`) of this entry of `accepted` is over. If the problem still exists, it is judged again."
        ),
        WarningKind.UNKNOWN_SCHEDULE: Message("No connection of this schedule is watched."),
        WarningKind.UNKNOWN_ALIAS: Message("No connection has this name."),
        WarningKind.UNKNOWN_RESOURCE: Message("The settings for this resource have no effect."),
        WarningKind.UNKNOWN_SERVICE: Message("Nothing is known of the slots of this service."),
        WarningKind.UNKNOWN_ACCEPTED: Message("This entry of `accepted` has no effect."),
        WarningKind.NO_CONNECTIONS: Message("No calendar of the site is watched."),
        WarningKind.CHECK_REFUSED: Message("Everything else of the target is watched as configured."),
        WarningKind.OPERATORS_BY_DEFAULT: Message(
            "A user with a password who is named neither under `site_users` nor under `operators` sees every site."
        ),
        WarningKind.DISCOVERY: Message("Known sites are watched as before; new sites may not be watched."),
    }
)
"""What a warning of the configuration means, by its kind."""


def moved(to: Moved) -> Advice:
    """Return what it means that an account answers elsewhere, and what to change."""
    return Advice(
        "The account moved to a new address. The old address still redirects to it; when that ends, the polls of the target "
        "fail.",
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
