"""What failures of an owner's calendar mean, and who does what about them (docs/platforms/calendar.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.errors import Reason
from exporter.platforms.advice import EVERYWHERE, Advice, PlatformAdvice

_LATER: Final = (
    "Wait: the exporter tries again by itself. If it lasts longer than an hour, the person who runs the calendar's server "
    "looks into its log."
)
_NO_CONNECTION: Final = (
    "There is no connection to the calendar's server: its name was not found, or the connection was refused or lost."
)
_FAILURES: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "The calendar's server does not accept the user name and password.",
        "The calendar's owner makes a new password for the exporter, or tells the one that was changed; the exporter's "
        "operator puts it in place. Where the account has a second factor the server wants a password that it made for one "
        "program. From a server that takes no passwords the calendar is read as a feed, if it publishes one (`ics_url`).",
    ),
    Reason.PERMISSION: Advice(
        "The user is known to the calendar's server, but may not read this calendar.",
        "The calendar's owner shares the calendar with that user, to read it; the exporter's operator checks that `caldav.url` "
        "is the address of that calendar.",
    ),
    Reason.NOT_ENTITLED: Advice(
        "The calendar's server does not tell when somebody is busy (`free-busy-query`), or only at the address of a calendar.",
        "The exporter's operator checks that `caldav.url` is the address of one calendar, not of a user or a server. If it is, "
        "`caldav.read: entries` lets the exporter read the entries, and keep only their times.",
    ),
    Reason.NOT_FOUND: Advice(
        "There is no calendar at this address: it was deleted or renamed, or the address is that of something else.",
        "The calendar's owner looks whether the calendar is still there; the exporter's operator copies its address "
        "into `caldav.url`.",
    ),
    Reason.RATE_LIMITED: Advice(
        "The calendar's server limits how often it may be asked.",
        "Wait: the exporter continues when the server allows it. If it lasts longer than an hour, the exporter's operator "
        "raises the interval of the collector `busy`.",
    ),
    Reason.OPERATING_LIMIT: Advice("The calendar's server has no time left for the exporter.", _LATER),
    Reason.OVERLOAD: Advice("The calendar's server has blocked requests because of overload.", _LATER),
    Reason.SERVER_ERROR: Advice("The calendar's server has a fault.", _LATER),
    Reason.NETWORK: Advice(
        _NO_CONNECTION,
        "The exporter's operator checks the host and the port in `caldav.url`, DNS, firewall and proxy of the host, and the "
        "target's `base_url` and `proxy` if it has them.",
    ),
    Reason.INVALID_RESPONSE: Advice(
        "What came is no calendar: a web page, a calendar that is cut off, or one that is too large.",
        "The exporter's operator checks that `caldav.url` is the address of a calendar, and not of a web page. If it is, and "
        "it lasts longer than an hour, the person who runs the calendar's server looks into its log.",
    ),
    Reason.CONFIG: Advice(
        "The address of the calendar cannot be used as it is configured.",
        "The exporter's operator corrects what the message names, then reloads. The exporter follows no redirect, so that it "
        "sends the password to no other server.",
    ),
}
_NEW_ADDRESS: Final = (
    "The calendar's owner publishes the calendar again, or makes a new secret address; the exporter's operator writes it into "
    "`ics_url` and reloads."
)
_FAILURES_OF_A_FEED: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "The address of the feed was not copied whole, or is not open: its publisher wants somebody to sign in.", _NEW_ADDRESS
    ),
    Reason.PERMISSION: Advice("The publisher of the feed does not give it out.", _NEW_ADDRESS),
    Reason.NOT_FOUND: Advice(
        "There is no feed at this address: the address was renewed, or the calendar is no longer published.", _NEW_ADDRESS
    ),
    Reason.NETWORK: Advice(
        _NO_CONNECTION,
        "The exporter's operator checks the host in `ics_url`, DNS, firewall and proxy of the host, and the target's "
        "`base_url` and `proxy` if it has them.",
    ),
    Reason.INVALID_RESPONSE: Advice(
        "What came is no calendar that can be read: a web page, a feed that is cut off, too large or takes too long.",
        "The exporter's operator opens the address in a browser: a file for a calendar program must come. If a page to sign in "
        "comes, the calendar's owner makes a new secret address.",
    ),
    Reason.CONFIG: Advice(
        "What reads calendar feeds is not installed.",
        "The exporter's operator installs the extra `ics` and restarts the exporter.",
    ),
}

ADVICE: Final = PlatformAdvice(failures={**EVERYWHERE, **_FAILURES}, sign_ins={"feed": _FAILURES_OF_A_FEED})
