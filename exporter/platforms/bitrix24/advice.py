"""What Bitrix24's failures mean, and who does what about them (docs/platforms/bitrix24.md 6 and 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.errors import Reason
from exporter.platforms.advice import EVERYWHERE, Advice, PlatformAdvice

_FAILURES: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "Bitrix24 does not accept the credential: the webhook was deleted or expired, or the token was revoked.",
        "A portal administrator makes a new incoming webhook (Developer resources -> Other -> Inbound webhook) with the scope "
        "`booking`; the exporter's operator replaces `webhook_url` with its address. With OAuth, a portal administrator "
        "installs the application again.",
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
        "Wait: the exporter continues by itself. If it lasts longer than an hour, the exporter's operator lowers "
        "`budget.requests_per_second` or raises the intervals.",
    ),
    Reason.OPERATING_LIMIT: Advice(
        "The method's operating time for ten minutes is used up; Bitrix24 blocks the method until the sum is lower.",
        "Wait: the exporter continues when the portal allows it. If it lasts longer than an hour, the exporter's operator "
        "raises the interval, narrows the windows, or gives other jobs a webhook of their own.",
    ),
    Reason.OVERLOAD: Advice(
        "Bitrix24's support has blocked REST for this portal because of overload; the block does not end by itself.",
        "A portal administrator asks Bitrix24 support to lift the block (OVERLOAD_LIMIT); the exporter's operator raises the "
        "intervals first.",
    ),
    Reason.SERVER_ERROR: Advice(
        "The Bitrix24 server has a fault.",
        "Wait: the exporter tries again by itself. If it lasts longer than an hour, a portal administrator asks Bitrix24 "
        "support or, for an on-premise portal, the person who runs its server.",
    ),
}

_WITH_WEBHOOK: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "Bitrix24 does not accept the webhook: its address was not copied whole, it was deleted, or it has expired.",
        "The exporter's operator compares `webhook_url` with the address that the portal shows. If the webhook is gone, a "
        "portal administrator makes a new one (Developer resources -> Other -> Inbound webhook) with the scope `booking`, and "
        "the operator replaces `webhook_url` with its address.",
    ),
    Reason.PERMISSION: Advice(
        "The webhook is valid but may not read bookings.",
        "A portal administrator adds the scope `booking` to the webhook, and gives the person who made the webhook access to "
        "the bookings.",
    ),
}
_WITH_APPLICATION: Final[Mapping[Reason, Advice]] = {
    Reason.AUTH: Advice(
        "Bitrix24 does not accept the application: its secret is wrong, its tokens were revoked, or it was removed.",
        "The exporter's operator compares `client_id` and `client_secret` with the application's card on the portal and runs "
        "`booking-sync-exporter bitrix24-login`; if there is no such card, a portal administrator first adds the application "
        "again.",
    ),
    Reason.PERMISSION: Advice(
        "The application is known but may not read bookings.",
        "A portal administrator adds the scope `booking` on the application's card, and gives the person who logged in access "
        "to the bookings; the exporter's operator runs `booking-sync-exporter bitrix24-login` again.",
    ),
    Reason.NOT_FOUND: Advice(
        "The portal or the method does not exist at this address.",
        "The exporter's operator checks the portal's address in the token file (`client_endpoint`), and `base_url` if set; a "
        "portal administrator checks that the portal was not deleted and that online booking is available on it.",
    ),
}

ADVICE: Final = PlatformAdvice(
    failures={**EVERYWHERE, **_FAILURES}, sign_ins={"webhook": _WITH_WEBHOOK, "oauth": _WITH_APPLICATION}
)
