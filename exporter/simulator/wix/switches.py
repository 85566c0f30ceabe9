"""Where docs/platforms knows two behaviours, or none: which one this Wix shows (wix.md 13, 14).

The defaults are the likelier half. Tests and rehearsals change them on ``world.switches``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Switches:
    """Every choice of one simulated Wix; mutable on purpose."""

    # Credentials (wix.md 2, 12.2)
    missing_key_status: Literal[401, 403] = 403
    wrong_key_status: Literal[401, 403] = 401
    reject_both_ids: bool = False
    token_lifetime: float = 14_400.0
    tokens_without_site: bool = False
    """Mint app tokens that hold no site: every call with one is 401 ``No Metasite Context in identity``."""

    # Connections and providers (wix.md 3.4, 3.6, 4)
    strict_failure_status: int = 500
    all_down: Literal["error", "empty"] = "error"
    """All providers down and ``partialFailure=true``: a 5xx, or 200 without connections."""
    failed_ids: Literal["list", "absent"] = "list"
    """``failedProviderIds`` of a clean answer: ``[]`` or not there."""
    extra_failed_ids: tuple[str, ...] = ()
    """Reported as failed although ListProviders does not know them."""
    providers_fail: bool = False
    reconnect_keeps_old: bool = False
    drop_disconnected: bool = False
    foreign_calendars: Literal["served", "refused"] = "served"
    """ListCalendars of a connection that another user made: like any, or 403 without a reason (wix.md 2.5)."""

    # Imported events (wix.md 5)
    transparent_events: bool = False
    """Whether events come that leave their time free; nothing in a row tells them from others."""
    echoes: bool = False
    """Whether the copies of bookings that a connection exported come back as events, with their buffer times."""
    events_twice_after_reconnect: bool = False
    """The events of a connection that was made anew come twice."""

    # Bookings reader (wix.md 6)
    default_sort: Literal["id", "createdDate"] = "id"
    count_as: Literal["number", "text", "missing"] = "number"
    repeat_cursor: bool = False
    """Every page hands out the cursor of the first page, so a naive reader never ends."""
    omit_has_next: bool = False
    trailing_empty_page: bool = False
    """The last full page still has a cursor; the page behind it is empty."""
    reader_lag_seconds: float = 0.0
    """The reader is eventually consistent: it does not know bookings younger than this."""
    double_booked: Literal["set", "never", "refused"] = "set"
    """Whether bookings that overlap a confirmed one are marked as ``doubleBooked``; or a filter by that is refused."""
    double_booked_lag_seconds: float = 0.0
    """A mark follows the change of a booking, a cancellation included, so much later."""

    # Bookable slots (wix.md 7.2)
    slots_time_zone: Literal["required", "optional"] = "required"
    """A request for slots without ``timeZone``: 400, or answered in the site's zone."""
    slots_refusal: Literal["code", "empty"] = "code"
    """A request for slots without the right to it: 403 with ``UNAUTHORIZED_OPERATION``, or without a reason."""
    closed_service_slots: Literal["none", "not_bookable"] = "none"
    """A service that cannot be booked online: it has no slots, or slots with ``bookOnlineDisabled``."""
    slots_cached_seconds: float = 0.0
    """Slots are worked out from bookings and events as they were up to this long ago."""

    # Sites of an account (docs/platforms/wix-sites.md)
    ignore_app_filter: bool = False
    """Answer as if ``appIds`` could not be filtered by: then everything comes."""
    hide_trashed: bool = False
    """Leave out sites in the trash, instead of listing them with their ``trashedDate``."""

    # Limits (wix.md 10)
    requests_per_minute: float = 200.0
    retry_after: Literal["absent", "seconds", "date"] = "absent"
