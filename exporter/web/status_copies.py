"""The types of ``/api/v1/status`` about copies of bookings, a part of those of :mod:`exporter.web.status_types`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec

from exporter.calendar_copies import MismatchKind

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class MismatchedBooking(msgspec.Struct, frozen=True, kw_only=True):
    """The id of a booking whose copy in the staff's calendar differs, how, and when the booking begins.

    ``missing``: there is no copy. ``moved``: it lies at another time. ``declined``: the staff declined it. ``resources`` are
    those whom it books: the alias, else the name on the platform, else the id.
    """

    booking: str
    kind: MismatchKind
    start: _Moment
    local_start: _Moment
    resources: tuple[str, ...] = ()


class CopiesWindow(msgspec.Struct, frozen=True, kw_only=True):
    """How many bookings of a window could be compared with their copies in the staff's calendar, and how many differ, by kind.

    ``mismatches`` is null where none could be compared; of ``unverified`` bookings it is not known.
    """

    window: str
    compared: int
    mismatches: Mapping[MismatchKind, int] | None
    unverified: int
