"""The types of ``/api/v1/status`` about links of bookings; see :mod:`exporter.web.status_types`."""

from __future__ import annotations

import msgspec

from exporter.web.moments import Moment
from exporter.web.status_copies import CopiesWindow, MismatchedBooking


class EntityLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Number of links to one kind of entity: of the CRM, the calendar (`event`) or the catalog (`sku`)."""

    module: str
    entity_type: str
    links: int


class LinksWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Link coverage of one half-open window.

    ``linked`` and ``unlinked`` go by CRM entities alone; ``calendar_linked`` counts bookings with a calendar event;
    ``unverified`` those whose links were read longer ago than ``max_age_seconds``, which are in none of the other numbers.
    """

    window: str
    start: Moment
    end: Moment
    complete: bool
    linked: int
    unlinked: int
    calendar_linked: int
    unverified: int
    links: tuple[EntityLinks, ...]


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Link coverage at ``at``.

    ``copies`` is null where bookings have no copies in the staff's calendar, and where these are not compared. ``mismatched``
    are the next ten bookings that differ from theirs, soonest first.
    """

    at: Moment
    windows: tuple[LinksWindow, ...]
    copies: tuple[CopiesWindow, ...] | None = None
    mismatched: tuple[MismatchedBooking, ...] = ()
