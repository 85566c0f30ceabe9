"""Counting and conflicts over bookings that were read row by row; the same for every platform."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Booking:
    """The part of a booking that counting needs. ``start``/``end`` are Unix seconds, ``resources`` the API's ids as text.

    ``status`` is lower case where the platform has one, else ``None``. Nothing personal.
    """

    id: str
    start: float
    end: float
    resources: tuple[str, ...] = ()
    status: str | None = None
